/** nf_tables of the simulated kernel, message by message. */
import {
  BatchMessage,
  batchAttributes,
  ConntrackKey,
  ConntrackStateBit,
  chainAttributes,
  type Expression,
  Family,
  Hook,
  Message,
  MessageFlag,
  MetaKey,
  NewFlag,
  NfTablesMessage,
  PayloadBase,
  Protocol,
  RuleVerdict,
  readNfnetlinkAttributes,
  ruleAttributes,
  Subsystem,
  TableFlag,
  tableAttributes,
} from '@ringlink/codec'
import { describe, expect, test } from 'vitest'
import { SimKernel, type SimKernelOptions, type SimTransport } from '../../src/index.ts'
import { ask, bind, config, copyAll, counters, receiveAll, request, sendBytes, udp } from '../support.ts'

const { Request, Acknowledge } = MessageFlag
const CREATE = Request | Acknowledge | NewFlag.Create | NewFlag.Append
const edge = (type: number, flags: number = Request, generation?: number) =>
  request(type, Subsystem.NfTables, batchAttributes, { generation }, flags)
const table = (name: string, flags = 0, family: number = Family.Inet) =>
  request(NfTablesMessage.NewTable, 0, tableAttributes, { name, flags }, CREATE, family)
const chain = (name: string, priority = 0, hook: number = Hook.Output, policy = 1) =>
  request(
    NfTablesMessage.NewChain,
    0,
    chainAttributes,
    { table: 't', name, hook: { number: hook, priority }, policy, type: 'filter' },
    CREATE,
    Family.Inet,
  )
const rule = (expressions: Expression[], name = 'c', family: number = Family.Inet) =>
  request(NfTablesMessage.NewRule, 0, ruleAttributes, { table: 't', chain: name, expressions }, CREATE, family)
const verdict = (code: number): Expression => ({
  name: 'immediate',
  data: { destinationRegister: 0, data: { verdict: { code } } },
})
const drop = verdict(RuleVerdict.Drop)
const counter: Expression = { name: 'counter', data: {} }
const meta = (key: number): Expression => ({ name: 'meta', data: { key, destinationRegister: 1 } })
const equals = (...value: number[]): Expression => ({
  name: 'cmp',
  data: { sourceRegister: 1, operation: 0, data: { value: Uint8Array.from(value) } },
})

/** The errnos that a batch is answered with, of its messages and not of its edges. */
function batch(socket: SimTransport, ...messages: Uint8Array[]): (number | undefined)[] {
  return ask(socket, concatenate(edge(BatchMessage.Begin), ...messages, edge(BatchMessage.End)))
}

function concatenate(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]))
}

function start(options: SimKernelOptions = {}) {
  const kernel = new SimKernel({ seed: 1, ...options })
  const socket = kernel.open({ protocol: Protocol.Netfilter })
  return { kernel, socket }
}

/** The counters of all rules. */
function counted(socket: SimTransport): number[] {
  sendBytes(socket, request(NfTablesMessage.GetRule, 0, ruleAttributes, {}, Request | 0x300, 0))
  const numbers: number[] = []
  for (const bytes of receiveAll(socket)) {
    for (let at = 0; at < bytes.length; ) {
      const { view } = new Message(bytes.subarray(at))
      at += (view.length + 3) & ~3
      if (view.type !== NfTablesMessage.NewRule) continue
      const { expressions = [] } = readNfnetlinkAttributes(view, ruleAttributes)
      for (const it of expressions)
        if (it.name === 'counter' && it.data !== undefined) numbers.push(Number(it.data.packets))
    }
  }
  return numbers
}

describe('a batch on the simulated kernel', () => {
  test('does all or nothing', () => {
    const { kernel, socket } = start()
    expect(batch(socket, table('t'), chain('c', 0, Hook.Output, 0), rule([{ name: 'missing' } as Expression]))).toEqual(
      [0, 0, 2],
    )
    kernel.inject(udp(5000, 'a'))
    expect(kernel.delivered).toBe(1)
    expect(batch(socket, table('t'), chain('c', 0, Hook.Output, 0))).toEqual([0, 0])
    kernel.inject(udp(5000, 'b'))
    expect([kernel.delivered, kernel.dropped.rule]).toEqual([1, 1])
  })

  test('is refused for another generation than that of the rules', () => {
    const { socket } = start()
    const of = (generation: number) =>
      ask(socket, concatenate(edge(BatchMessage.Begin, Request, generation), table('t'), edge(BatchMessage.End)))
    expect([of(1), of(1), of(2)]).toEqual([[0], [85], [0]])
  })

  test('is refused without nf_tables, without privileges, and without an end', () => {
    const without = start({ nfTables: false })
    expect(batch(without.socket, table('t'))).toEqual([95])
    const { kernel, socket } = start()
    expect(batch(kernel.open({ protocol: Protocol.Netfilter, privileged: false }), table('t'))).toEqual([1])
    expect(ask(socket, concatenate(edge(BatchMessage.Begin), table('t')))).toEqual([0])
    expect(
      ask(socket, request(NfTablesMessage.GetTable, 0, tableAttributes, { name: 't' }, Request, Family.Inet)),
    ).toEqual([2])
  })

  test('keeps a name whose bytes are not UTF-8', () => {
    const { socket } = start()
    const name = '\udcffa\udcc3'
    expect(batch(socket, table(name))).toEqual([0])
    sendBytes(socket, request(NfTablesMessage.GetTable, 0, tableAttributes, { name }, Request, Family.Inet))
    const [row] = receiveAll(socket).map((bytes) => new Message(bytes).view)
    expect(row && readNfnetlinkAttributes(row, tableAttributes).name).toBe(name)
    const remove = { name: (row && readNfnetlinkAttributes(row, tableAttributes).name) ?? '' }
    const removal = request(NfTablesMessage.DeleteTable, 0, tableAttributes, remove, Request | Acknowledge, Family.Inet)
    expect(batch(socket, removal)).toEqual([0])
  })

  test('tells the group of nf_tables of the new generation', () => {
    const { kernel, socket } = start()
    const listener = kernel.open({ protocol: Protocol.Netfilter, groups: [7] })
    batch(socket, table('t'))
    expect(receiveAll(listener).map((bytes) => new Message(bytes).view.type)).toEqual([NfTablesMessage.NewGeneration])
  })
})

describe('tables with an owner on the simulated kernel', () => {
  test('are their own, and go with their socket', async () => {
    const { kernel, socket } = start()
    const other = kernel.open({ protocol: Protocol.Netfilter })
    expect(batch(socket, table('t', TableFlag.Owner), chain('c'), rule([drop]))).toEqual([0, 0, 0])
    expect(batch(other, rule([drop]))).toEqual([1])
    kernel.inject(udp(5000, 'a'))
    await socket.close()
    kernel.inject(udp(5000, 'b'))
    expect([kernel.delivered, kernel.dropped.rule]).toEqual([1, 1])
    expect(batch(other, table('t'))).toEqual([0])
  })

  test('are unknown before Linux 5.12', () => {
    const { socket } = start({ nfTables: { tableOwner: false } })
    expect(batch(socket, table('t', TableFlag.Owner))).toEqual([95])
  })
})

describe('packets on the way through nf_tables of the simulated kernel', () => {
  test('meet chains in the order of priorities, rules of the simulator among them', () => {
    const { kernel, socket } = start()
    kernel.addRule({ hook: Hook.Output, priority: 1, match: { destinationPort: 5001 }, verdict: 'drop' })
    batch(socket, table('t'), chain('first', 0), chain('last', 2), rule([counter], 'first'), rule([counter], 'last'))
    kernel.inject(udp(5000, 'a'))
    kernel.inject(udp(5001, 'b'))
    expect([counted(socket), kernel.delivered, kernel.dropped.rule]).toEqual([[2, 1], 1, 1])
  })

  test('meet only tables of their family', () => {
    const { kernel, socket } = start()
    const ofFamily = (family: number) => [
      table('t', 0, family),
      request(
        NfTablesMessage.NewChain,
        0,
        chainAttributes,
        { table: 't', name: 'c', hook: { number: 3, priority: 0 }, type: 'filter' },
        CREATE,
        family,
      ),
      rule([counter], 'c', family),
    ]
    batch(socket, ...[Family.Ipv4, Family.Ipv6, Family.Inet, Family.Bridge].flatMap(ofFamily))
    kernel.inject(udp(5000, 'four'))
    const six = new Uint8Array(60)
    six[0] = 0x60
    six[6] = 59
    kernel.inject(six)
    kernel.inject(udp(5000, 'bridged'), { family: Family.Bridge })
    expect(counted(socket)).toEqual([1, 1, 2, 1])
  })

  test('have the names of devices, the state of connections and the bytes in front of them that they were given', () => {
    const { kernel, socket } = start({ devices: { 1: 'lo', 2: 'eth0' } })
    const ct: Expression = { name: 'ct', data: { key: ConntrackKey.State, destinationRegister: 1 } }
    const ethernet: Expression = {
      name: 'payload',
      data: { destinationRegister: 1, base: PayloadBase.LinkLayer, offset: 12, length: 2 },
    }
    const host32 = (value: number) => new Uint8Array(new Uint32Array([value]).buffer)
    batch(
      socket,
      table('t'),
      chain('c', 0, Hook.Input),
      rule([meta(MetaKey.InputDeviceName), equals(...new TextEncoder().encode('eth0')), counter]),
      rule([meta(MetaKey.InputDeviceName), equals(...new TextEncoder().encode('dev7')), counter]),
      rule([ct, equals(...host32(ConntrackStateBit.Established)), counter]),
      rule([ct, equals(...host32(ConntrackStateBit.New)), counter]),
      rule([ethernet, equals(8, 0), counter]),
    )
    kernel.inject(udp(5000, 'a'), { hook: Hook.Input, inputDevice: 2, connectionState: ConntrackStateBit.Established })
    kernel.inject(udp(5000, 'b'), { hook: Hook.Input, inputDevice: 7 })
    expect(counted(socket)).toEqual([1, 1, 1, 1, 2])
  })

  test('are limited by the virtual clock', () => {
    const { kernel, socket } = start()
    const limit: Expression = { name: 'limit', data: { rate: 10n, unit: 1n, burst: 2 } }
    batch(socket, table('t'), chain('c'), rule([limit, counter]), rule([drop]))
    const inject = (count: number) => {
      for (let i = 0; i < count; i++) kernel.inject(udp(5000, 'a'))
    }
    inject(5)
    kernel.clock.advance(100)
    inject(5)
    kernel.clock.advance(60_000)
    inject(5)
    expect(counted(socket)).toEqual([2 + 1 + 2])
  })

  test('are spread over queues by the native expression, or bypass them', () => {
    const { kernel, socket } = start()
    for (const number of [4, 5]) ask(socket, config(number, { ...bind, ...copyAll }))
    const queue = (data: object): Expression => ({ name: 'queue', data: { number: 4, ...data } })
    batch(socket, table('t'), chain('c'), rule([queue({ total: 2, flags: 1 })]))
    for (let address = 0; address < 64; address++) {
      const packet = udp(5000, 'a')
      packet[15] = address
      kernel.inject(packet)
    }
    const waiting = [4, 5].map((number) => counters(socket, number)?.[1] ?? 0)
    expect(waiting[0] as number).toBeGreaterThan(10)
    expect((waiting[0] as number) + (waiting[1] as number)).toBe(64)
    // Without a listener a packet passes if the rule has bypass, and is dropped otherwise.
    batch(socket, table('t'), chain('bypass', -2), rule([queue({ number: 9, flags: 1 })], 'bypass'))
    batch(socket, table('t'), chain('block', -1), rule([queue({ number: 9 })], 'block'))
    kernel.inject(udp(5000, 'b'))
    expect([kernel.dropped['no-queue'], counted(socket)]).toEqual([1, []])
  })

  test('are flushed from all queues when a base chain goes, and when a batch that made one fails', () => {
    const { kernel, socket } = start()
    kernel.addRule({ hook: Hook.Output, queue: 0 })
    ask(socket, config(0, { ...bind, ...copyAll }))
    batch(socket, table('t'), chain('c', 0, Hook.Forward))
    kernel.inject(udp(5000, 'a'))
    batch(socket, table('t'), chain('d', 0, Hook.Forward), table('t', 64))
    expect(kernel.dropped.flushed).toBe(1)
    kernel.inject(udp(5000, 'b'))
    batch(
      socket,
      request(NfTablesMessage.DeleteTable, 0, tableAttributes, { name: 't' }, Request | Acknowledge, Family.Inet),
    )
    expect(kernel.dropped.flushed).toBe(2)
  })
})

describe('queue expressions of the simulated kernel', () => {
  test.each([
    [{ number: 1 }, 0],
    [{ number: 1, total: 0 }, 22],
    [{ number: 65535, total: 2 }, 34],
    [{ number: 1, flags: 4 }, 22],
    [{}, 22],
    [{ number: 1, numberRegister: 1 }, 22],
    [{ numberRegister: 1 }, 61],
  ])('%j is answered with %i', (data, errno) => {
    const { socket } = start()
    const answers = batch(socket, table('t'), chain('c'), rule([{ name: 'queue', data }]))
    expect(answers).toEqual([0, 0, errno])
  })

  test('are unknown to a kernel without them', () => {
    const { socket } = start({ nfTables: { without: ['queue'] } })
    expect(batch(socket, table('t'), chain('c'), rule([{ name: 'queue', data: { number: 1 } }]))).toEqual([0, 0, 2])
  })
})
