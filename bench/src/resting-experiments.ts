import { join } from 'node:path'
import { earlier, type Reference } from './compare.ts'
import type { Experiment, Sampling } from './experiment.ts'
import { DIST } from './paths.ts'
import { Program } from './program.ts'

/** What each contender opens, and what it imports for that. */
const opens: Readonly<Record<string, readonly string[]>> = {
  ringlink: ['transport=socket'],
  'ringlink-ring': ['transport=ring'],
  'ringlink-queue': ['transport=socket', 'entry=ringlink/queue'],
  'ringlink-queue-ring': ['transport=ring', 'entry=ringlink/queue'],
}
const resting = ['ringlink', 'ringlink-ring']

/** Processor time from `import` to the verdict on the first packet. */
export function startExperiment(reference?: Reference): Experiment {
  return {
    name: 'start-up',
    group: 'resting',
    title: 'processor time from the import of ringlink, or of ringlink/queue, to the verdict on a first packet',
    unit: 'ms',
    better: 'less',
    contenders: contendersOf(Object.keys(opens), reference),
    obstacle: () => undefined,
    async run(contender, { sampling }) {
      const { cpu, ...details } = await measure(contender, 'start', reference, sampling)
      return { value: cpu as number, details }
    },
  }
}

/** Memory of a queue that waits. */
export function idleExperiment(reference?: Reference): Experiment {
  return {
    name: 'idle-queue',
    group: 'resting',
    title: 'memory of a queue that waits, default options; frames that were never filled take addresses and no memory',
    unit: 'MiB',
    better: 'less',
    contenders: contendersOf(resting, reference),
    obstacle: () => undefined,
    async run(contender) {
      const { resident, ...details } = await measure(contender, 'idle', reference)
      return { value: resident as number, details }
    },
  }
}

function contendersOf(ours: readonly string[], reference: Reference | undefined): string[] {
  return reference === undefined ? [...ours] : ours.flatMap((name) => [name, earlier(name)])
}

async function measure(
  contender: string,
  what: string,
  reference: Reference | undefined,
  sampling?: Sampling,
): Promise<Record<string, number>> {
  const name = Object.keys(opens).find((ours) => ours === contender || earlier(ours) === contender) ?? contender
  const dist = name === contender ? DIST : (reference?.dist ?? DIST)
  const args = ['--expose-gc', join(dist, 'resting.js'), `measure=${what}`, ...(opens[name] ?? [])]
  const [command = '', ...rest] = [...(sampling?.prefix?.() ?? []), process.execPath, ...args]
  const program = new Program(contender, command, rest)
  try {
    const measured = await program.json<Record<string, number>>()
    // The profiler writes its recording when the program has ended.
    if (sampling !== undefined) await program.ended()
    return measured
  } finally {
    await program.stop()
  }
}
