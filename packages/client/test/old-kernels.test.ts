/** Kernels before 4.7 and 4.8, as the simulator has them: packets.ts of queues and record.ts of logs. */

import { udpPacket } from '@ringlink/packet'
import { SimKernel, type SimKernelOptions } from '@ringlink/transport-sim'
import { describe, expect, test } from 'vitest'
import { openLog, openQueue } from '../src/index.ts'

const old: SimKernelOptions = { localProtocol: false, ruleCopyRange: false }
const versions = [
  ['IPv4', { source: '192.0.2.1', destination: '198.51.100.7' }, 20],
  ['IPv6', { source: '2001:db8::1', destination: '2001:db8::2' }, 40],
] as const
const packetOf = (ends: (typeof versions)[number][1]) =>
  udpPacket({ ...ends, sourcePort: 5000, destinationPort: 53, payload: 'question' })

describe.each(versions)('packets of %s without a protocol', (_, ends, header) => {
  test('are read, edited and checked by their family', async () => {
    const kernel = new SimKernel(old)
    kernel.addRule({ hook: 3, queue: 0 })
    const passed: Uint8Array[] = []
    kernel.onDelivered(({ bytes }) => passed.push(bytes.slice()))
    await using queue = await openQueue({ number: 0, transport: (needs) => kernel.open(needs) })
    kernel.inject(packetOf(ends))
    for await (const packets of queue) {
      for (const packet of packets) {
        expect(packet.protocol).toBe(0)
        const { source, destinationPort, payloadLength } = packet.headers()
        expect([`${source}`, destinationPort, payloadLength]).toEqual([ends.source, 53, 8])
        const tooShort = { payload: new Uint8Array(header - 1).fill(0x45) }
        expect(() => packet.accept(tooShort)).toThrow(expect.objectContaining({ code: 'VALUE_RANGE' }))
        packet.accept({ edit: { destinationPort: 5353 } })
      }
      break
    }
    await queue.close()
    expect(passed).toEqual([udpPacket({ ...ends, sourcePort: 5000, destinationPort: 5353, payload: 'question' })])
  })

  test('are logged with as much of them as the log asks for, even if the rule says less', async () => {
    const kernel = new SimKernel(old)
    kernel.addRule({ hook: 3, log: { group: 5, copyLength: 4 } })
    const transport = (needs: { protocol: number }) => kernel.open(needs)
    await using log = await openLog({ group: 5, threshold: 1, copyRange: 200, readInterval: 0, transport })
    const sent = packetOf(ends)
    kernel.inject(sent)
    for await (const records of log) {
      for (const record of records) {
        expect(record.protocol).toBe(0)
        expect(record.payload()).toEqual(sent)
        const { destination, sourcePort } = record.headers()
        expect([`${destination}`, sourcePort]).toEqual([ends.destination, 5000])
      }
      break
    }
  })
})

test('packets that came from elsewhere tell their protocol', async () => {
  const kernel = new SimKernel(old)
  kernel.addRule({ hook: 1, queue: 0 })
  await using queue = await openQueue({ number: 0, transport: (needs) => kernel.open(needs) })
  kernel.inject(packetOf(versions[0][1]), { hook: 1 })
  for await (const packets of queue) {
    for (const packet of packets) expect(packet.protocol).toBe(0x0800)
    break
  }
})

test.each([
  ['filter', false, 1],
  ['raw', false, 20],
  ['filter', true, 20],
] as const)(
  'of 20 packets of a new flow that a rule at %s queued together, clashes resolved: %s, %i pass',
  async (priority, clashResolution, passed) => {
    const kernel = new SimKernel({ conntrack: { track: 'always', clashResolution } })
    await using queue = await openQueue({
      number: 0,
      transport: (needs) => kernel.open(needs),
      rule: { hook: 'output', priority, match: { protocol: 'udp', destinationPort: 53 } },
    })
    for (let index = 0; index < 20; index++) kernel.inject(packetOf(versions[0][1]))
    let answered = 0
    for await (const packets of queue) {
      answered += packets.length
      packets.accept()
      if (answered === 20) break
    }
    await queue.finish()
    expect(queue.stats).toMatchObject({ packets: 20, accepted: 20, refused: 0 })
    expect(kernel.delivered).toBe(passed)
  },
)
