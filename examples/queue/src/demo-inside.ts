// The demo itself, inside the namespace that demo.ts has made for it.
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { installRules, MissingError, readRuleCounters } from './demo-firewall.ts'
import { Receiver } from './demo-receiver.ts'
import { type DemoResult, formatResult, type QueueSummary } from './demo-result.ts'
import { FILTERS, type SenderReport } from './demo-traffic.ts'
import { raiseLoopback } from './loopback.ts'
import { whole } from './summary.ts'

const QUEUE_NUMBER = 0
/** seconds after which whatever still runs is ended */
const DEADLINE = 12

/** The queue example, as a process of its own, and what it says line by line. */
class QueueProgram {
  #child: ChildProcess
  #exited: Promise<unknown>
  #isOpen: Promise<void>
  #diedEarly: Promise<never>
  #summary: QueueSummary | undefined

  constructor(transport: string, signal: AbortSignal) {
    const words = ['--queue', `${QUEUE_NUMBER}`, '--transport', transport, '--gso', '--max-length', '8192', '--json']
    const limit = ['--seconds', `${DEADLINE}`]
    const filters = FILTERS.flatMap((filter) => ['--drop', filter])
    const program = fileURLToPath(new URL('./main.js', import.meta.url))
    const child = spawn(process.execPath, [program, ...words, ...limit, ...filters], {
      stdio: ['ignore', 'pipe', 'inherit'],
      signal,
    })
    this.#child = child
    this.#exited = once(child, 'close')
    this.#diedEarly = new Promise((_, reject) => {
      child.once('error', reject)
      child.once('close', (code, name) => reject(new Error(`the queue program ended early: ${code ?? name}`)))
    })
    this.#isOpen = new Promise((resolve) => {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const message: unknown = JSON.parse(line)
        if (isEvent(message, 'open')) resolve()
        else if (isEvent(message, 'rate')) progress(`${whole(message.packets)} packets answered`)
        else if (isEvent(message, 'summary')) this.#summary = message
      })
    })
    // Each is awaited at its time, and may have failed before.
    this.#exited.catch(() => {})
    this.#diedEarly.catch(() => {})
  }

  /** Resolves when the queue is its own. */
  open(): Promise<void> {
    return this.during(this.#isOpen)
  }

  /** Waits for something that cannot happen without this program. */
  during<Value>(work: Promise<Value>): Promise<Value> {
    return Promise.race([work, this.#diedEarly])
  }

  /** Asks it to end, as Ctrl-C does; what it has done. */
  async end(): Promise<QueueSummary> {
    this.#child.kill('SIGINT')
    await this.#exited
    if (this.#summary === undefined) throw new Error('the queue program ended without a summary')
    return this.#summary
  }
}

function isEvent(message: unknown, event: string): message is QueueSummary {
  return typeof message === 'object' && message !== null && 'event' in message && message.event === event
}

async function sendTraffic(signal: AbortSignal): Promise<SenderReport> {
  const child = fork(fileURLToPath(new URL('./demo-sender.js', import.meta.url)), { signal })
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', (code, name) => reject(new Error(`the sender ended without a report: ${code ?? name}`)))
  })
  const reported = new Promise<SenderReport>((resolve) => {
    child.once('message', (message) => resolve(message as SenderReport))
  })
  return Promise.race([reported, ended])
}

async function demonstrate(transport: string, signal: AbortSignal): Promise<DemoResult> {
  progress('lo comes up, the rules are made')
  await raiseLoopback(1500)
  installRules(QUEUE_NUMBER)
  await using receiver = await Receiver.open()
  const program = new QueueProgram(transport, signal)
  await program.open()
  progress('the queue is open, traffic starts')
  const start = performance.now()
  const sender = await program.during(sendTraffic(signal))
  const seconds = Math.round(performance.now() - start) / 1000
  const queue = await program.end()
  const { datagrams, forbidden, repeated, tcpBytes } = receiver
  return {
    transport: queue.transport,
    seconds,
    queue,
    sender,
    counters: readRuleCounters(),
    receiver: { datagrams, forbidden, repeated, tcpBytes },
  }
}

function progress(text: string): void {
  process.stderr.write(`demo: ${text}\n`)
}

async function main(transport: string, wantsJson: boolean): Promise<number> {
  // What still runs at the deadline, or when we are told to end, is ended with it.
  const abort = new AbortController()
  const deadline = setTimeout(() => abort.abort(`it is not done after ${DEADLINE} s`), DEADLINE * 1000)
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => abort.abort(`ended by ${name}`))
  try {
    const { text, failures } = formatResult(await demonstrate(transport, abort.signal), wantsJson)
    for (const failure of failures) progress(`FAILED: ${failure}`)
    process.stdout.write(`${text}\n`)
    return failures.length === 0 ? 0 : 1
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    progress(abort.signal.aborted ? String(abort.signal.reason) : text)
    return error instanceof MissingError ? 3 : 1
  } finally {
    abort.abort()
    clearTimeout(deadline)
  }
}

const [transport = 'socket', format] = process.argv.slice(2)
process.exitCode = await main(transport, format === 'json')
