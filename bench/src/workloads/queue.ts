import { Port } from '../rules.ts'
import type { Contender, Workload } from '../workload.ts'

/** Packets of a drain; the kernel queues at most 65536. */
const DRAIN = 60_000
const base = { group: 'queue', unit: 'packets/s', better: 'more', port: Port.Queue } as const
const args = { range: 128, maxlength: 4096 }
const drainWords = { range: 128, maxlength: 65536, buffer: 1 << 30 }

const contender = (implementation: Contender['implementation']): Contender => ({ name: implementation, implementation })
const everybody = (
  [
    'c-nfq',
    'c-mnl',
    'c-best',
    'c-batch',
    'ringlink',
    'ringlink-worker',
    'npm-nfqueue',
    'npm-netlink',
    'npm-netlink-batch',
  ] as const
).map(contender)
const strongest = (['c-mnl', 'c-best', 'c-batch', 'ringlink', 'ringlink-worker'] as const).map(contender)
const few = (['c-mnl', 'c-best', 'ringlink'] as const).map(contender)
const interfaces = (['ringlink', 'ringlink-packets', 'ringlink-async'] as const).map(contender)

const loops: Workload[] = [1, 64, 1024].map((window) => ({
  ...base,
  name: `closed-${window}`,
  title: `at most ${window} in flight, 64 B`,
  traffic: { kind: 'closed', window, size: 64 },
  args,
  contenders: everybody,
  quick: window === 1024,
}))

const flood: Workload = {
  ...base,
  name: 'flood',
  title: 'more than anybody can answer, 64 B',
  traffic: { kind: 'flood', size: 64 },
  args,
  contenders: everybody,
  quick: false,
}

const drain: Workload = {
  ...base,
  name: 'drain',
  title: '60,000 queued packets, 64 B',
  traffic: { kind: 'drain', count: DRAIN, size: 64 },
  args: drainWords,
  contenders: strongest,
  quick: true,
}

/** Payload and copy range; 64 bytes at range 128 is the drain above. */
const sizes: Workload[] = [
  [64, 0],
  [64, 65531],
  [1400, 0],
  [1400, 128],
  [1400, 65531],
].map(([size = 0, range = 0]) => ({
  ...base,
  name: `drain-${size}-${range === 65531 ? 'full' : range}`,
  title: `drain, ${size} B, ${range === 0 ? 'metadata only' : range === 65531 ? 'copied whole' : `${range} B copied`}`,
  traffic: { kind: 'drain', count: DRAIN, size },
  args: { ...drainWords, range: range === 65531 ? size + 64 : range },
  contenders: few,
  quick: false,
}))

const verdicts: Workload[] = ['drop', 'mark', 'payload'].map((verdict) => ({
  ...base,
  name: `drain-${verdict}`,
  title: `drain, 64 B, ${{ drop: 'dropped', mark: 'accepted with a mark', payload: 'accepted with a changed payload' }[verdict]}`,
  traffic: { kind: 'drain', count: DRAIN, size: 64 },
  args: { ...drainWords, verdict },
  contenders: few,
  quick: false,
}))

const batching: Contender[] = [
  { name: 'c-best', implementation: 'c-best' },
  ...[10, 64].map((batch) => ({ name: `c-batch-${batch}`, implementation: 'c-best', args: { batch } }) as const),
  ...['auto', 'never', 1, 10, 64].map(
    (size) => ({ name: `ringlink-batching-${size}`, implementation: 'ringlink', args: { batching: size } }) as const,
  ),
]

const batchings: Workload[] = [
  {
    ...base,
    name: 'drain-batching',
    title: 'drain, 64 B, batch verdicts',
    traffic: { kind: 'drain', count: DRAIN, size: 64 },
    args: drainWords,
    contenders: batching,
    quick: false,
  },
  {
    ...base,
    name: 'closed-1024-batching',
    title: 'at most 1024 in flight, 64 B, batch verdicts',
    traffic: { kind: 'closed', window: 1024, size: 64 },
    args,
    contenders: batching,
    quick: false,
  },
]

const styles: Workload[] = [
  {
    ...base,
    name: 'drain-interfaces',
    title: 'drain, 64 B, by batch, by packet, with an async handler',
    traffic: { kind: 'drain', count: DRAIN, size: 64 },
    args: drainWords,
    contenders: interfaces,
    quick: false,
  },
  {
    ...base,
    name: 'closed-1024-interfaces',
    title: 'at most 1024 in flight, 64 B, by batch, by packet, with an async handler',
    traffic: { kind: 'closed', window: 1024, size: 64 },
    args,
    contenders: interfaces,
    quick: true,
  },
]

export const queueWorkloads: readonly Workload[] = [
  ...loops,
  flood,
  drain,
  ...sizes,
  ...verdicts,
  ...batchings,
  ...styles,
]
