// The demo on a simulated kernel: where no namespace can be made, and on other systems. The same traffic, the same
// filters, the same checks; only the kernel is simulated.
import { createHash } from 'node:crypto'
import { type DemoOutcome, progress, runDemonstration } from '@ringlink/example-shared/demo-inside'
import { describePacket, tcpFlow, udpPacket } from '@ringlink/scenarios'
import { SimKernel } from '@ringlink/transport-sim'
import { Hook, openQueue, type Queue, type TransportNeeds } from 'ringlink'
import { datagramFilter } from '../filter.ts'
import { installDemoRules, readRuleCounters } from './firewall.ts'
import { formatResult } from './result.ts'
import {
  ADDRESS,
  DATAGRAMS,
  DROPPED_PORT,
  DROPPED_TEXT,
  fateOf,
  KEPT_PORT,
  TCP_BYTES,
  TCP_PORT,
  UNWANTED,
} from './traffic.ts'

const QUEUE_NUMBER = 0
const CLIENT_PORT = 40000
/** Packets on their way at one time: less than the queue holds. */
const WINDOW = 512
/** A datagram that the filter drops by its port. */
const DROPPED_INDEX = 3

/** Counts what the simulated kernel delivers, as the receiver does on a real one. */
class Deliveries {
  packets = 0
  datagrams = 0
  forbidden = 0
  repeated = 0
  readonly bytes = { toServer: 0, toClient: 0 }
  readonly digests = { toServer: createHash('sha256'), toClient: createHash('sha256') }
  #seen = new Set<number>()

  note(bytes: Uint8Array): void {
    const packet = describePacket(bytes)
    this.packets++
    if (packet.kind === 'udp') this.#noteDatagram(packet.destinationPort, packet.payload)
    else if (packet.kind === 'tcp') this.#noteSegment(packet.destinationPort, packet.payload)
  }

  #noteDatagram(port: number, payload: Uint8Array): void {
    const text = Buffer.from(payload).toString()
    const index = Number(text.split(' ')[1])
    this.datagrams++
    if (port === DROPPED_PORT || text.includes(DROPPED_TEXT)) this.forbidden++
    if (this.#seen.has(index)) this.repeated++
    this.#seen.add(index)
  }

  #noteSegment(port: number, payload: Uint8Array): void {
    const direction = port === TCP_PORT ? 'toServer' : 'toClient'
    this.bytes[direction] += payload.length
    this.digests[direction].update(payload)
  }
}

function datagram(index: number): Uint8Array {
  const fate = fateOf(index)
  return udpPacket({
    source: ADDRESS,
    destination: ADDRESS,
    sourcePort: CLIENT_PORT,
    destinationPort: fate === 'dropped by port' ? DROPPED_PORT : KEPT_PORT,
    payload: `${fate === 'dropped by text' ? DROPPED_TEXT : 'datagram'} ${index}`,
  })
}

/** Injects packets, no more at a time than the queue holds, and waits until every one of them has left the kernel. */
async function send(
  kernel: SimKernel,
  deliveries: Deliveries,
  packets: Iterable<Uint8Array>,
  signal: AbortSignal,
): Promise<number> {
  const left = () => deliveries.packets + Object.values(kernel.dropped).reduce((sum, count) => sum + count, 0)
  const before = left()
  let sent = 0
  const settle = async (allowed: number) => {
    while (sent - (left() - before) > allowed) {
      signal.throwIfAborted()
      await new Promise(setImmediate)
    }
  }
  for (const packet of packets) {
    kernel.inject(packet)
    sent++
    if (sent % WINDOW === 0) await settle(0)
  }
  await settle(0)
  return sent
}

async function answer(queue: Queue): Promise<void> {
  const isDropped = datagramFilter(UNWANTED)
  for await (const packets of queue) {
    for (const packet of packets) {
      if (isDropped(packet)) packet.drop()
      else packet.accept()
    }
  }
}

async function demonstrate(_transport: string, wantsJson: boolean, signal: AbortSignal): Promise<DemoOutcome> {
  progress('a simulated kernel: nothing here is measured on a real one')
  const kernel = new SimKernel()
  const transport = (needs: TransportNeeds) => kernel.open(needs)
  await using rules = await installDemoRules(QUEUE_NUMBER, { transport })
  const deliveries = new Deliveries()
  // Packets sent through the loopback device also arrive on it.
  kernel.onDelivered(({ bytes, hook }) => {
    if (hook === Hook.Output) kernel.inject(bytes, { hook: Hook.Input })
    else deliveries.note(bytes)
  })
  const queue = await openQueue({ number: QUEUE_NUMBER, maxLength: 8192, transport })
  const loop = answer(queue)
  const content = new Uint8Array(TCP_BYTES).map((_, index) => index * 31 + (index >> 8))
  const start = performance.now()
  const datagrams = await send(
    kernel,
    deliveries,
    Array.from({ length: DATAGRAMS }, (_, index) => datagram(index)),
    signal,
  )
  const client = { address: ADDRESS, port: CLIENT_PORT }
  const server = { address: ADDRESS, port: TCP_PORT }
  const flow = tcpFlow({ client, server, request: content, response: content, seed: 1 })
  await send(
    kernel,
    deliveries,
    flow.map(({ packet }) => packet),
    signal,
  )
  const seconds = Math.round(performance.now() - start) / 1000
  await queue.close()
  await loop
  const digest = createHash('sha256').update(content).digest('hex')
  const { bytes, digests, datagrams: arrived, forbidden, repeated, packets } = deliveries
  const counters = await readRuleCounters(rules)
  await rules.close()
  kernel.inject(datagram(DROPPED_INDEX))
  const tcpIntact = digests.toServer.digest('hex') === digest && digests.toClient.digest('hex') === digest
  const result = {
    transport: 'sim',
    seconds,
    queue: { event: 'summary', transport: 'sim', ...queue.stats },
    sender: {
      datagrams,
      tcpBytesSent: TCP_BYTES,
      tcpBytesReceived: bytes.toClient,
      tcpIntact,
      problem: undefined,
    },
    counters,
    passesAfter: deliveries.packets === packets + 1,
    receiver: { datagrams: arrived, forbidden, repeated, tcpBytes: bytes.toServer },
  }
  return formatResult(result, wantsJson)
}

await runDemonstration(demonstrate)
