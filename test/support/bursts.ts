import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FrameBatch, Transport } from '@ringlink/transport'
import { Random } from '@ringlink/transport/faults'
import type { Namespace } from './namespace.ts'
import { patience } from './patience.ts'

/** Rounds of silence and burst; RINGLINK_WAKE_ROUNDS sets fewer for a slow machine. */
export const wakeRounds: number = Number(process.env.RINGLINK_WAKE_ROUNDS ?? 10_000)

const MOST_MESSAGES = 80
const MOST_SPINS = 400
/** `struct nlmsghdr`, and then the number. */
const NUMBER = 16 >> 2
/** Milliseconds without progress after which a wake-up counts as lost. */
const PATIENCE = patience(10_000)

/**
 * A process that sends bursts to one port on command and reports nothing back, so that only the messages wake the
 * receiver.
 */
export class BurstPeer implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #commands: number
  readonly #directory: string

  private constructor(child: ChildProcess, commands: number, directory: string) {
    this.#child = child
    this.#commands = commands
    this.#directory = directory
  }

  static open(namespace: Namespace, protocol: number, portId: number): BurstPeer {
    const directory = mkdtempSync(join(tmpdir(), 'ringlink-bursts-'))
    const program = join(directory, 'bursts')
    const fifo = join(directory, 'commands')
    const source = fileURLToPath(new URL('bursts.c', import.meta.url))
    const compiled = spawnSync(process.env.CC ?? 'cc', ['-Wall', '-O1', '-o', program, source], { encoding: 'utf8' })
    if (compiled.status !== 0) throw new Error(compiled.stderr)
    const made = spawnSync('mkfifo', [fifo], { encoding: 'utf8' })
    if (made.status !== 0) throw new Error(made.stderr)
    const child = spawn('nsenter', [`--net=${namespace.path}`, program, String(protocol), String(portId), fifo], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    // For reading too, so that opening it does not block.
    return new BurstPeer(child, openSync(fifo, 'r+'), directory)
  }

  /** Calls `listener` when the process ends before it is disposed. */
  onEnd(listener: (reason: Error) => void): void {
    this.#child.once('exit', (code, signal) => listener(new Error(`the sender of bursts ended: ${code ?? signal}`)))
  }

  /** Makes it send `count` messages, without using the event loop, so that only they can wake it. */
  send(count: number, first: number, { asleep, spins }: { asleep: boolean; spins: number }): void {
    writeSync(this.#commands, Uint32Array.of(count, first, asleep ? process.pid : 0, spins))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = new Promise((resolve) => this.#child.once('exit', resolve))
    closeSync(this.#commands)
    this.#child.kill()
    await exited
    rmSync(this.#directory, { recursive: true })
  }
}

/**
 * Alternates silence and bursts. Half of the bursts come while this thread sleeps in its event loop with a pending
 * receive, the others at any moment around the receive. Every message must arrive, once and in order. A round that does
 * not end is a lost wake-up, and the error names it.
 */
export async function alternate(transport: Transport, peer: BurstPeer, rounds: number, seed: number): Promise<void> {
  const random = new Random(seed)
  const watchdog = new AbortController()
  let round = 0
  let seen = -1
  peer.onEnd((reason) => watchdog.abort(reason))
  const timer = setInterval(() => {
    if (seen === round) watchdog.abort(new Error(`round ${round} of seed ${seed} does not end: a wake-up was lost`))
    seen = round
  }, PATIENCE)
  let expected = 0
  try {
    for (; round < rounds; round++) {
      const count = 1 + random.below(round % 4 === 0 ? MOST_MESSAGES : 4)
      const asleep = random.below(2) === 0
      const spins = random.below(2) === 0 ? 0 : random.below(MOST_SPINS)
      const next = () => transport.receive({ signal: watchdog.signal })
      let receiving: Promise<FrameBatch> | undefined
      if (asleep) receiving = next()
      peer.send(count, expected, { asleep, spins })
      const end = expected + count
      while (expected < end) {
        const batch = await (receiving ?? next())
        receiving = undefined
        for (const { offset } of batch) {
          const number = batch.memory.u32[(offset >> 2) + NUMBER]
          assert.equal(number, expected, `round ${round} of seed ${seed}`)
          expected++
        }
        batch.release()
      }
    }
  } finally {
    clearInterval(timer)
  }
  const { frames, lost } = transport.stats
  assert.deepEqual({ frames, lost }, { frames: expected, lost: 0 })
}
