import { readdirSync } from 'node:fs'
import { loadNative } from '@ringlink/native'
import { Namespace } from '@ringlink/test-support/namespace'
import { Random } from '@ringlink/transport/faults'
import { driftsOf, type Sample } from './drift.ts'
import { PORT, type Round, runRound, soakTransports } from './round.ts'

export interface SoakOptions {
  readonly seconds: number
  readonly seed: number
  /** of the time, how much is spent on rounds; the rest is a pause */
  readonly share: number
  /** called after each round */
  readonly onRound?: ((round: Round, seconds: number) => void) | undefined
}

export interface SoakResult {
  readonly rounds: number
  readonly byTransport: Readonly<Record<string, number>>
  readonly packets: number
  readonly lost: number
  readonly faults: number
  readonly changes: number
  readonly samples: readonly Sample[]
  /** what makes the run red: sums that are not 0, and drifts */
  readonly problems: readonly string[]
}

/** Samples of a run at least, however short it is. */
const SAMPLES = 120

/**
 * Runs rounds over all transports in turn until the time is over, and samples the process between them. Needs
 * `--expose-gc`.
 */
export async function soak({ seconds, seed, share, onRound }: SoakOptions): Promise<SoakResult> {
  const random = new Random(seed)
  const transports = await soakTransports()
  const byTransport: Record<string, number> = {}
  const samples: Sample[] = []
  const problems: string[] = []
  const totals = { rounds: 0, packets: 0, lost: 0, faults: 0, changes: 0 }
  const start = performance.now()
  const elapsed = () => (performance.now() - start) / 1000
  await using namespace = await Namespace.open()
  await namespace.listen(PORT)
  // What is compiled and opened once is not a leak.
  for (const transport of transports) await runRound(namespace, transport, random)
  for (let sampled = 0; elapsed() < seconds; ) {
    const transport = transports[totals.rounds % transports.length] as (typeof transports)[number]
    const began = performance.now()
    const round = await runRound(namespace, transport, random)
    byTransport[transport[0]] = (byTransport[transport[0]] ?? 0) + 1
    totals.rounds++
    totals.packets += round.packets
    totals.lost += round.lost
    totals.faults += round.faults
    totals.changes += round.changes
    const differences = Object.entries(round.differences)
    if (differences.length > 0) problems.push(`${round.what}: ${differences.map((it) => it.join(' ')).join(', ')}`)
    onRound?.(round, elapsed())
    if (elapsed() >= sampled) {
      samples.push(await sample(elapsed(), totals))
      sampled = elapsed() + seconds / SAMPLES
    }
    const pause = (performance.now() - began) * (1 / share - 1)
    await new Promise((resolve) => setTimeout(resolve, Math.min(pause, Math.max(0, seconds - elapsed()) * 1000)))
  }
  return { ...totals, byTransport, samples, problems: [...problems, ...driftsOf(samples, seconds)] }
}

async function sample(seconds: number, { packets, lost }: { packets: number; lost: number }): Promise<Sample> {
  if (globalThis.gc === undefined) throw new Error('node must be started with --expose-gc')
  // The memory of a buffer that was collected goes in a later turn.
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc()
    await new Promise(setImmediate)
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return {
    seconds: Math.round(seconds * 10) / 10,
    heap: heapUsed,
    external,
    resident: rss,
    descriptors: readdirSync('/proc/self/fd').length,
    handles: loadNative().openHandles(),
    packets,
    lost,
  }
}
