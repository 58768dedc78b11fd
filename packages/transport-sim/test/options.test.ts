import { Hook, Protocol } from '@ringlink/codec'
import { describe, expect, test } from 'vitest'
import { type PacketMeta, type Rule, SimKernel, type SimKernelOptions, type SimOptions } from '../src/index.ts'
import type { RingKernelOptions } from '../src/rings/ring-socket.ts'
import { udp } from './support.ts'

type Row = readonly [given: unknown, code: 'ARGUMENT' | 'VALUE_RANGE', path: string, problem: string]

/** Each row is refused with this code, and a message of this place and problem. */
function refuses(rows: readonly Row[], use: (given: unknown) => void): void {
  test.each(rows)('%o: %s at %s, %s', (given, code, path, problem) => {
    const message = expect.stringContaining(problem)
    expect(() => use(given)).toThrow(expect.objectContaining({ code, path, message }))
  })
}

describe('the options of a simulated kernel', () => {
  refuses(
    [
      [{ sead: 1 }, 'ARGUMENT', 'sead', 'did you mean seed?'],
      [{ without: [] }, 'ARGUMENT', 'without', 'did you mean nfTables.without?'],
      [{ seed: '1' }, 'ARGUMENT', 'seed', "got '1' (string)"],
      [{ seed: 1.5 }, 'VALUE_RANGE', 'seed', 'got 1.5'],
      [{ poison: 1 }, 'ARGUMENT', 'poison', 'must be true or false'],
      [{ conntrackGlue: 'yes' }, 'ARGUMENT', 'conntrackGlue', 'must be true or false'],
      [{ nfTables: true }, 'VALUE_RANGE', 'nfTables', 'false, or an object'],
      [{ nfTables: null }, 'ARGUMENT', 'nfTables', 'got null'],
      [{ nfTables: { without: 'queue' } }, 'ARGUMENT', 'nfTables.without', 'must be a list'],
      [{ nfTables: { without: ['queues'] } }, 'VALUE_RANGE', 'nfTables.without[0]', "got 'queues'"],
      [{ nfTables: { tableowner: true } }, 'ARGUMENT', 'nfTables.tableowner', 'did you mean tableOwner?'],
      [{ devices: ['lo'] }, 'ARGUMENT', 'devices', 'got an array'],
      [{ devices: { lo: '1' } }, 'ARGUMENT', 'devices.lo', 'expected interface indexes'],
      [{ devices: { 0: 'lo' } }, 'VALUE_RANGE', "devices['0']", 'got 0'],
      [{ devices: { 1: 'a-name-that-is-too-long' } }, 'VALUE_RANGE', "devices['1']", '1 to 15 bytes'],
      [null, 'ARGUMENT', '', 'got null'],
    ],
    (given) => new SimKernel(given as SimKernelOptions),
  )
})

describe('the options of a simulated socket', () => {
  const protocol = Protocol.Netfilter
  const kernel = new SimKernel()
  refuses(
    [
      [{}, 'ARGUMENT', 'protocol', 'is missing'],
      [undefined, 'ARGUMENT', '', 'is missing'],
      [{ protocol: '12' }, 'ARGUMENT', 'protocol', "got '12' (string)"],
      [{ protocol: 256 }, 'VALUE_RANGE', 'protocol', 'from 0 to 255'],
      [{ protocol, batchsize: 4 }, 'ARGUMENT', 'batchsize', 'did you mean batchSize?'],
      [{ protocol, batchSize: 0 }, 'VALUE_RANGE', 'batchSize', 'from 1 to 1024'],
      [{ protocol, frameSize: 63 }, 'VALUE_RANGE', 'frameSize', 'from 64'],
      [{ protocol, groups: 1 }, 'ARGUMENT', 'groups', 'must be a list'],
      [{ protocol, groups: [0] }, 'VALUE_RANGE', 'groups[0]', 'got 0'],
      [{ protocol, privileged: 'no' }, 'ARGUMENT', 'privileged', 'must be true or false'],
      [{ protocol, ring: true }, 'ARGUMENT', 'ring', 'must be an object'],
      [{ protocol, ring: { hold: 1 } }, 'ARGUMENT', 'ring.hold', 'did you mean holdLimit?'],
      [{ protocol, ring: { kernel: { skip: 'never' } } }, 'VALUE_RANGE', 'ring.kernel.skip', "'forwards' or 'broken'"],
      [{ protocol, ring: { receive: {} } }, 'ARGUMENT', 'ring.receive.blockSize', 'is missing'],
      [{ protocol, ring: { dumpAllocations: [0] } }, 'VALUE_RANGE', 'ring.dumpAllocations[0]', 'got 0'],
    ],
    (given) => kernel.open(given as SimOptions),
  )

  test('leaves nothing open: the first port id is still free', () => {
    expect(kernel.open({ protocol }).portId).toBe(1000)
  })

  test('of a ring system say what is wrong with its kernel', () => {
    const open = (given: unknown) => kernel.ringSystem({ protocol }, given as RingKernelOptions)
    expect(() => open({ dumptrim: true })).toThrow(
      expect.objectContaining({ code: 'ARGUMENT', path: 'kernel.dumptrim' }),
    )
    expect(() => open({ pageSize: 1 })).toThrow(
      expect.objectContaining({ code: 'VALUE_RANGE', path: 'kernel.pageSize' }),
    )
  })
})

describe('rules of a simulated kernel', () => {
  const hook = Hook.Output
  const kernel = new SimKernel()
  refuses(
    [
      [undefined, 'ARGUMENT', 'rule', 'is missing'],
      [{ verdict: 'drop' }, 'ARGUMENT', 'rule.hook', 'is missing'],
      [{ hook: 6, verdict: 'drop' }, 'VALUE_RANGE', 'rule.hook', 'from 0 to 5'],
      [{ hook, verdikt: 'drop' }, 'ARGUMENT', 'rule.verdikt', 'did you mean verdict?'],
      [{ hook, verdict: 'reject' }, 'VALUE_RANGE', 'rule.verdict', "'accept' or 'drop'"],
      [{ hook, destinationPort: 53, verdict: 'drop' }, 'ARGUMENT', 'rule.destinationPort', 'match.destinationPort'],
      [{ hook, match: { dport: 53 } }, 'ARGUMENT', 'rule.match.dport', 'did you mean destinationPort?'],
      [{ hook, match: { destinationPort: '53' } }, 'ARGUMENT', 'rule.match.destinationPort', "got '53' (string)"],
      [{ hook, match: { sourcePort: 65536 } }, 'VALUE_RANGE', 'rule.match.sourcePort', 'got 65536'],
      [{ hook, mark: -1 }, 'VALUE_RANGE', 'rule.mark', 'got -1'],
      [{ hook, log: 3 }, 'ARGUMENT', 'rule.log', 'must be an object'],
      [{ hook, log: {} }, 'ARGUMENT', 'rule.log.group', 'is missing'],
      [{ hook, log: { group: 1, prefix: 'x'.repeat(128) } }, 'VALUE_RANGE', 'rule.log.prefix', '0 to 127 bytes'],
      [{ hook, queue: '1' }, 'ARGUMENT', 'rule.queue', "got '1' (string)"],
      [{ hook, queue: 65536 }, 'VALUE_RANGE', 'rule.queue', 'got 65536'],
      [{ hook, queue: { from: 1 } }, 'ARGUMENT', 'rule.queue.to', 'is missing'],
      [{ hook, queue: { from: 2, to: 1 } }, 'VALUE_RANGE', 'rule.queue.to', 'from 2 to 65535'],
      [{ hook, queue: 1, bypass: 1 }, 'ARGUMENT', 'rule.bypass', 'must be true or false'],
    ],
    (given) => kernel.addRule(given as Rule),
  )

  test('stay as they were added even if the object changes, which still removes them', () => {
    const rule: { hook: number; verdict: 'accept' | 'drop' } = { hook, verdict: 'drop' }
    expect(kernel.addRule(rule)).toBe(rule)
    rule.verdict = 'accept'
    kernel.inject(udp(1, 'x'))
    expect([kernel.delivered, kernel.dropped.rule]).toEqual([0, 1])
    kernel.removeRule(rule)
    kernel.inject(udp(1, 'x'))
    expect([kernel.delivered, kernel.dropped.rule]).toEqual([1, 1])
  })
})

describe('packets that are injected', () => {
  const kernel = new SimKernel()
  refuses(
    [
      [{ inputdevice: 1 }, 'ARGUMENT', 'meta.inputdevice', 'did you mean inputDevice?'],
      [{ hook: '3' }, 'ARGUMENT', 'meta.hook', "got '3' (string)"],
      [{ hook: 6 }, 'VALUE_RANGE', 'meta.hook', 'from 0 to 5'],
      [{ mark: -1 }, 'VALUE_RANGE', 'meta.mark', 'got -1'],
      [{ mark: 0.5 }, 'VALUE_RANGE', 'meta.mark', 'got 0.5'],
      [{ borrowed: 1 }, 'ARGUMENT', 'meta.borrowed', 'must be true or false'],
      [{ owner: 0 }, 'ARGUMENT', 'meta.owner', 'got 0 (number)'],
      [{ owner: { userId: 0 } }, 'ARGUMENT', 'meta.owner.groupId', 'is missing'],
      [{ timestamp: 1 }, 'ARGUMENT', 'meta.timestamp', 'got 1 (number)'],
      [{ timestamp: -1n }, 'VALUE_RANGE', 'meta.timestamp', 'got -1n'],
      [{ hardwareAddress: [1, 2] }, 'ARGUMENT', 'meta.hardwareAddress', 'got an array'],
      [{ checksum: 3 }, 'VALUE_RANGE', 'meta.checksum', 'from 0 to 2'],
      [null, 'ARGUMENT', 'meta', 'got null'],
      [[], 'ARGUMENT', 'meta', 'got an array'],
    ],
    (given) => kernel.inject(udp(1, 'x'), given as PacketMeta),
  )

  test('are bytes', () => {
    expect(() => kernel.inject('packet' as never)).toThrow(
      expect.objectContaining({
        code: 'ARGUMENT',
        path: 'packet',
        message: expect.stringContaining("'packet' (string)"),
      }),
    )
  })

  test('go nowhere when they are refused, and go their way with members left undefined', () => {
    expect(kernel.delivered).toBe(0)
    kernel.inject(udp(1, 'x'), { mark: undefined, owner: null, hardwareAddress: null, timestamp: 5n, borrowed: true })
    expect(kernel.delivered).toBe(1)
  })
})
