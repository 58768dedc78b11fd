/** What a simulated kernel can be told to do as another version of Linux does. */
import { readFileSync } from 'node:fs'
import {
  BatchMessage,
  BitwiseOperation,
  batchAttributes,
  ConntrackMessage,
  chainAttributes,
  conntrackAttributes,
  type Expression,
  Family,
  Hook,
  LogCommand,
  LogMessage,
  logAttributes,
  logConfigAttributes,
  Message,
  MessageFlag,
  NewFlag,
  NfTablesMessage,
  Protocol,
  readNfnetlinkAttributes,
  ruleAttributes,
  SetFlag,
  Subsystem,
  setAttributes,
  TableFlag,
  tableAttributes,
} from '@ringlink/codec'
import { describe, expect, test } from 'vitest'
import { type LinuxVersion, SimKernel, type SimKernelOptions } from '../src/index.ts'
import { chosenFeatures, linuxVersionNames, linuxVersions } from '../src/linux.ts'
import { connectionsOf, send, trackingKernel } from './conntrack/support.ts'
import { ask, receiveAll, request, sendBytes, udp } from './support.ts'

const { Request, Acknowledge } = MessageFlag
const CREATE = Request | Acknowledge | NewFlag.Create | NewFlag.Append
const DUMP = 0x300
const INGRESS = 5
const ENOENT = 2
const EINVAL = 22
const ERANGE = 34
const ENODATA = 61
const EOPNOTSUPP = 95

const table = (flags: number, unknown: { type: number; bits: number; payload: Uint8Array }[] = []) =>
  request(NfTablesMessage.NewTable, 0, tableAttributes, { name: 'u', flags, unknown }, CREATE, Family.Inet)
const rule = (...expressions: Expression[]) =>
  request(NfTablesMessage.NewRule, 0, ruleAttributes, { table: 't', chain: 'c', expressions }, CREATE, Family.Inet)
const load = (offset: number, length: number): Expression => ({
  name: 'payload',
  data: { destinationRegister: 1, base: 1, offset, length },
})
const registers = { sourceRegister: 1, destinationRegister: 1, length: 4 }

function batched(messages: readonly Uint8Array[], flags: number = Request): Uint8Array {
  const edge = (type: number) => request(type, Subsystem.NfTables, batchAttributes, {}, flags)
  return Uint8Array.from([edge(BatchMessage.Begin), ...messages, edge(BatchMessage.End)].flatMap((it) => [...it]))
}

/** A kernel with a table, a chain and a set in it, and a socket. */
function start(options: SimKernelOptions) {
  const socket = new SimKernel(options).open({ protocol: Protocol.Netfilter, extendedAck: true })
  const made = [
    request(NfTablesMessage.NewTable, 0, tableAttributes, { name: 't' }, CREATE, Family.Inet),
    request(NfTablesMessage.NewChain, 0, chainAttributes, { table: 't', name: 'c' }, CREATE, Family.Inet),
    request(NfTablesMessage.NewSet, 0, setAttributes, { table: 't', name: 's', keyLength: 2, id: 1 }, CREATE, 1),
  ]
  expect(ask(socket, batched(made))).toEqual([0, 0, 0])
  return socket
}

/** A chain of the hook of devices. */
function ingress(more: { readonly device?: string }) {
  const base = { table: 't', name: 'i', hook: { number: INGRESS, priority: 0, ...more }, type: 'filter' }
  return request(NfTablesMessage.NewChain, 0, chainAttributes, base, CREATE, 1)
}

/** Each feature: what it makes of a request, with it and without. */
const nfTables: Record<
  keyof (typeof linuxVersions)['6.18']['nfTables'],
  readonly [see: (options: SimKernelOptions) => unknown, present: unknown, absent: unknown]
> = {
  tableOwner: [(options) => ask(start(options), batched([table(TableFlag.Owner)])), [0], [EOPNOTSUPP]],
  persistentTables: [
    (options) => ask(start(options), batched([table(TableFlag.Owner | TableFlag.Persist)])),
    [0],
    [EOPNOTSUPP],
  ],
  optionalDevices: [(options) => ask(start(options), batched([ingress({})])), [0], [EINVAL]],
  missingDevices: [(options) => ask(start(options), batched([ingress({ device: 'missing' })])), [0], [ENOENT]],
  ruleResets: [
    (options) => {
      const flags = Request | DUMP
      return ask(start(options), request(NfTablesMessage.GetAndResetRule, 0, ruleAttributes, { table: 't' }, flags, 1))
    },
    // The end of a dump is not an error message.
    [undefined],
    [EINVAL],
  ],
  destroyMessages: [
    (options) => {
      const name = { name: 'missing' }
      const destroy = request(NfTablesMessage.DestroyTable, 0, tableAttributes, name, Request | Acknowledge, 1)
      return ask(start(options), batched([destroy]))
    },
    [0],
    [EINVAL],
  ],
  batchAcknowledgements: [(options) => ask(start(options), batched([table(0)], Request | Acknowledge)), [0, 0, 0], [0]],
  policyReports: [
    (options) => {
      const socket = start(options)
      sendBytes(socket, batched([table(0, [{ type: 2, bits: 0, payload: new Uint8Array(2) }])]))
      return receiveAll(socket).map((bytes) => [0 - new DataView(bytes.buffer).getInt32(16, true), bytes.length > 100])
    },
    [[ERANGE, true]],
    [[ERANGE, false]],
  ],
  bitwiseOperators: [
    (options) => {
      const operation = BitwiseOperation.Or
      const data = { ...registers, operation, data: { value: new Uint8Array(4) } }
      return ask(start(options), batched([rule(load(0, 4), { name: 'bitwise', data })]))
    },
    [0],
    [EOPNOTSUPP],
  ],
  mapsAsSets: [
    (options) => {
      const map = { table: 't', name: 'm', flags: SetFlag.Map, keyLength: 2, dataType: 19, dataLength: 4, id: 2 }
      const made = request(NfTablesMessage.NewSet, 0, setAttributes, map, CREATE, 1)
      const lookup: Expression = { name: 'lookup', data: { set: 'm', sourceRegister: 1 } }
      return ask(start(options), batched([made, rule(load(0, 2), lookup)]))
    },
    [0, 0],
    [0, EINVAL],
  ],
  initialisedRegisters: [
    (options) => {
      const data = { sourceRegister: 3, operation: 0, data: { value: new Uint8Array(4) } }
      return ask(start(options), batched([rule({ name: 'cmp', data })]))
    },
    [ENODATA],
    [0],
  ],
  byteorderLists: [
    (options) =>
      ask(
        start(options),
        batched([rule(load(0, 4), { name: 'byteorder', data: { ...registers, operation: 0, size: 2 } })]),
      ),
    [0],
    [EOPNOTSUPP],
  ],
  distantPayload: [(options) => ask(start(options), batched([rule(load(256, 1))])), [0], [ERANGE]],
  setCount: [
    (options) => {
      const socket = start(options)
      sendBytes(socket, request(NfTablesMessage.GetSet, 0, setAttributes, { table: 't', name: 's' }, Request, 1))
      return receiveAll(socket).map((bytes) => readNfnetlinkAttributes(new Message(bytes).view, setAttributes).count)
    },
    [0],
    [undefined],
  ],
}

describe('a simulated kernel can be like another Linux', () => {
  const features = Object.entries(nfTables) as [keyof typeof nfTables, (typeof nfTables)[keyof typeof nfTables]][]

  test.each(features)('nf_tables with %s, and without it', (name, [see, present, absent]) => {
    expect(see({ nfTables: { [name]: true } })).toEqual(present)
    expect(see({ nfTables: { [name]: false } })).toEqual(absent)
  })

  test.each(linuxVersionNames)('nf_tables of Linux %s', (linux) => {
    for (const [name, [see, present, absent]] of features) {
      expect([name, see({ linux })]).toEqual([name, linuxVersions[linux].nfTables[name] ? present : absent])
    }
  })

  test.each([true, false])('a batch with an expression that is missing, with modules: %s', (modules) => {
    const socket = start({ nfTables: { modules } })
    expect(ask(socket, batched([rule()]))).toEqual([0])
    expect(ask(socket, batched([rule(), rule({ name: 'missing' } as Expression)]))).toEqual([0, ENOENT])
    expect(ask(socket, batched([rule()]))).toEqual([0])
    sendBytes(socket, request(NfTablesMessage.GetRule, 0, ruleAttributes, {}, Request | DUMP, 1))
    const handles: unknown[] = []
    for (const bytes of receiveAll(socket)) {
      for (let at = 0; at < bytes.length; ) {
        const { view } = new Message(bytes.subarray(at))
        at += (view.length + 3) & ~3
        if (view.type === NfTablesMessage.NewRule) handles.push(readNfnetlinkAttributes(view, ruleAttributes).handle)
      }
    }
    // The set has a handle of its own. An attempt uses up two, and each look for a module begins another one.
    expect(handles).toEqual([3n, modules ? 10n : 6n])
  })

  test('its nf_tables can have a feature that its version has not', () => {
    const [see, present] = nfTables.destroyMessages
    expect(see({ linux: '6.1', nfTables: { destroyMessages: true, setCount: undefined } })).toEqual(present)
  })

  test.each<[LinuxVersion, number, number]>([
    ['6.1', 1, EOPNOTSUPP],
    ['6.12', 0, 0],
    ['6.18', 0, 0],
  ])('connection tracking of Linux %s: filters by zone, and flushes with CTA_FILTER', (linux, rows, errno) => {
    const kernel = trackingKernel({ linux })
    const socket = kernel.open({ protocol: Protocol.Netfilter })
    kernel.inject(udp(5000, 'a'))
    send(socket, ConntrackMessage.Get, DUMP, conntrackAttributes, { zone: 5 }, 0)
    expect(connectionsOf(socket)).toHaveLength(rows)
    expect(
      ask(
        socket,
        request(ConntrackMessage.Delete, 0, conntrackAttributes, { filter: {} }, Request | Acknowledge, Family.Ipv4),
      ),
    ).toEqual([errno])
  })

  test.each([
    ['6.1', [undefined, undefined], [5n, undefined]],
    ['6.12', [0n, undefined], [5n, undefined]],
    ['6.18', [0n, undefined], [5n, undefined]],
  ] as const)('logs of Linux %s: of what comes in, and of what goes out, without and with a time', (linux, ...told) => {
    const times = (options: { readonly timestamp?: bigint }) => {
      const kernel = new SimKernel({ linux })
      const socket = kernel.open({ protocol: Protocol.Netfilter })
      ask(
        socket,
        request(LogMessage.Config, 5, logConfigAttributes, { command: { command: LogCommand.Bind }, threshold: 1 }),
      )
      return [Hook.Input, Hook.Output].map((hook) => {
        kernel.addRule({ hook, log: { group: 5 } })
        kernel.inject(udp(5000, 'a'), { hook, ...options })
        const [record] = receiveAll(socket)
        return record === undefined
          ? 'none'
          : readNfnetlinkAttributes(new Message(record).view, logAttributes).timestamp?.microseconds
      })
    }
    expect([times({}), times({ timestamp: 5n })]).toEqual(told)
  })

  test('the table of docs/simulator.md is right', () => {
    const rows = readFileSync(new URL('../../../docs/simulator.md', import.meta.url), 'utf8').matchAll(
      /^\| `(?:(nfTables|conntrack)\.)?(\w+)` +\|.*\| (yes|no) +\| (yes|no) +\| (yes|no) +\|$/gm,
    )
    const told = Array.from(rows, ([, part, name, ...values]) => [
      part === undefined ? name : `${part}.${name}`,
      values.map((it) => it === 'yes'),
    ])
    const { nfTables, conntrack } = linuxVersions['6.18']
    const known = [
      ...Object.keys(nfTables).map((name) => [
        `nfTables.${name}`,
        linuxVersionNames.map((version) => linuxVersions[version].nfTables[name as keyof typeof nfTables]),
      ]),
      ...Object.keys(conntrack).map((name) => [
        `conntrack.${name}`,
        linuxVersionNames.map((version) => linuxVersions[version].conntrack[name as keyof typeof conntrack]),
      ]),
      ['logTimes', linuxVersionNames.map((version) => linuxVersions[version].logTimes)],
    ]
    expect(told).toEqual(known)
  })

  test('an option that is undefined does not count', () => {
    expect(chosenFeatures({ one: true, two: true }, { one: undefined, two: false })).toEqual({ one: true, two: false })
  })
})
