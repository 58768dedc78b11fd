import { codecExperiment } from './codec-experiment.ts'
import { comparedWorkload, type Reference } from './compare.ts'
import { conntrackExperiments } from './conntrack-experiment.ts'
import { allocationExperiment, systemCallExperiment } from './counting-experiments.ts'
import type { Experiment } from './experiment.ts'
import { fairnessExperiment } from './fairness-experiment.ts'
import { logExperiment } from './log-experiment.ts'
import { millionExperiment } from './million-experiment.ts'
import { packetExperiment } from './packet-experiment.ts'
import type { Peers } from './peers.ts'
import { queueExperiment } from './queue-experiment.ts'
import { idleExperiment, startExperiment } from './resting-experiments.ts'
import { dropExperiment, elementsExperiment, offloadExperiment } from './rules-experiments.ts'
import type { Group, Workload } from './workload.ts'
import {
  gsoWorkloads,
  idsWorkloads,
  latencyWorkloads,
  ringWorkloads,
  scalingWorkloads,
} from './workloads/other-queues.ts'
import { queueWorkloads } from './workloads/queue.ts'

/**
 * Everything that is measured for these groups, in the order of the document; with a reference, programs of ours beside
 * those of that state, and nothing else.
 */
export function experimentsOf(
  groups: readonly Group[],
  quick: boolean,
  peers: Peers,
  reference?: Reference,
): Experiment[] {
  return groups.flatMap((group) => experimentsOfGroup(group, quick, peers, reference))
}

function experimentsOfGroup(group: Group, quick: boolean, peers: Peers, reference?: Reference): Experiment[] {
  const overQueues = (workloads: readonly Workload[]) =>
    workloads
      .filter((workload) => !quick || workload.quick)
      .map((workload) => (reference === undefined ? workload : comparedWorkload(workload, reference)))
      .filter(({ contenders }) => contenders.length > 0)
      .map((workload) => queueExperiment(workload, peers))
  switch (group) {
    case 'queue':
      return [
        ...overQueues(queueWorkloads),
        ...(reference === undefined ? [systemCallExperiment, allocationExperiment] : []),
      ]
    case 'latency':
      return overQueues(latencyWorkloads)
    case 'gso':
      return overQueues(gsoWorkloads)
    case 'scaling':
      return overQueues(scalingWorkloads)
    case 'ring':
      return overQueues(ringWorkloads)
    case 'ids':
      return overQueues(idsWorkloads)
    case 'log':
      return [...(quick ? [] : [logExperiment(1, peers, reference)]), logExperiment(64, peers, reference)]
    case 'conntrack':
      return conntrackExperiments(peers)
    case 'codec':
      return [codecExperiment('usual', peers), packetExperiment(), ...(quick ? [] : [codecExperiment('rich', peers)])]
    case 'million':
      return [millionExperiment]
    case 'fairness':
      return [fairnessExperiment]
    case 'resting':
      return [startExperiment(reference), idleExperiment(reference)]
    case 'rules':
      return [offloadExperiment, elementsExperiment, dropExperiment]
  }
}
