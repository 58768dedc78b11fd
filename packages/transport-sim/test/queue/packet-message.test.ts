import { CopyMode, Hook, Message, QueueFlag, queueAttributes, readNfnetlinkAttributes } from '@ringlink/codec'
import { expect, test } from 'vitest'
import { Checksum } from '../../src/netfilter/packet.ts'
import { openNetfilter, trackingKernel } from '../conntrack/support.ts'
import { ask, bind, config, receiveAll, udp } from '../support.ts'

/** Those of verdicts, and those that only packets of a bridge have. */
const ABSENT = ['expectation', 'linkLayerHeader', 'verdictHeader', 'vlan']
const FLAGS = QueueFlag.Conntrack | QueueFlag.SecurityContext | QueueFlag.UserAndGroup

test('a packet has every attribute of the table, except those of verdicts and of bridges', () => {
  const kernel = trackingKernel({ conntrackGlue: true })
  const socket = openNetfilter(kernel)
  ask(
    socket,
    config(0, { ...bind, parameters: { copyRange: 40, copyMode: CopyMode.Packet }, flags: FLAGS, mask: FLAGS }),
  )
  for (const hook of [Hook.Output, Hook.Forward]) kernel.addRule({ hook, queue: 0 })
  kernel.inject(udp(5000, 'has a connection, as packets of this machine have'))
  kernel.inject(udp(5000, 'passes through, and is longer than what is copied'), {
    hook: Hook.Forward,
    physicalInputDevice: 3,
    physicalOutputDevice: 4,
    mark: 1,
    priority: 2,
    owner: { userId: 1000, groupId: 1000 },
    cgroupClassId: 5,
    securityContext: 'a context',
    timestamp: 1_700_000_000_000_000n,
    checksum: Checksum.Unverified,
  })
  const packets = receiveAll(socket).map((bytes) => readNfnetlinkAttributes(new Message(bytes).view, queueAttributes))
  expect(packets).toHaveLength(2)
  const written = new Set(packets.flatMap((packet) => Object.keys(packet)))
  const missing = Object.keys(queueAttributes.members).filter((name) => !written.has(name))
  expect(missing.sort()).toEqual(ABSENT)
})
