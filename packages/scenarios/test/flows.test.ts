import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { describePacket } from '../src/describe.ts'
import { type FlowPacket, icmpFlow, mixFlows, type TcpFlowOptions, tcpFlow, udpFlow } from '../src/flows.ts'
import { verifyChecksums } from '../src/headers.ts'
import { seed, word } from './support/packets.ts'
import { watchTcp } from './support/tcp-watcher.ts'

const ends = [
  { version: 4, client: { address: '192.0.2.1', port: 40000 }, server: { address: '192.0.2.2', port: 80 } },
  { version: 6, client: { address: '2001:db8::1', port: 40000 }, server: { address: '2001:db8::2', port: 80 } },
] as const

function checkAll(packets: readonly { packet: Uint8Array }[]): void {
  for (const { packet } of packets) {
    const network = (packet[0] as number) >> 4 === 4 ? 'valid' : 'none'
    expect(verifyChecksums(packet)).toEqual({ network, transport: 'valid' })
  }
}

/** Each side numbers its IPv4 packets consecutively. */
function checkIdentification(packets: readonly FlowPacket[]): void {
  for (const direction of ['toServer', 'toClient']) {
    const numbers = packets.filter((each) => each.direction === direction).map(({ packet }) => describePacket(packet))
    for (const [index, described] of numbers.entries()) {
      const first = numbers[0]
      if (described.kind === 'malformed' || first?.kind === 'malformed' || first === undefined)
        throw new Error('malformed')
      expect(described.identification).toBe((first.identification + index) & 0xffff)
    }
  }
}

describe.each(ends)('over IPv$version', ({ version, client, server }) => {
  test('a TCP connection carries request and response of any size', () => {
    const content = fc.uint8Array({ maxLength: 5000 })
    const options = fc.record({
      seed,
      request: content,
      response: content,
      maximumSegmentSize: fc.integer({ min: 50, max: 2000 }),
    })
    fc.assert(
      fc.property(options, (flow) => {
        const packets = tcpFlow({ client, server, ...flow })
        const watched = watchTcp(packets)
        expect(watched.toServer).toEqual(flow.request)
        expect(watched.toClient).toEqual(flow.response)
        checkAll(packets)
        if (version === 4) checkIdentification(packets)
      }),
      { numRuns: 40 },
    )
  })

  test('sequence numbers wrap', () => {
    const initialSequence = fc.record({ client: word, server: fc.integer({ min: 0xfffff000, max: 0xffffffff }) })
    fc.assert(
      fc.property(initialSequence, (initial) => {
        const packets = tcpFlow({ client, server, seed: 1, request: 10, response: 9000, initialSequence: initial })
        expect(watchTcp(packets).toClient.length).toBe(9000)
      }),
      { numRuns: 30 },
    )
  })

  test('segments are as large as allowed, and the window bounds what is on its way', () => {
    const usual = version === 4 ? 1460 : 1440
    const sizes = (options: Partial<TcpFlowOptions>) => {
      const packets = tcpFlow({ client, server, seed: 1, request: 100, response: 150_000, ...options })
      watchTcp(packets)
      return packets
        .map(({ packet }) => describePacket(packet))
        .map((each) => (each.kind === 'tcp' ? each.payload.length : 0))
    }
    expect(Math.max(...sizes({}))).toBe(usual)
    expect(Math.max(...sizes({ maximumSegmentSize: 60_000 }))).toBe(60_000)
    for (const maximumSegmentSize of [0, 1.5, 65_536]) {
      expect(() => sizes({ maximumSegmentSize })).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
    }
  })

  test('the SYN of both sides announces the segment size', () => {
    const described = tcpFlow({ client, server, seed: 1, request: 1, response: 1, maximumSegmentSize: 536 })
      .slice(0, 3)
      .map(({ packet }) => describePacket(packet))
    expect(described.map((each) => each.kind === 'tcp' && [...each.options])).toEqual([
      [2, 4, 2, 24],
      [2, 4, 2, 24],
      [],
    ])
  })

  test('UDP requests and responses alternate', () => {
    const packets = udpFlow({ client, server, seed: 3, request: 'ask', response: 'answer', count: 3, start: 500n })
    checkAll(packets)
    expect(packets.map(({ direction }) => direction)).toEqual([
      'toServer',
      'toClient',
      'toServer',
      'toClient',
      'toServer',
      'toClient',
    ])
    expect(packets[0]?.at).toBe(500n)
    expect(packets[2]?.at).toBe(500n + 2_000_000n)
    const [request, response] = packets.map(({ packet }) => describePacket(packet))
    expect(request).toMatchObject({ kind: 'udp', version, sourcePort: 40000, payload: new TextEncoder().encode('ask') })
    expect(response).toMatchObject({ kind: 'udp', sourcePort: 80, payload: new TextEncoder().encode('answer') })
    expect(udpFlow({ client, server, seed: 3, request: 1, count: 5 }).map((each) => each.direction)).toEqual(
      Array(5).fill('toServer'),
    )
  })

  test('echo replies repeat what was asked', () => {
    const packets = icmpFlow({ client: client.address, server: server.address, seed: 4, count: 3 })
    checkAll(packets)
    const described = packets.map(({ packet }) => describePacket(packet))
    const kind = version === 4 ? 'icmp' : 'icmpv6'
    for (let index = 0; index < 6; index += 2) {
      const request = described[index]
      if (request?.kind !== kind) throw new Error(`expected ${kind}`)
      const { identifier, payload } = request
      expect(request).toMatchObject({ type: version === 4 ? 8 : 128, sequence: index / 2 + 1 })
      expect(described[index + 1]).toMatchObject({
        kind,
        type: version === 4 ? 0 : 129,
        identifier,
        sequence: index / 2 + 1,
        payload,
      })
    }
    expect(packets.map(({ at }) => at / 1_000_000_000n)).toEqual([0n, 0n, 1n, 1n, 2n, 2n])
  })

  test('the same seed, the same packets; another, others', () => {
    const flows = (flowSeed: number) => [
      tcpFlow({ client, server, seed: flowSeed, request: 100, response: 3000 }),
      udpFlow({ client, server, seed: flowSeed, request: 100, response: 10, count: 2 }),
      icmpFlow({ client: client.address, server: server.address, seed: flowSeed }),
    ]
    expect(flows(7)).toEqual(flows(7))
    expect(flows(8)).not.toEqual(flows(7))
  })
})

describe('mixed', () => {
  const flow = fc.array(fc.bigInt({ min: 0n, max: 20n }), { maxLength: 12 }).map((times) => {
    const sorted = times.sort((one, other) => Number(one - other))
    return sorted.map((at, index) => ({ packet: Uint8Array.of(index), at }))
  })

  test('in order of time, each flow in its own order, nothing lost', () => {
    const spread = fc.constantFrom(0n, 1n, 1_000_000n)
    fc.assert(
      fc.property(fc.array(flow, { maxLength: 5 }), seed, spread, (flows, mixSeed, apart) => {
        const mixed = mixFlows(flows, mixSeed, apart)
        expect(mixFlows(flows, mixSeed, apart)).toEqual(mixed)
        for (const [index, { at }] of mixed.entries()) {
          if (index > 0) expect(at >= (mixed[index - 1]?.at as bigint)).toBe(true)
        }
        for (const [number, packets] of flows.entries()) {
          const own = mixed.filter((each) => each.flow === number)
          expect(own.map(({ from }) => from)).toEqual(packets)
          const later = own.map(({ at, from }) => at - from.at)
          expect(new Set(later).size).toBeLessThanOrEqual(1)
          expect(later.every((delay) => delay >= 0n && delay <= apart)).toBe(true)
        }
      }),
    )
  })

  test('the seed decides who is first', () => {
    const flows = Array.from({ length: 6 }, (_, index) => [{ packet: Uint8Array.of(index), at: 0n }])
    const orders = [1, 2, 3, 4].map((mixSeed) =>
      mixFlows(flows, mixSeed)
        .map(({ flow: number }) => number)
        .join(),
    )
    expect(new Set(orders).size).toBeGreaterThan(1)
  })
})
