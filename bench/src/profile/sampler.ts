import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Program } from '../program.ts'

/** Samples in a second of processor time: no divisor of the kernel's ticks, or the two would march in step. */
const RATE = 4999
const RECORD = ['record', '--quiet', '--event', 'cpu-clock', '--freq', String(RATE), '--call-graph', 'fp']
/** Milliseconds for perf to attach to a process. */
const PATIENCE = 10_000
/** Bytes of what perf prints of some million frames. */
const MOST = 2 ** 30

/**
 * Samples processes with Linux's perf, by their processor time (`cpu-clock`, which virtual machines have, too): the
 * stacks of kernel, native code and, where Node says what it compiled, JavaScript.
 */
export class Sampler {
  readonly #folder: string
  readonly #recordings: string[] = []
  #running: Program | undefined

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'ringlink-profile-'))
  }

  /** The words before a command that is sampled from its start to its end. */
  prefix(): string[] {
    return ['perf', ...RECORD, '--output', this.#nextRecording(), '--']
  }

  /** Begins to sample a process with all its threads. Rejects when perf may not. */
  async attach(pid: number): Promise<void> {
    const perf = new Program('perf', 'perf', [...RECORD, '--output', this.#nextRecording(), '--pid', String(pid)])
    this.#running = perf
    const deadline = performance.now() + PATIENCE
    while (!isSampling(perf.pid)) {
      if (performance.now() > deadline) await perf.complaint(/^\b$/)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  async detach(): Promise<void> {
    await this.#running?.interrupt()
    this.#running = undefined
  }

  /** The stacks of all samples, as `perf script` prints them. */
  stacks(): string {
    return this.#recordings
      .map((path) => {
        const args = ['script', '--input', path, '--fields', 'comm,ip,sym,dso']
        const { status, stdout, stderr } = spawnSync('perf', args, { encoding: 'utf8', maxBuffer: MOST })
        if (status !== 0) throw new Error(`perf script failed: ${stderr.trim().split('\n').at(-1)}`)
        return stdout
      })
      .join('\n')
  }

  async close(): Promise<void> {
    await this.detach()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #nextRecording(): string {
    const path = join(this.#folder, `${this.#recordings.length}.data`)
    this.#recordings.push(path)
    return path
  }
}

/** Whether perf has opened its events, which it does not report. */
function isSampling(pid: number): boolean {
  try {
    const folder = `/proc/${pid}/fd`
    return readdirSync(folder).some((name) => readlinkSync(join(folder, name)).includes('perf_event'))
  } catch {
    return false
  }
}
