import {
  CopyMode,
  Hook,
  LogCommand,
  LogFlag,
  LogMessage,
  logAttributes,
  logConfigAttributes,
  Message,
  readNfnetlinkAttributes,
} from '@ringlink/codec'
import { expect, test } from 'vitest'
import { openNetfilter, trackingKernel } from '../conntrack/support.ts'
import { ask, receiveAll, request, udp } from '../support.ts'

/** Those that only packets of a bridge have. */
const ABSENT = ['linkLayerHeader', 'vlan']

test('an entry has every attribute of the table, except those of bridges', () => {
  const kernel = trackingKernel({ conntrackGlue: true })
  const socket = openNetfilter(kernel)
  const attributes = {
    command: { command: LogCommand.Bind },
    mode: { copyRange: 40, copyMode: CopyMode.Packet },
    threshold: 1,
    flags: LogFlag.Conntrack | LogFlag.Sequence | LogFlag.GlobalSequence,
  }
  ask(socket, request(LogMessage.Config, 5, logConfigAttributes, attributes))
  for (const hook of [Hook.Output, Hook.Forward]) kernel.addRule({ hook, log: { group: 5, prefix: 'here' } })
  kernel.inject(udp(5000, 'has a connection, as packets of this machine have'))
  kernel.inject(udp(5000, 'passes through'), {
    hook: Hook.Forward,
    physicalInputDevice: 3,
    physicalOutputDevice: 4,
    mark: 1,
    owner: { userId: 1000, groupId: 1000 },
    timestamp: 1_700_000_000_000_000n,
  })
  const entries = receiveAll(socket).map((bytes) => readNfnetlinkAttributes(new Message(bytes).view, logAttributes))
  expect(entries).toHaveLength(2)
  const written = new Set(entries.flatMap((entry) => Object.keys(entry)))
  const missing = Object.keys(logAttributes.members).filter((name) => !written.has(name))
  expect(missing.sort()).toEqual(ABSENT)
})
