import type { Load } from './machine-load.ts'
import type { WorkloadInfo } from './results.ts'

/** How a program under measurement is sampled by a profiler: from its start, or from the moment that it is measured. */
export interface Sampling {
  /** words before its command */
  prefix?(): readonly string[]
  attach?(pid: number): Promise<void>
}

/** How long and how carefully is measured. */
export interface Settings {
  readonly repetitions: number
  /** seconds of a closed loop or a flood that are measured */
  readonly window: number
  /** part of the packets of a drain: 1, or less for a quick look */
  readonly scale: number
  /** seconds to wait for a quiet machine before each run */
  readonly patience: number
  /** times that a disturbed run is measured again */
  readonly redos: number
  /** packets that warm each handler */
  readonly warm: number
  /** seconds after which no further repetition is begun or gone on with; the first is always complete */
  readonly limit: number
  /** for `npm run profile` only */
  readonly sampling?: Sampling
}

/** The result of one run. */
export interface Outcome {
  readonly value: number
  readonly details: Readonly<Record<string, number>>
  readonly problem?: string
  /** what the machine did during the run; absent where that cannot matter */
  readonly load?: Load
}

/** A task that several contenders perform in turn. */
export interface Experiment extends WorkloadInfo {
  /** Why a contender cannot take part, if that is known before it is tried. */
  obstacle(contender: string): string | undefined
  /** Rejects when the contender cannot do it at all. */
  run(contender: string, settings: Settings): Promise<Outcome>
}
