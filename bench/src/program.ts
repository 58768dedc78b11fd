import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** Milliseconds after which a program that says nothing is given up. */
const PATIENCE = 60_000
/** Bytes of its complaints that are kept. */
const COMPLAINT = 2000

/** A program of a measurement, which speaks in lines. */
export class Program {
  readonly name: string
  #child: ChildProcess
  #lines: string[] = []
  #wanting: (() => void) | undefined
  #ended = false
  #complaint = ''

  constructor(name: string, command: string, args: readonly string[]) {
    this.name = name
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    const { stdin, stdout, stderr } = this.#child
    // It may have ended by itself; that shows as a line that never comes.
    stdin?.on('error', () => {})
    if (stdout !== null) {
      createInterface({ input: stdout }).on('line', (line) => {
        this.#lines.push(line)
        this.#wanting?.()
      })
    }
    stderr?.on('data', (chunk) => {
      this.#complaint = `${this.#complaint}${chunk}`.slice(-COMPLAINT)
    })
    const end = () => {
      this.#ended = true
      this.#wanting?.()
    }
    this.#child.once('close', end)
    this.#child.once('error', (error) => {
      this.#complaint = error.message
      end()
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** The next line. Rejects when the program ends before, or says nothing for so many milliseconds. */
  async line(patience = PATIENCE): Promise<string> {
    const deadline = performance.now() + patience
    while (this.#lines.length === 0) {
      if (this.#ended) throw new Error(`${this.name} ended: ${reasonIn(this.#complaint)}`)
      const left = deadline - performance.now()
      if (left <= 0) throw new Error(`${this.name} said nothing for ${patience / 1000} s; ${reasonIn(this.#complaint)}`)
      await this.#somethingOr(left)
    }
    return this.#lines.shift() as string
  }

  /** Waits for exactly this line. */
  async expect(expected: string): Promise<void> {
    const line = await this.line()
    if (line !== expected) throw new Error(`${this.name} said ${line} instead of ${expected}`)
  }

  /** The next line, which is JSON. */
  async json<T>(patience?: number): Promise<T> {
    return JSON.parse(await this.line(patience)) as T
  }

  /** Waits until it has said something like this on its standard error. */
  async complaint(expected: RegExp): Promise<void> {
    const deadline = performance.now() + PATIENCE
    while (!expected.test(this.#complaint)) {
      if (this.#ended || performance.now() > deadline) throw new Error(`${this.name}: ${reasonIn(this.#complaint)}`)
      await this.#somethingOr(100)
    }
  }

  /** Writes an empty line to it. */
  go(): void {
    this.#child.stdin?.write('\n')
  }

  /** Has it end by itself, as Ctrl-C does. */
  async interrupt(): Promise<void> {
    if (this.#ended) return
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGINT')
    await closed
  }

  /** Waits until it has ended by itself. */
  async ended(): Promise<void> {
    if (!this.#ended) await once(this.#child, 'close')
  }

  /** Ends it, even in the middle of something. */
  async stop(): Promise<void> {
    if (this.#ended) return
    const closed = once(this.#child, 'close')
    this.#child.kill('SIGKILL')
    await closed
  }

  #somethingOr(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds)
      this.#wanting = () => {
        clearTimeout(timer)
        this.#wanting = undefined
        resolve()
      }
    })
  }
}

/** The line of a complaint that says what is wrong: the error of a stack trace, or the last one. */
function reasonIn(complaint: string): string {
  const lines = complaint.trim().split('\n')
  return (lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1)) || 'it said nothing'
}
