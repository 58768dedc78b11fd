import type { HandlerArguments, ImplementationName } from '../implementations.ts'
import { Port } from '../rules.ts'
import type { Contender, Workload } from '../workload.ts'

const DRAIN = 60_000
/** The handlers of a balanced queue get what their addresses hash to. */
const ADDRESSES = 64
const drainWords = { range: 128, maxlength: 65536, buffer: 1 << 30 }
const contender = (implementation: ImplementationName, args?: HandlerArguments, name?: string): Contender => ({
  name: name ?? implementation,
  implementation,
  ...(args === undefined ? {} : { args }),
})

export const latencyWorkloads: readonly Workload[] = [
  {
    name: 'latency',
    group: 'latency',
    title: 'one packet in flight, handler and sender on one CPU, there and back',
    unit: 'µs',
    better: 'less',
    traffic: { kind: 'latency', size: 64 },
    port: Port.Queue,
    args: { range: 128, maxlength: 4096 },
    contenders: (['c-mnl', 'c-best', 'ringlink', 'ringlink-worker', 'npm-nfqueue', 'npm-netlink'] as const).map(
      (name) => contender(name),
    ),
    quick: true,
  },
]

export const gsoWorkloads: readonly Workload[] = [1, 0].map((gso) => ({
  name: gso === 1 ? 'tcp-gso' : 'tcp',
  group: 'gso',
  title: `one TCP connection, mtu 1500, ${gso === 1 ? 'with' : 'without'} segmentation offload in the queue`,
  unit: 'Gbit/s',
  better: 'more',
  traffic: { kind: 'tcp' },
  port: Port.Tcp,
  args: { range: 65531, maxlength: 1024, gso, buffer: 1 << 28 },
  contenders: (['c-mnl', 'c-best', 'ringlink', 'ringlink-worker'] as const).map((name) => contender(name)),
  quick: gso === 1,
}))

const scaling = (queues: number, contenders: readonly Contender[]): Workload => ({
  name: `drain-${queues}-queues`,
  group: 'scaling',
  title: `60,000 queued packets of 64 addresses, 64 B, over ${queues} queues`,
  unit: 'packets/s',
  better: 'more',
  traffic: { kind: 'drain', count: DRAIN, size: 64, addresses: ADDRESSES },
  port: queues === 2 ? Port.TwoQueues : Port.FourQueues,
  args: drainWords,
  contenders,
  quick: queues === 2,
})

/**
 * One of each is measured on its own queue, beside those that share: the same rule, the same packets, all in one queue.
 */
export const scalingWorkloads: readonly Workload[] = [
  {
    ...scaling(2, [
      contender('c-best', { port: Port.Queue }, 'c-best-1-thread'),
      contender('c-best', { queues: 2 }, 'c-best-2-threads'),
      contender('ringlink-workers', { workers: 1, port: Port.Queue }, 'ringlink-1-worker'),
      contender('ringlink-workers', { workers: 2 }, 'ringlink-2-workers'),
      contender('ringlink-workers', { workers: 1, port: Port.Queue, api: 'fan-out' }, 'ringlink-fan-out-1'),
      contender('ringlink-workers', { workers: 2, api: 'fan-out' }, 'ringlink-fan-out-2'),
    ]),
  },
  scaling(4, [
    contender('c-best', { queues: 4 }, 'c-best-4-threads'),
    contender('ringlink-workers', { workers: 4 }, 'ringlink-4-workers'),
    contender('ringlink-workers', { workers: 4, api: 'fan-out' }, 'ringlink-fan-out-4'),
  ]),
]

const transports = (
  [
    ['c-best', 'c-best'],
    ['socket', 'ringlink'],
    ['ring', 'ringlink-ring'],
    ['ring-kernel-thread', 'ringlink-ring-thread'],
  ] as const
).map(([name, implementation]) => contender(implementation, { batching: 'never' }, name))

const ring = (
  name: string,
  title: string,
  traffic: Workload['traffic'],
  args: HandlerArguments,
  quick: boolean,
): Workload => ({
  name,
  group: 'ring',
  title,
  unit: 'packets/s',
  better: 'more',
  traffic,
  port: Port.Queue,
  args,
  contenders: transports,
  quick,
})

const whole = { ...drainWords, range: 1500 }
const hold = { ...whole, hold: 1000 }

export const ringWorkloads: readonly Workload[] = [
  ring('ring-drain', 'drain, 64 B', { kind: 'drain', count: DRAIN, size: 64 }, drainWords, true),
  ring('ring-drain-1400', 'drain, 1400 B copied whole', { kind: 'drain', count: DRAIN, size: 1400 }, whole, true),
  ring(
    'ring-closed-1024',
    'at most 1024 in flight, 64 B',
    { kind: 'closed', window: 1024, size: 64 },
    { range: 128, maxlength: 4096 },
    true,
  ),
  ring(
    'ring-closed-1024-1400',
    'at most 1024 in flight, 1400 B copied whole',
    { kind: 'closed', window: 1024, size: 1400 },
    { range: 1500, maxlength: 4096 },
    false,
  ),
  ring(
    'hold',
    'drain, 1400 B, every tenth kept for 1000 packets',
    { kind: 'drain', count: DRAIN, size: 1400 },
    hold,
    true,
  ),
]

const scanners = (['socket', 'ring', 'ring-kernel-thread'] as const).flatMap((transport) =>
  (['never', 10] as const).map((batching) =>
    contender(
      'ringlink-workers',
      { workers: 2, transport, batching, patterns: 2500 },
      `${transport}, verdicts ${batching === 10 ? 'by 10' : 'singly'}`,
    ),
  ),
)

const ids = { group: 'ids', unit: 'packets/s', better: 'more', port: Port.TwoQueues } as const

export const idsWorkloads: readonly Workload[] = [
  {
    ...ids,
    name: 'ids-drain',
    title: 'every payload of 1400 B scanned for 2500 patterns, two Workers, 60,000 queued packets',
    traffic: { kind: 'drain', count: DRAIN, size: 1400, addresses: ADDRESSES },
    args: whole,
    contenders: scanners,
    quick: false,
  },
  {
    ...ids,
    name: 'ids-closed-1024',
    title: 'every payload of 1400 B scanned for 2500 patterns, two Workers, at most 1024 in flight',
    traffic: { kind: 'closed', window: 1024, size: 1400, addresses: ADDRESSES },
    args: { range: 1500, maxlength: 4096 },
    contenders: scanners,
    quick: false,
  },
]
