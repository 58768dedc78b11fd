/** Programs of steps for a machine on which vitest is too slow. */
import { hostname } from 'node:os'

/** What `hostname` says in a guest (scripts/kernels/init). */
const GUEST = 'stock'
/** The exit code of a program that is not for this machine (scripts/kernels/guest.mjs). */
export const NOT_HERE = 77

/** Ends the program where it is not in a guest: its steps change the whole machine. */
export function onlyInGuest(): void {
  if (hostname() === GUEST) return
  console.log('skipped: the settings of this machine are left as they are')
  process.exit(NOT_HERE)
}

/**
 * Runs a step and prints how it ended. One that fails ends the program with exit code 1. Resolves to what it found
 * missing, which is printed.
 */
export async function step(name: string, run: () => Promise<string | undefined> | string | undefined): Promise<void> {
  const start = performance.now()
  try {
    const missing = await run()
    const outcome = missing === undefined ? `${Math.round(performance.now() - start)} ms` : `skipped: ${missing}`
    console.log(`${name}: ${outcome}`)
  } catch (error) {
    console.log(`${name}: FAILED`)
    console.log(error)
    process.exit(1)
  }
}
