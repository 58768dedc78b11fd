/** What was measured at one moment of a soak. */
export interface Sample {
  /** since the beginning */
  readonly seconds: number
  /** bytes, after a collection */
  readonly heap: number
  /** bytes of buffers outside of the heap */
  readonly external: number
  /** bytes */
  readonly resident: number
  /** open ones of the process */
  readonly descriptors: number
  /** open sockets of the addon */
  readonly handles: number
  /** so far */
  readonly packets: number
  /** so far: what was lost in full buffers, and counted */
  readonly lost: number
}

type Measure = 'heap' | 'external' | 'resident' | 'descriptors' | 'handles'

const MiB = 2 ** 20
/** By how much a measure may have grown between the second and the last quarter of a run. */
const tolerances: Readonly<Record<Measure, number>> = {
  heap: 2 * MiB,
  external: 4 * MiB,
  resident: 32 * MiB,
  descriptors: 0,
  handles: 0,
}

/** Growth of a measure from the second quarter of a run to the last one: the difference of their medians. */
export function growth(samples: readonly Sample[], measure: Measure): number {
  const quarter = samples.length / 4
  const values = (from: number, to: number) => samples.slice(Math.floor(from), Math.ceil(to)).map((it) => it[measure])
  return median(values(3 * quarter, 4 * quarter)) - median(values(quarter, 2 * quarter))
}

/** Memory settles in minutes: in shorter runs only what must not grow at all is looked at. */
const SETTLED = 120

/** The measures that have drifted in a run of so many seconds, with a sentence for each; empty: none has. */
export function driftsOf(samples: readonly Sample[], seconds: number): readonly string[] {
  return Object.entries(tolerances).flatMap(([measure, tolerance]) => {
    if (seconds < SETTLED && tolerance > 0) return []
    const grown = growth(samples, measure as Measure)
    return grown > tolerance ? [`${measure} grew by ${grown}, more than ${tolerance}`] : []
  })
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[sorted.length >> 1] ?? 0
}
