import { readdirSync, readFileSync } from 'node:fs'

/** Ticks in a second of /proc (`USER_HZ`). */
const TICKS = 100
/** Fields of the first line of /proc/stat: user nice system idle iowait irq softirq steal. */
const IDLE = 3
const WAITING = 4
const STEAL = 7

/** CPU time up to one moment, in seconds. */
export interface LoadMark {
  readonly time: number
  readonly all: number
  readonly ours: number
  /** of the kernel's threads that deliver packets: work that a measurement causes, charged to no process */
  readonly softirq: number
}

/** The load between two moments, in cores. */
export interface Load {
  readonly seconds: number
  /** everything that is not this measurement's */
  readonly others: number
  readonly softirq: number
}

const softirqThreads = readdirSync('/proc').filter(
  (name) => /^\d+$/.test(name) && readCommand(name).startsWith('ksoftirqd/'),
)

/**
 * Reads the clock of the whole machine and those of our processes; `ofChildren`: also of the programs that they have
 * run.
 */
export function markLoad(pids: readonly number[], { ofChildren = false } = {}): LoadMark {
  const fields = (readFileSync('/proc/stat', 'latin1').split('\n', 1)[0] ?? '')
    .trim()
    .split(/\s+/)
    .slice(1, 2 + STEAL)
  const busy = fields.map(Number).filter((_, field) => field !== IDLE && field !== WAITING)
  return {
    time: performance.now() / 1000,
    all: busy.reduce((sum, ticks) => sum + ticks, 0) / TICKS,
    ours: pids.reduce((sum, pid) => sum + cpuOf(String(pid), ofChildren), cpuOf(String(process.pid))),
    softirq: softirqThreads.reduce((sum, pid) => sum + cpuOf(pid), 0),
  }
}

export function loadBetween(before: LoadMark, after: LoadMark): Load {
  const seconds = after.time - before.time
  const softirq = after.softirq - before.softirq
  const others = after.all - before.all - (after.ours - before.ours) - softirq
  return { seconds, others: Math.max(0, others) / seconds, softirq: softirq / seconds }
}

/** The effect of one tick on such a short time, in cores: smaller loads cannot be measured. */
export function resolution(seconds: number): number {
  return 3 / TICKS / seconds
}

/** Waits until others use less than `most` cores, for at most `patience` seconds; false if they still use more. */
export async function waitForQuiet(most: number, patience: number, sample: number): Promise<boolean> {
  const deadline = performance.now() + patience * 1000
  for (;;) {
    const before = markLoad([])
    await new Promise((resolve) => setTimeout(resolve, sample * 1000))
    if (loadBetween(before, markLoad([])).others <= Math.max(most, resolution(sample))) return true
    if (performance.now() >= deadline) return false
  }
}

/** CPU seconds of a process and all its threads, and of the children that it has waited for; 0 when it is gone. */
function cpuOf(pid: string, ofChildren = false): number {
  const text = readOrEmpty(`/proc/${pid}/stat`)
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  // utime, stime, cutime, cstime
  return fields.slice(11, ofChildren ? 15 : 13).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS
}

function readCommand(pid: string): string {
  return readOrEmpty(`/proc/${pid}/comm`)
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
