/**
 * Run by allocation.test.ts in a separate process with `--expose-gc` and a young generation large enough for one object
 * per packet: prints by how many bytes the heap grew per packet, verdict and log record.
 */

import { loadVector } from '@ringlink/test-support/vectors'
import {
  ConntrackView,
  LogMessage,
  LogRecordView,
  Memory,
  MessageIterator,
  QueueMessage,
  QueuePacketView,
  VerdictTemplate,
} from '../src/index.ts'

const COUNT = 1_000_000

/** The frames of vectors, in one block of memory. */
function framesOf(folder: 'queue' | 'log', names: readonly string[]) {
  const slot = 512
  const frames = names.map((name) => loadVector(folder, name).bytes)
  const memory = new Memory(slot * frames.length)
  frames.forEach((bytes, index) => {
    memory.u8.set(bytes, index * slot)
  })
  return { memory, slot, lengths: frames.map((bytes) => bytes.length) }
}

/** The members that both views have. */
function shared(view: QueuePacketView | LogRecordView): number {
  let sum = view.protocol ^ view.hook ^ view.family ^ view.payloadLength ^ (view.mark ?? 0) ^ (view.inputDevice ?? 0)
  sum ^= (view.outputDevice ?? 0) ^ (view.physicalInputDevice ?? 0) ^ (view.physicalOutputDevice ?? 0)
  return sum ^ (view.conntrackInformation ?? 0) ^ (view.userId ?? 0) ^ (view.groupId ?? 0)
}

const queue = framesOf('queue', ['packet-everything-input', 'packet-udp-full', 'packet-uid-gid'])
const packet = new QueuePacketView()
function readPackets(): number {
  const { memory, slot, lengths } = queue
  let sum = 0
  for (let count = 0; count < COUNT; count++) {
    const frame = count % lengths.length
    packet.wrap(memory, frame * slot, lengths[frame] as number)
    sum ^= shared(packet) ^ packet.id ^ packet.queueNumber ^ packet.fullLength ^ packet.packetInformation
    sum ^= (packet.priority ?? 0) ^ (packet.cgroupClassId ?? 0)
    if (packet.isSegmentationOffloaded) sum++
  }
  return sum
}

const listed = framesOf('queue', ['conntrack-tcp', 'conntrack-udp-mark-labels', 'conntrack-icmp', 'conntrack-udp-ipv6'])
const connection = new ConntrackView()
function readConnections(): number {
  const { memory, slot, lengths } = listed
  let sum = 0
  for (let count = 0; count < COUNT; count++) {
    const frame = count % lengths.length
    connection.wrap(memory, frame * slot, lengths[frame] as number)
    const { original, reply } = connection
    sum ^=
      (connection.status ?? 0) ^
      (connection.timeout ?? 0) ^
      connection.mark ^
      connection.id ^
      (connection.tcpState ?? 0)
    sum ^= (original.sourcePort ?? 0) ^ (reply.destinationPort ?? 0) ^ (original.protocol ?? 0) ^ original.sourceOffset
    sum ^= (original.icmpType ?? 0) ^ reply.addressLength ^ (connection.zone ?? 0) ^ (connection.use ?? 0)
  }
  return sum
}

const log = framesOf('log', ['datagram-threshold', 'datagram-threshold-seq', 'datagram-families', 'packet-physdev'])
const record = new LogRecordView()
const messages = new MessageIterator()
function readRecords(): number {
  const { memory, slot, lengths } = log
  let sum = 0
  for (let count = 0, frame = 0; count < COUNT; frame = (frame + 1) % lengths.length) {
    messages.wrap(memory, frame * slot, lengths[frame] as number)
    while (messages.next()) {
      const { type, offset, length } = messages.view
      if (type !== LogMessage.Packet) continue
      count++
      record.wrap(memory, offset, length)
      sum ^= shared(record) ^ record.group ^ (record.sequence ?? 0)
      sum ^= (record.globalSequence ?? 0) ^ (record.hardwareType ?? 0)
    }
  }
  return sum
}

const template = new VerdictTemplate(5, QueueMessage.Verdict)
const verdicts = new Memory(64 * 32)
function writeVerdicts(): number {
  for (let id = 0; id < COUNT; id++) template.write(verdicts, (id & 63) * 32, id, 1)
  return verdicts.u32[7] as number
}

/** The number that must be seen for a valid measurement. */
function allocate(): number {
  let last: object[] = []
  for (let count = 0; count < COUNT; count++) last = [last.length > 0 ? packet : verdicts]
  return last.length
}

/** The minimum of several rounds, because the engine also allocates for itself. */
function grown(work: () => number): number {
  const rounds = Array.from({ length: 6 }, () => {
    globalThis.gc?.()
    const before = process.memoryUsage().heapUsed
    work()
    return (process.memoryUsage().heapUsed - before) / COUNT
  })
  return Math.min(...rounds)
}

console.log(
  JSON.stringify({
    packet: grown(readPackets),
    verdict: grown(writeVerdicts),
    record: grown(readRecords),
    connection: grown(readConnections),
    control: grown(allocate),
  }),
)
