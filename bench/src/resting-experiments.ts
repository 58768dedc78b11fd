import { join } from 'node:path'
import type { Experiment } from './experiment.ts'
import { DIST } from './paths.ts'
import { Program } from './program.ts'

/** What each contender opens. */
const transports: Readonly<Record<string, string>> = { ringlink: 'socket', 'ringlink-ring': 'ring' }

/** Processor time from `import` to the verdict on the first packet. */
export const startExperiment: Experiment = {
  name: 'start-up',
  group: 'resting',
  title: 'processor time from the import of ringlink to the verdict on a first packet, default options',
  unit: 'ms',
  better: 'less',
  contenders: Object.keys(transports),
  obstacle: () => undefined,
  async run(contender) {
    const { cpu, ...details } = await measure(contender, 'start')
    return { value: cpu as number, details }
  },
}

/** Memory of a queue that waits. */
export const idleExperiment: Experiment = {
  name: 'idle-queue',
  group: 'resting',
  title: 'memory of a queue that waits, default options; frames that were never filled take addresses and no memory',
  unit: 'MiB',
  better: 'less',
  contenders: Object.keys(transports),
  obstacle: () => undefined,
  async run(contender) {
    const { resident, ...details } = await measure(contender, 'idle')
    return { value: resident as number, details }
  },
}

async function measure(contender: string, what: string): Promise<Record<string, number>> {
  const args = ['--expose-gc', join(DIST, 'resting.js'), `measure=${what}`, `transport=${transports[contender]}`]
  const program = new Program(contender, process.execPath, args)
  try {
    return await program.json<Record<string, number>>()
  } finally {
    await program.stop()
  }
}
