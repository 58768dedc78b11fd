// The demo itself, inside the namespace that main.ts has made for it.
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type DemoOutcome, progress, runDemonstration } from '@ringlink/example-shared/demo-inside'
import { raiseLoopback } from '@ringlink/example-shared/loopback'
import { createStream, readStream } from '@ringlink/transport-nats'
import {
  type ConsumerReport,
  type HostAnswer,
  type HostCommand,
  type HostReport,
  PLANS,
  type Plan,
  SERVER,
  STREAM,
  STREAM_BYTES,
} from './protocol.ts'
import { countRanges } from './ranges.ts'
import { formatResult } from './result.ts'
import { DemoServer, MissingServer } from './server.ts'

/** Milliseconds between two questions how far the consumers are. */
const LOOK = 100
/** Questions before more is sent, because a consumer has got nothing. */
const LOOKS = 3

/** A process of the demo, and what it says. */
class Program {
  readonly name: string
  readonly #child: ChildProcess
  readonly #ended: Promise<never>

  constructor(name: string, file: string, words: readonly string[], signal: AbortSignal) {
    this.name = name
    this.#child = fork(fileURLToPath(new URL(file, import.meta.url)), words, { signal })
    // When the demo ends early, it is aborted.
    this.#ended = new Promise((_, reject) => {
      this.#child.once('error', reject)
      this.#child.once('exit', (code, by) => reject(new Error(`${name} ended early: ${code ?? by}`)))
    })
    this.#ended.catch(() => {})
  }

  /** What it says next; rejects when it ends, or reports a problem. */
  async next<Answer>(): Promise<Answer> {
    const answer = new Promise<unknown>((resolve) => {
      this.#child.once('message', resolve)
    })
    const message = await Promise.race([answer, this.#ended])
    if (typeof message === 'object' && message !== null && 'problem' in message)
      throw new Error(String(message.problem))
    return message as Answer
  }

  ask<Answer>(question: HostCommand | string): Promise<Answer> {
    const answer = this.next<Answer>()
    this.#child.send(question)
    return answer
  }

  end(): void {
    if (this.#child.connected) this.#child.disconnect()
  }
}

async function demonstrate(size: string, wantsJson: boolean, signal: AbortSignal): Promise<DemoOutcome> {
  const plan = PLANS[size] as Plan
  await raiseLoopback(65_536)
  await using server = await DemoServer.open()
  await createStream({ servers: SERVER, stream: STREAM, maximumBytes: STREAM_BYTES })
  const hosts = Object.entries(plan.buffers).map(
    ([name, buffer]) => new Program(name, 'host.js', [name, `${buffer}`], signal),
  )
  const consumers = ['first', 'second'].map((name) => new Program(`the ${name} consumer`, 'consumer.js', [], signal))
  try {
    await Promise.all([...hosts, ...consumers].map((program) => program.next()))
    progress('three hosts log and publish, two programs share the work')
    const start = performance.now()
    const send = () => Promise.all(hosts.map((host) => host.ask<HostAnswer>({ send: plan.perPart })))
    await send()
    // After the server was killed, the first program that is back may take all that is left.
    while (!(await allWork(consumers))) await send()
    for (let kill = 1; kill <= plan.kills; kill++) {
      const sending = send()
      await server.kill()
      progress(`the server was killed while they send${kill > 1 ? ', again' : ''}`)
      await sending
      await send()
      await server.start()
      await Promise.all(hosts.map((host) => reconnected(host, kill)))
      progress('the server is back, and all hosts have found it')
    }
    await send()
    const reports = await Promise.all(
      hosts.map(async (host) => ({
        name: host.name,
        ...(await host.ask<{ report: HostReport }>({ finish: true })).report,
      })),
    )
    progress('all hosts have finished')
    const stored = reports.reduce((sum, { stats }) => sum + stats.storedMessages, 0)
    const dropped = reports.reduce((sum, { stats }) => sum + stats.droppedMessages, 0)
    const consumed = await allConsumed(consumers, stored, dropped)
    const seconds = Math.round(performance.now() - start) / 1000
    const stream = await readStream({ servers: SERVER, stream: STREAM })
    return formatResult(
      { hosts: reports, consumers: consumed, streamMessages: stream.messages, seconds, plan },
      wantsJson,
    )
  } finally {
    for (const program of [...hosts, ...consumers]) program.end()
  }
}

/** Whether each consumer gets some of what is sent; false if one had nothing for a while. */
async function allWork(consumers: readonly Program[]): Promise<boolean> {
  for (let looks = 0; looks < LOOKS; looks++) {
    const reports = await Promise.all(consumers.map((consumer) => consumer.ask<ConsumerReport>('report')))
    if (reports.every(({ records }) => records > 0)) return true
    await look()
  }
  return false
}

async function reconnected(host: Program, times: number): Promise<void> {
  while ((await host.ask<{ reconnects: number }>({ reconnects: true })).reconnects < times) await look()
}

function look(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK))
}

/**
 * Waits until the consumers together have seen as many records as are stored, and know what was dropped, and ends them.
 * What a host dropped in the end is told by a message without records, which comes last.
 */
async function allConsumed(consumers: readonly Program[], stored: number, dropped: number): Promise<ConsumerReport[]> {
  for (;;) {
    const reports = await Promise.all(consumers.map((consumer) => consumer.ask<ConsumerReport>('report')))
    if (distinctOf(reports) >= stored && toldTo(reports) >= dropped) break
    await look()
  }
  return Promise.all(consumers.map((consumer) => consumer.ask<ConsumerReport>('end')))
}

function toldTo(reports: readonly ConsumerReport[]): number {
  return reports.flatMap((report) => Object.values(report.dropped)).reduce((sum, count) => sum + count, 0)
}

function distinctOf(reports: readonly ConsumerReport[]): number {
  const hosts = new Set(reports.flatMap(({ ranges }) => Object.keys(ranges)))
  return [...hosts].reduce(
    (sum, host) => sum + countRanges(reports.flatMap(({ ranges }) => ranges[host] ?? [])).distinct,
    0,
  )
}

await runDemonstration(async (size, wantsJson, signal) => {
  try {
    return await demonstrate(size, wantsJson, signal)
  } catch (error) {
    if (error instanceof MissingServer) {
      progress(error.message)
      process.exit(3)
    }
    throw error
  }
})
