// How long the demos wait. They are meant to be over in a few seconds; under emulation, or beside other work,
// everything takes longer.

/**
 * milliseconds from the start of a process until its modules run, on an ordinary machine that has nothing else to do
 */
const USUAL_START = 100
/** seconds after which what still runs is ended, on such a machine */
const USUAL_DEADLINE = 12
/** how the program outside tells the one inside */
const VARIABLE = 'RINGLINK_DEMO_SECONDS'

/** Seconds after which everything that still runs is stopped: RINGLINK_DEMO_SECONDS. */
export function deadline(): number {
  const seconds = Number(process.env[VARIABLE])
  return seconds > 0 ? seconds : USUAL_DEADLINE
}

/**
 * Measures this machine by how long this process took to start, and has the programs that it starts wait as much
 * longer.
 */
export function setDeadline(startTime: number = process.uptime() * 1000): void {
  if (process.env[VARIABLE] === undefined) {
    process.env[VARIABLE] = String(Math.ceil(USUAL_DEADLINE * Math.max(1, startTime / USUAL_START)))
  }
}
