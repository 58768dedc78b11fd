import type { Group } from './workload.ts'

/** One run of one contender. */
export interface Run {
  readonly workload: string
  readonly contender: string
  readonly repetition: number
  /** in the workload's unit */
  readonly value: number
  /** what else was seen, see bench/README.md */
  readonly details: Readonly<Record<string, number>>
  /** cores used by other processes while it ran */
  readonly otherCores: number
  /** they used more than allowed, and measuring again did not help */
  readonly isDisturbed: boolean
  /** times that it was measured again */
  readonly redone: number
  /** why its value is not to be trusted: packets that were lost, errors of the handler */
  readonly problem?: string
}

/** A contender that did not take part, and why. */
export interface Missing {
  readonly workload: string
  readonly contender: string
  readonly reason: string
}

/** The description of a workload, for readers of the results. */
export interface WorkloadInfo {
  readonly name: string
  readonly group: Group
  readonly title: string
  readonly unit: string
  readonly better: 'more' | 'less'
  readonly contenders: readonly string[]
}

/** The machine, as far as numbers depend on it. */
export interface Machine {
  readonly date: string
  readonly processor: string
  readonly cores: number
  readonly kernel: string
  readonly system: string
  readonly node: string
  readonly compiler: string
  /** absent where they could not be measured */
  readonly prices?: Prices
}

/** What the machine charges for what every program here needs, in nanoseconds (bench/peers/prices.c). */
export interface Prices {
  /** an empty system call */
  readonly systemCall: number
  /** waking a thread on the same processor */
  readonly wakeUpHere: number
  /** and on another one; null where there is none */
  readonly wakeUpElsewhere: number | null
}

/** bench/results/latest.json. */
export interface Results {
  readonly schema: 1
  readonly machine: Machine
  readonly options: { readonly quick: boolean; readonly repetitions: number; readonly groups: readonly Group[] }
  readonly workloads: readonly WorkloadInfo[]
  readonly runs: readonly Run[]
  readonly missing: readonly Missing[]
}
