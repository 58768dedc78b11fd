/** The README's examples about packets on the simulated kernel; readme.kernel.test.ts runs them on the real one. */
import { Hook, Memory } from '@ringlink/codec'
import { PacketView, packetText, transportChecksum, udpPacket } from '@ringlink/packet'
import { SimKernel } from '@ringlink/transport-sim'
import { expect, test, vi } from 'vitest'
import { exampleOf, runExample } from './support/readme-examples.ts'

const ends = { source: '192.0.2.1', destination: '192.0.2.53', sourcePort: 40_000 }

/** Runs an example; `delivered` holds the packets that the kernel delivered. */
async function run(title: string) {
  const kernel = new SimKernel({ seed: 1 })
  const delivered: Uint8Array[] = []
  kernel.onDelivered((packet) => delivered.push(packet.bytes.slice()))
  const example = runExample(exampleOf(title), (needs) => Promise.resolve(kernel.open(needs)))
  await example.opened
  return { kernel, delivered, example }
}

const texts = (packets: readonly Uint8Array[]) =>
  packets.map((bytes) => {
    const packet = new PacketView().wrap(Memory.from(bytes), 0, bytes.length, { from: 'network' })
    expect(transportChecksum(packet)).toBe('valid')
    return `${packetText(packet)} ${new TextDecoder().decode(packet.payload())}`
  })

test.each(['A DNS blocker', 'A mangler', 'A JSON logger'])('%s has at most 12 lines', (title) => {
  expect(exampleOf(title).trimEnd().split('\n').length).toBeLessThanOrEqual(12)
})

test.each(['The connections to web servers', 'Connections as they begin'])('%s: at most 8 lines', (title) => {
  expect(exampleOf(title).trimEnd().split('\n').length).toBeLessThanOrEqual(8)
})

test('the DNS blocker', async () => {
  const { kernel, delivered, example } = await run('A DNS blocker')
  for (const name of ['\x03www\x07Example\x03COM\0', '\x07example\x03net\0']) {
    kernel.inject(udpPacket({ ...ends, destinationPort: 53, payload: `header ${name}` }))
  }
  await vi.waitFor(() => expect(delivered).toHaveLength(1))
  await example.stop()
  expect(texts(delivered)[0]).toContain('net')
})

test('the mangler', async () => {
  const { kernel, delivered, example } = await run('A mangler')
  kernel.inject(udpPacket({ ...ends, destinationPort: 5000, payload: 'one cat' }))
  await vi.waitFor(() => expect(delivered).toHaveLength(1))
  await example.stop()
  expect(texts(delivered)).toEqual(['IP 192.0.2.1.40000 > 192.0.2.53.6000: UDP, length 9 one tiger'])
})

test('the JSON logger', async () => {
  const { kernel, example } = await run('A JSON logger')
  kernel.inject(udpPacket({ ...ends, destinationPort: 5000, payload: 'hello' }), { hook: Hook.Input })
  // Records wait for others, for at most a second of the kernel's clock.
  kernel.clock.advance(1000)
  await vi.waitFor(() => expect(example.lines).toHaveLength(1))
  await example.stop()
  expect(JSON.parse(example.lines[0] as string)).toEqual({
    prefix: 'in: ',
    network: 'IPv4',
    ...ends,
    protocol: 'UDP',
    destinationPort: 5000,
    length: 33,
    payloadLength: 5,
  })
})
