/** The named scenarios. Addresses are those of documentation (RFC 5737, RFC 3849). */
import { Hook } from '@ringlink/codec'
import { IpProtocol } from '@ringlink/packet'
import type { Scenario } from './scenario.ts'
import type { PacketSource } from './sources.ts'

const MILLISECOND = 1_000_000n
const client = { address: '192.0.2.1', port: 40_000 }
const server = { address: '198.51.100.2', port: 5000 }
const client6 = { address: '2001:db8::1', port: 40_000 }
const server6 = { address: '2001:db8::2', port: 5000 }

function burst(count: number, flows = 16): PacketSource {
  return { kind: 'udpFlood', client, server, flows, count, interval: 1_000n }
}

/** A queue that is full: what does not fit is dropped and counted, and has no id. */
export const flood: Scenario = {
  name: 'flood',
  description: 'More packets than the queue holds: the rest is dropped, and the queue works on afterwards.',
  seed: 1,
  rules: [{ kind: 'queue', number: 0 }],
  steps: [
    { kind: 'openQueue', consumer: 'worker', number: 0, verdict: 'accept', maxLength: 1024 },
    { kind: 'pause', consumer: 'worker' },
    { kind: 'inject', source: burst(5000) },
    { kind: 'expectQueue', number: 0, waiting: 1024, queueDropped: 3976, userDropped: 0, lastId: 1024 },
    { kind: 'resume', consumer: 'worker' },
    { kind: 'inject', source: burst(100) },
    { kind: 'expectQueue', number: 0, waiting: 0, queueDropped: 3976, userDropped: 0, lastId: 1124 },
    { kind: 'expectReceived', consumers: ['worker'], packets: 1124 },
    { kind: 'expectPath', accepted: 1124, dropped: 3976 },
  ],
}

/** The same with fail-open: what does not fit is accepted unseen. */
export const floodFailOpen: Scenario = {
  name: 'flood-fail-open',
  description: 'More packets than the queue holds, which is to accept the rest unseen.',
  seed: 2,
  rules: [{ kind: 'queue', number: 0 }],
  steps: [
    { kind: 'openQueue', consumer: 'worker', number: 0, verdict: 'drop', maxLength: 1024, failOpen: true },
    { kind: 'pause', consumer: 'worker' },
    { kind: 'inject', source: { kind: 'synFlood', client, server, flows: 1000, count: 5000 } },
    { kind: 'expectQueue', number: 0, waiting: 1024, queueDropped: 0, userDropped: 0, lastId: 1024 },
    { kind: 'expectPath', accepted: 3976, dropped: 0 },
    { kind: 'resume', consumer: 'worker' },
    { kind: 'expectPath', accepted: 3976, dropped: 1024 },
    { kind: 'expectReceived', consumers: ['worker'], packets: 1024 },
  ],
}

/**
 * A receive buffer that is full before the queue is: loss is reported once per overrun, and shows as a gap in the ids.
 */
export const overrun: Scenario = {
  name: 'overrun',
  description:
    'A receive buffer smaller than the queue: packets are lost on the way to the consumer, which is notified.',
  seed: 3,
  rules: [{ kind: 'queue', number: 0 }],
  steps: [
    // The size that Linux gives a socket (net.core.rmem_default).
    { kind: 'openQueue', consumer: 'worker', number: 0, verdict: 'accept', receiveBufferSize: 212_992 },
    { kind: 'pause', consumer: 'worker' },
    { kind: 'inject', source: burst(1000) },
    { kind: 'expectQueue', number: 0, waiting: 'some', queueDropped: 0, userDropped: 'some', lastId: 1000 },
    { kind: 'resume', consumer: 'worker' },
    { kind: 'expectReceived', consumers: ['worker'], packets: 'some', overruns: 1 },
    { kind: 'expectQueue', number: 0, waiting: 0, queueDropped: 0, userDropped: 'some', lastId: 1000 },
    { kind: 'expectPath', accepted: 'some', dropped: 'some' },
  ],
}

/** A hundred clients, of which each sends a few packets: what is spread by addresses needs many of them. */
const manyClients: PacketSource = {
  kind: 'mix',
  sources: Array.from({ length: 100 }, (_, index) => {
    const source = { ...client, address: `192.0.2.${index + 1}` }
    return { kind: 'udpFlood', client: source, server, count: 5, interval: 1_000n } as const
  }),
}
const manyConsumers = Array.from({ length: 64 }, (_, number) => `worker-${number}`)

/** Packets spread over many queues by their addresses: none is lost, none comes twice. */
export const manyQueues: Scenario = {
  name: 'many-queues',
  description:
    'Sixty-four queues share the clients of one path; every packet comes to one of them, in order within its flow.',
  seed: 4,
  rules: [{ kind: 'queue', number: 0, through: 63 }],
  steps: [
    ...manyConsumers.map(
      (consumer, number) => ({ kind: 'openQueue', consumer, number, verdict: 'alternate', maxLength: 128 }) as const,
    ),
    {
      kind: 'repeat',
      times: 20,
      steps: [
        { kind: 'inject', source: manyClients },
        { kind: 'advance', milliseconds: 1 },
      ],
    },
    { kind: 'expectReceived', consumers: manyConsumers, packets: 10_000 },
    { kind: 'expectPath', accepted: 'some', dropped: 'some' },
  ],
}

/** A consumer that is slower than the traffic: the queue fills, then loses a steady share. */
export const slowConsumer: Scenario = {
  name: 'slow-consumer',
  description: 'A hundred packets a millisecond to a consumer that manages sixty.',
  seed: 5,
  rules: [{ kind: 'queue', number: 3 }],
  steps: [
    { kind: 'openQueue', consumer: 'slow', number: 3, verdict: 'accept', maxLength: 200, copyRange: 64 },
    { kind: 'pause', consumer: 'slow' },
    {
      kind: 'repeat',
      times: 50,
      steps: [
        { kind: 'inject', source: burst(100) },
        { kind: 'consume', consumer: 'slow', packets: 60 },
        { kind: 'advance', milliseconds: 1 },
      ],
    },
    // Three rounds fill it, the fourth loses 20, the other 46 lose 40 each.
    { kind: 'expectQueue', number: 3, waiting: 140, queueDropped: 1860, userDropped: 0, lastId: 3140 },
    { kind: 'expectReceived', consumers: ['slow'], packets: 3000 },
    { kind: 'resume', consumer: 'slow' },
    { kind: 'expectPath', accepted: 3140, dropped: 1860 },
  ],
}

const conversations: PacketSource = {
  kind: 'mix',
  spread: 20n * MILLISECOND,
  sources: [
    { kind: 'tcp', client, server, request: 'GET / HTTP/1.1\r\nHost: example.test\r\n\r\n', response: 20_000 },
    { kind: 'tcp', client: client6, server: server6, request: 3000, response: 9000 },
    { kind: 'udp', client, server: { ...server, port: 53 }, request: 40, response: 120, count: 20 },
    { kind: 'udp', client: client6, server: { ...server6, port: 53 }, request: 40, response: 120, count: 20 },
    { kind: 'icmp', client: client.address, server: server.address, count: 5, interval: 4n * MILLISECOND },
    { kind: 'icmp', client: client6.address, server: server6.address, count: 5, interval: 4n * MILLISECOND },
  ],
}

/** Whole conversations of all kinds at once, to a queue, a range of queues and a log group. */
export const mixedTraffic: Scenario = {
  name: 'mixed-traffic',
  description: 'TCP, UDP and ICMP over IPv4 and IPv6, logged, and queued by their kind; nothing is lost.',
  seed: 6,
  rules: [
    { kind: 'log', group: 7, prefix: 'mixed' },
    { kind: 'queue', number: 0, match: { protocol: IpProtocol.Tcp, version: 4 } },
    { kind: 'queue', number: 1, match: { protocol: IpProtocol.Tcp } },
    { kind: 'queue', number: 2, through: 5, match: { protocol: IpProtocol.Udp } },
    { kind: 'accept', match: { protocol: IpProtocol.Icmp } },
    { kind: 'queue', number: 9, bypass: true },
  ],
  steps: [
    { kind: 'openLog', consumer: 'log', group: 7, threshold: 16, timeout: 50, copyRange: 96 },
    { kind: 'openQueue', consumer: 'tcp', number: 0, verdict: 'accept' },
    { kind: 'openQueue', consumer: 'tcp6', number: 1, verdict: 'accept', copyRange: 128 },
    ...[2, 3, 4, 5].map(
      (number) => ({ kind: 'openQueue', consumer: `udp-${number}`, number, verdict: 'accept' }) as const,
    ),
    { kind: 'inject', source: conversations, mark: 7, hook: Hook.Prerouting, inputDevice: 2 },
    { kind: 'expectReceived', consumers: ['tcp'], packets: 29 },
    { kind: 'expectReceived', consumers: ['tcp6'], packets: 22 },
    { kind: 'expectReceived', consumers: ['udp-2', 'udp-3', 'udp-4', 'udp-5'], packets: 80 },
    { kind: 'expectPath', accepted: 151, dropped: 0 },
    { kind: 'advance', milliseconds: 100 },
    { kind: 'expectReceived', consumers: ['log'], packets: 151 },
  ],
}

/** Packets of a log wait for their datagram to fill, or for its timer. */
export const logThreshold: Scenario = {
  name: 'log-threshold',
  description: 'A log with sixty-four packets to the datagram: the last ones come when the timer has run.',
  seed: 7,
  rules: [{ kind: 'log', group: 5, prefix: 'flood' }],
  steps: [
    { kind: 'openLog', consumer: 'log', group: 5, threshold: 64, timeout: 100, copyRange: 64, bufferSize: 65_536 },
    { kind: 'inject', source: burst(1000) },
    { kind: 'expectReceived', consumers: ['log'], packets: 960 },
    { kind: 'advance', milliseconds: 90 },
    { kind: 'expectReceived', consumers: ['log'], packets: 960 },
    { kind: 'advance', milliseconds: 20 },
    { kind: 'expectReceived', consumers: ['log'], packets: 1000 },
    { kind: 'expectPath', accepted: 1000, dropped: 0 },
  ],
}

/** A consumer goes away and comes back: waiting packets are dropped, and packets in between pass. */
export const restart: Scenario = {
  name: 'restart',
  description: 'A queue with bypass whose consumer closes with packets waiting; the next owner begins with id 1.',
  seed: 8,
  rules: [{ kind: 'queue', number: 0, bypass: true }],
  steps: [
    { kind: 'inject', source: burst(100) },
    { kind: 'expectPath', accepted: 100, dropped: 0 },
    { kind: 'openQueue', consumer: 'first', number: 0, verdict: 'accept' },
    { kind: 'pause', consumer: 'first' },
    { kind: 'inject', source: burst(50) },
    { kind: 'expectQueue', number: 0, waiting: 50, lastId: 50 },
    { kind: 'close', consumer: 'first' },
    { kind: 'expectPath', accepted: 100, dropped: 50 },
    { kind: 'inject', source: burst(10) },
    { kind: 'expectPath', accepted: 110, dropped: 50 },
    { kind: 'openQueue', consumer: 'second', number: 0, verdict: 'drop' },
    { kind: 'inject', source: burst(10) },
    { kind: 'expectQueue', number: 0, waiting: 0, queueDropped: 0, userDropped: 0, lastId: 10 },
    { kind: 'expectReceived', consumers: ['second'], packets: 10 },
    { kind: 'expectPath', accepted: 110, dropped: 60 },
  ],
}

/** A table that changes during a dump: the reader is notified, and requests it again. */
export const interruptedDump: Scenario = {
  name: 'interrupted-dump',
  description: 'A row goes while its table is dumped in pieces: that dump says so, the next one is whole.',
  seed: 9,
  rules: [],
  steps: [
    { kind: 'fillTable', table: 'connections', rows: 5000, rowLength: 200 },
    { kind: 'openSession', consumer: 'reader' },
    { kind: 'startDump', consumer: 'reader', table: 'connections' },
    { kind: 'readDump', consumer: 'reader', rows: 200 },
    { kind: 'changeRow', table: 'connections', key: 4999 },
    { kind: 'readDump', consumer: 'reader', rows: 'all' },
    { kind: 'expectDump', consumer: 'reader', interrupted: true, rows: 4999 },
    { kind: 'changeRow', table: 'connections', key: 10, value: 'changed between two dumps' },
    { kind: 'startDump', consumer: 'reader', table: 'connections' },
    { kind: 'readDump', consumer: 'reader', rows: 'all' },
    { kind: 'expectDump', consumer: 'reader', interrupted: false, rows: 4999 },
  ],
}

/** All of them. */
export const scenarios: readonly Scenario[] = [
  flood,
  floodFailOpen,
  overrun,
  manyQueues,
  slowConsumer,
  mixedTraffic,
  logThreshold,
  restart,
  interruptedDump,
]
