import type { Results } from './results.ts'
import type { Spread } from './statistics.ts'
import { detailOf, ratioOf, spreadOfValue } from './summary.ts'

/** The goals, and how they show in the results. */
export interface Goal {
  readonly criterion: string
  readonly sign: '>=' | '>' | '<='
  readonly limit: number
  /** of ratios: of the pairs of one repetition */
  measured(results: Results): Spread | undefined
}

const ratio = (
  criterion: string,
  sign: Goal['sign'],
  limit: number,
  [workload, contender, to]: readonly [string, string, string],
): Goal => ({ criterion, sign, limit, measured: (results) => ratioOf(results, workload, contender, to) })

const ringWorkloads = {
  'ring-drain': 'drain, 64 B',
  'ring-drain-1400': 'drain, 1400 B copied whole',
  'ring-closed-1024': 'W = 1024, 64 B',
  'ring-closed-1024-1400': 'W = 1024, 1400 B copied whole',
  hold: 'a tenth kept for 1000 packets',
} as const

/** The goals hold on every machine: they are ratios within one run, and times of our own code. */
export const goals: readonly Goal[] = [
  ratio('socket / best C, W = 1024', '>=', 0.97, ['closed-1024', 'ringlink', 'c-best']),
  ratio('socket / best C, drain', '>=', 0.97, ['drain', 'ringlink', 'c-best']),
  ratio('socket / libmnl, W = 1024', '>=', 1.4, ['closed-1024', 'ringlink', 'c-mnl']),
  ratio('socket / libmnl, drain', '>=', 1.2, ['drain', 'ringlink', 'c-mnl']),
  ratio('socket / npm nfqueue, W = 1024', '>=', 4, ['closed-1024', 'ringlink', 'npm-nfqueue']),
  ratio('socket / npm netlink, W = 1024', '>=', 4, ['closed-1024', 'ringlink', 'npm-netlink']),
  ratio('socket / best C, W = 64', '>=', 0.95, ['closed-64', 'ringlink', 'c-best']),
  ratio('socket / best C, flood', '>=', 0.97, ['flood', 'ringlink', 'c-best']),
  ratio('verdict drop / best C, drain', '>=', 0.97, ['drain-drop', 'ringlink', 'c-best']),
  ratio('verdict with mark / best C, drain', '>=', 0.97, ['drain-mark', 'ringlink', 'c-best']),
  ratio('verdict with a changed payload / best C, drain', '>=', 0.95, ['drain-payload', 'ringlink', 'c-best']),
  ...(['closed-1024', 'drain'] as const).map(
    (workload): Goal => ({
      criterion: `own user CPU per packet, ${workload === 'drain' ? 'drain' : 'W = 1024'}, µs`,
      sign: '<=',
      limit: 0.15,
      measured: (results) => detailOf(results, workload, 'ringlink', 'userMicrosecondsPerPacket'),
    }),
  ),
  {
    criterion: 'system calls per packet, W = 1024, as the transport counts them',
    sign: '<=',
    limit: 0.04,
    measured: (results) => detailOf(results, 'closed-1024', 'ringlink', 'systemCallsPerPacket'),
  },
  {
    criterion: 'system calls per packet, W = 1024, as strace counts them',
    sign: '<=',
    limit: 0.04,
    measured: (results) => spreadOfValue(results, 'system-calls', 'ringlink'),
  },
  {
    criterion: 'bytes allocated per packet, batch interface (less than half a byte counts as 0)',
    sign: '<=',
    limit: 0.5,
    measured: (results) => spreadOfValue(results, 'allocations', 'ringlink'),
  },
  ratio('latency p50 / C, event loop, same CPU', '<=', 1.3, ['latency', 'ringlink', 'c-best']),
  ratio('latency p50 / C, in a Worker, same CPU', '<=', 1.15, ['latency', 'ringlink-worker', 'c-best']),
  ratio('two Workers / one', '>=', 1.45, ['drain-2-queues', 'ringlink-fan-out-2', 'ringlink-fan-out-1']),
  ratio('four queues over Workers / C with four threads', '>=', 0.95, [
    'drain-4-queues',
    'ringlink-fan-out-4',
    'c-best-4-threads',
  ]),
  {
    criterion: 'loop delay p99 under a flood on two queues beside an HTTP server, ms',
    sign: '<=',
    limit: 20,
    measured: (results) => spreadOfValue(results, 'fairness', 'ringlink'),
  },
  {
    criterion: 'start-up: CPU time from the import to the first verdict, ms',
    sign: '<=',
    limit: 60,
    measured: (results) => spreadOfValue(results, 'start-up', 'ringlink-ring'),
  },
  {
    criterion: 'start-up: CPU time from the import of ringlink/queue to the first verdict, ms',
    sign: '<=',
    limit: 60,
    measured: (results) => spreadOfValue(results, 'start-up', 'ringlink-queue-ring'),
  },
  {
    criterion: 'memory of an idle queue over a ring, default options, MiB',
    sign: '<=',
    limit: 8,
    measured: (results) => spreadOfValue(results, 'idle-queue', 'ringlink-ring'),
  },
  ratio('TCP with segmentation offload / C', '>=', 0.95, ['tcp-gso', 'ringlink', 'c-best']),
  ratio('packet log, threshold 64, records per CPU second / C', '>=', 0.9, ['log-64', 'ringlink', 'c-best']),
  ratio('packet log, threshold 64, / C that rests as long', '>=', 0.6, ['log-64', 'ringlink', 'c-resting']),
  ratio('connections listed per CPU second, views / C (1.3 x its CPU time)', '>=', 1 / 1.3, [
    'conntrack',
    'ringlink',
    'c-nfct',
  ]),
  {
    criterion: 'bytes allocated per listed connection, views (less than half a byte counts as 0)',
    sign: '<=',
    limit: 0.5,
    measured: (results) => detailOf(results, 'conntrack', 'ringlink', 'heapBytesPerRow'),
  },
  {
    criterion: 'bytes that each further connection of a listing by rows() holds',
    sign: '<=',
    limit: 1,
    measured: (results) => detailOf(results, 'conntrack', 'ringlink-rows', 'heldBytesPerRow'),
  },
  ...(['packets', 'async'] as const).flatMap((style) =>
    (['closed-1024', 'drain'] as const).map((workload) =>
      ratio(
        `${style === 'async' ? 'async handler' : 'packet by packet'} / batches, ${workload === 'drain' ? 'drain' : 'W = 1024'}`,
        '>=',
        style === 'packets' ? 0.95 : 0.85,
        [`${workload}-interfaces`, `ringlink-${style}`, 'ringlink'],
      ),
    ),
  ),
  ...Object.entries(ringWorkloads).map(([workload, title]) =>
    ratio(`ring / socket, ${title}`, '>=', 1.1, [workload, 'ring', 'socket']),
  ),
  ...(['ring-drain', 'ring-drain-1400'] as const).map((workload) =>
    ratio(`ring with kernelThread / socket, ${ringWorkloads[workload]}`, '>=', 1.15, [
      workload,
      'ring-kernel-thread',
      'socket',
    ]),
  ),
  ratio('ring / socket, intrusion detection over two Workers, W = 1024', '>=', 1, [
    'ids-closed-1024',
    'ring, verdicts singly',
    'socket, verdicts singly',
  ]),
  ratio('TCP, first 20 packets queued / no queue', '>=', 0.9, ['offload', 'offload-20', 'no-queue']),
  ratio('100,000 elements added to a set / nft -f, time', '<=', 1.5, ['set-elements', 'ringlink', 'nft']),
  {
    criterion: 'packets in user space, of 1,000,000 that a set drops',
    sign: '<=',
    limit: 0,
    measured: (results) => detailOf(results, 'set-drop', 'ringlink', 'queued'),
  },
]

/** Whether the median reaches it; undefined where it was not measured. */
export function isMet({ sign, limit }: Goal, measured: Spread | undefined): boolean | undefined {
  if (measured === undefined) return undefined
  if (sign === '<=') return measured.median <= limit
  return sign === '>' ? measured.median > limit : measured.median >= limit
}
