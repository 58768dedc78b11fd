/**
 * Run by queue-packet.test.ts in a process of its own with `--expose-gc` and a young generation larger than what one object
 * per packet would fill: prints how many bytes the heap grew by per packet. Arguments: file names of vectors.
 */
import { Memory, QueueMessage, QueuePacketView, VerdictTemplate } from '../src/index.ts'
import { loadVector } from './vectors.ts'

const PACKETS = 1_000_000
const SLOT = 256
const packets = process.argv.slice(2).map((name) => loadVector('queue', name).bytes)
const memory = new Memory(SLOT * packets.length)
packets.forEach((bytes, index) => {
  memory.u8.set(bytes, index * SLOT)
})
const view = new QueuePacketView()

function read(): number {
  let sum = 0
  for (let packet = 0; packet < PACKETS; packet++) {
    const slot = packet % packets.length
    view.wrap(memory, slot * SLOT, (packets[slot] as Uint8Array).length)
    sum ^= view.id ^ view.protocol ^ view.hook ^ view.family ^ view.queueNumber ^ view.fullLength ^ view.payloadLength
    sum ^= (view.mark ?? 0) ^ (view.inputDevice ?? 0) ^ (view.outputDevice ?? 0) ^ (view.physicalInputDevice ?? 0)
    sum ^= (view.physicalOutputDevice ?? 0) ^ (view.conntrackInformation ?? 0) ^ view.packetInformation
    sum ^= (view.userId ?? 0) ^ (view.groupId ?? 0) ^ (view.priority ?? 0) ^ (view.cgroupClassId ?? 0)
    if (view.isSegmentationOffloaded) sum++
  }
  return sum
}

const template = new VerdictTemplate(5, QueueMessage.Verdict)
const verdicts = new Memory(64 * 32)
function write(): number {
  for (let id = 0; id < PACKETS; id++) template.write(verdicts, (id & 63) * 32, id, 1)
  return verdicts.u32[7] as number
}

/** The least of several rounds: what the engine allocates for itself, once, is not the work's. */
function grown(work: () => number): number {
  const rounds = Array.from({ length: 6 }, () => {
    globalThis.gc?.()
    const before = process.memoryUsage().heapUsed
    work()
    return (process.memoryUsage().heapUsed - before) / PACKETS
  })
  return Math.min(...rounds)
}

console.log(JSON.stringify({ read: grown(read), write: grown(write), control: grown(allocating) }))

/** What must be seen, for the measurement to mean something. */
function allocating(): number {
  let last: object[] = []
  for (let packet = 0; packet < PACKETS; packet++) last = [last.length > 0 ? view : memory]
  return last.length
}
