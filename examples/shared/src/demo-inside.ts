// The part of the demos inside their namespace: runs an example in one process and the sender in another.
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { isNetlinkError } from 'ringlink'
import { deadline } from './patience.ts'

/** An object that an example prints with --json. */
export interface ExampleEvent {
  readonly event: string
}

/** An example, as a process of its own, and what it says line by line. */
export class ExampleProgram<Summary extends ExampleEvent> {
  #child: ChildProcess
  #exited: Promise<unknown>
  #isOpen: Promise<void>
  #diedEarly: Promise<never>
  #summary: Summary | undefined

  /** @param onEvent called for every event except the first, `open`, and the last, `summary` */
  constructor(program: string, args: readonly string[], signal: AbortSignal, onEvent: (event: ExampleEvent) => void) {
    const limit = ['--json', '--seconds', `${deadline()}`]
    const child = spawn(process.execPath, [program, ...args, ...limit], {
      stdio: ['ignore', 'pipe', 'inherit'],
      signal,
    })
    this.#child = child
    this.#exited = once(child, 'close')
    this.#diedEarly = new Promise((_, reject) => {
      child.once('error', reject)
      child.once('close', (code, name) => reject(new Error(`the example ended early: ${code ?? name}`)))
    })
    this.#isOpen = new Promise((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const event = JSON.parse(line) as ExampleEvent
        if (event.event === 'open') resolve()
        else if (event.event === 'summary') this.#summary = event as Summary
        else onEvent(event)
      })
    })
    // Each is awaited at its time, and may have failed before.
    this.#exited.catch(() => {})
    this.#diedEarly.catch(() => {})
  }

  /** Resolves when its queue or its log is its own. */
  open(): Promise<void> {
    return this.during(this.#isOpen)
  }

  /** Waits for something that cannot happen without this program. */
  during<Value>(work: Promise<Value>): Promise<Value> {
    return Promise.race([work, this.#diedEarly])
  }

  /** Asks it to end, as Ctrl-C does; what it has done. */
  async end(): Promise<Summary> {
    this.#child.kill('SIGINT')
    await this.#exited
    if (this.#summary === undefined) throw new Error('the example ended without a summary')
    return this.#summary
  }
}

/** Runs the sender of the demo's traffic until it has reported. */
export async function runSender<Report>(program: string, signal: AbortSignal): Promise<Report> {
  const child = fork(program, { signal })
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', (code, name) => reject(new Error(`the sender ended without a report: ${code ?? name}`)))
  })
  const reported = new Promise<Report>((resolve) => {
    child.once('message', (message) => resolve(message as Report))
  })
  return Promise.race([reported, ended])
}

export function progress(text: string): void {
  process.stderr.write(`demo: ${text}\n`)
}

/** The result of a demo: its output, and the failed checks. */
export interface DemoOutcome {
  readonly text: string
  readonly failures: readonly string[]
}

/** Runs what the arguments of demo-outside.ts ask for, and sets the exit code. */
export async function runDemonstration(
  demonstrate: (transport: string, wantsJson: boolean, signal: AbortSignal) => Promise<DemoOutcome>,
): Promise<void> {
  const [transport = 'socket', format] = process.argv.slice(2)
  // Stops everything that still runs at the deadline, or when the process is stopped.
  const abort = new AbortController()
  const seconds = deadline()
  const timer = setTimeout(() => abort.abort(`it is not done after ${seconds} s`), seconds * 1000)
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => abort.abort(`ended by ${name}`))
  try {
    const { text, failures } = await demonstrate(transport, format === 'json', abort.signal)
    for (const failure of failures) progress(`FAILED: ${failure}`)
    process.stdout.write(`${text}\n`)
    process.exitCode = failures.length === 0 ? 0 : 1
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    progress(abort.signal.aborted ? String(abort.signal.reason) : text)
    process.exitCode = isNetlinkError(error, 'RULES_UNSUPPORTED') ? 3 : 1
  } finally {
    abort.abort()
    clearTimeout(timer)
  }
}
