/** A row of the document: an experiment, and who is sampled in it. */
export interface Row {
  readonly workload: string
  readonly contenders: readonly string[]
  /** seconds of a closed loop or a flood; of others, times that they are run */
  readonly repetitions: number
}

const row = (workload: string, contenders: readonly string[], repetitions = 1): Row => ({
  workload,
  contenders,
  repetitions,
})

/** The rows that are not where they should be, and the program in C where it explains the difference. */
export const rows: readonly Row[] = [
  row('drain', ['ringlink', 'c-best'], 2),
  row('drain-drop', ['ringlink', 'c-best'], 2),
  row('drain-mark', ['ringlink', 'c-best'], 2),
  row('drain-payload', ['ringlink', 'c-best'], 2),
  row('flood', ['ringlink', 'c-best']),
  row('closed-64', ['ringlink', 'c-best']),
  row('closed-1024', ['ringlink', 'c-best']),
  row('closed-1024-interfaces', ['ringlink-packets']),
  row('drain-4-queues', ['ringlink-fan-out-4', 'c-best-4-threads'], 2),
  row('latency', ['ringlink', 'ringlink-worker', 'c-best']),
  row('log-64', ['ringlink', 'c-resting', 'c-best']),
  row('ring-drain', ['ring', 'socket', 'ring-kernel-thread'], 2),
  row('ring-closed-1024', ['ring']),
  row('start-up', ['ringlink-ring', 'ringlink'], 4),
]
