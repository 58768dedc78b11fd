import { Family, Hook, type Memory } from '@ringlink/codec'
import { TransportError } from '@ringlink/transport'
import { Random } from '@ringlink/transport/faults'
import type { Rule } from '@ringlink/transport-sim'
import { SimKernel, type SimKernelOptions } from '@ringlink/transport-sim'
import { match } from 'ts-pattern'
import {
  type Consumer,
  DumpReader,
  LogConsumer,
  type OpenConsumer,
  openConsumer,
  QueueConsumer,
  type ScenarioRing,
} from './consumer.ts'
import { randomBytes } from './random.ts'
import {
  type AtomicStep,
  type Expected,
  type ExpectQueueStep,
  type InjectStep,
  meetsExpectation,
  type PacketMatch,
  type Scenario,
  type ScenarioRule,
  scenarioSteps,
} from './scenario.ts'
import { sourcePackets } from './sources.ts'

export interface ScenarioOptions {
  /** consumers have memory-mapped rings instead of plain sockets; `{}`: as in Linux 4.4 */
  readonly ring?: ScenarioRing | undefined
  /** options of the kernel, except its seed, which is the scenario's */
  readonly kernel?: Omit<SimKernelOptions, 'seed'> | undefined
}

/** An expectation that was not met. */
export interface ScenarioFailure {
  /** index of the step, from 0, with repetitions unfolded */
  readonly step: number
  readonly what: string
  readonly expected: Expected | boolean
  readonly actual: number | boolean
}

/** The outcome of a scenario. */
export interface ScenarioResult {
  readonly failures: readonly ScenarioFailure[]
  /**
   * a line for each step: the time, the packets, and a sum over all bytes that any consumer received. Equal for equal
   * scenarios
   */
  readonly trace: readonly string[]
  /** as the scenario left it, its consumers closed */
  readonly kernel: SimKernel
}

/**
 * Plays a scenario on a kernel of its own. Rejects with code `ARGUMENT` for an invalid scenario, and as the client does
 * when the kernel refuses a step.
 */
export async function runScenario(scenario: Scenario, options: ScenarioOptions = {}): Promise<ScenarioResult> {
  const player = new ScenarioPlayer(scenario, options)
  try {
    for (const { step, seed } of scenarioSteps(scenario)) await player.take(step, seed)
  } finally {
    await player.close()
  }
  return player
}

class ScenarioPlayer implements ScenarioResult {
  readonly failures: ScenarioFailure[] = []
  readonly trace: string[] = []
  readonly kernel: SimKernel
  #consumers = new Map<string, Consumer>()
  #open: OpenConsumer
  #table: string | undefined
  #sum = 0

  constructor(scenario: Scenario, { ring, kernel }: ScenarioOptions) {
    this.kernel = new SimKernel({ ...kernel, seed: scenario.seed })
    this.#open = openConsumer(this.kernel, ring)
    for (let hook: number = Hook.Prerouting; hook <= Hook.Postrouting; hook++) {
      for (const rule of scenario.rules) this.kernel.addRule(kernelRule(rule, hook))
    }
    this.kernel.onDelivered(({ bytes }) => this.#add(bytes, 0, bytes.length))
  }

  async take(step: AtomicStep, seed: number): Promise<void> {
    await this.#take(step, seed)
    for (const consumer of this.#consumers.values()) {
      if (consumer.running) consumer.drain(Number.POSITIVE_INFINITY)
    }
    const { clock, delivered, dropped } = this.kernel
    this.trace.push(`${step.kind} ${clock.now} ${delivered} ${JSON.stringify(dropped)} ${this.#sum}`)
  }

  async close(): Promise<void> {
    for (const consumer of this.#consumers.values()) await consumer.close()
  }

  #take(taken: AtomicStep, seed: number): void | Promise<void> {
    const { kernel } = this
    const seen = (memory: Memory, offset: number, length: number) => this.#add(memory.u8, offset, length)
    return match<AtomicStep, void | Promise<void>>(taken)
      .with({ kind: 'openQueue' }, (step) =>
        this.#enter(step.consumer, () => QueueConsumer.open(this.#open, step, seen)),
      )
      .with({ kind: 'openLog' }, (step) => this.#enter(step.consumer, () => LogConsumer.open(this.#open, step, seen)))
      .with({ kind: 'openSession' }, (step) => this.#enter(step.consumer, () => DumpReader.open(this.#open, seen)))
      .with({ kind: 'pause' }, ({ consumer }) => this.#run(consumer, false))
      .with({ kind: 'resume' }, ({ consumer }) => this.#run(consumer, true))
      .with({ kind: 'close' }, ({ consumer }) => this.#consumer(consumer).close())
      .with({ kind: 'consume' }, ({ consumer, packets }) => this.#consumer(consumer).drain(packets))
      .with({ kind: 'inject' }, (step) => this.#inject(step, seed))
      .with({ kind: 'advance' }, ({ milliseconds }) => kernel.clock.advance(milliseconds))
      .with({ kind: 'fillTable' }, ({ table, rows, rowLength }) => {
        this.#table ??= table
        const random = new Random(seed)
        for (let key = 0; key < rows; key++) this.#database(table).set(key, randomBytes(random, rowLength))
      })
      .with({ kind: 'changeRow' }, ({ table, key, value }) => {
        if (value !== undefined) this.#database(table).set(key, new TextEncoder().encode(value))
        else if (!this.#database(table).delete(key)) throw invalid(`table '${table}' has no row ${key} to remove`)
      })
      .with({ kind: 'startDump' }, ({ consumer, table }) => {
        this.#database(table)
        return this.#reader(consumer).start()
      })
      .with({ kind: 'readDump' }, ({ consumer, rows }) =>
        this.#reader(consumer).read(rows === 'all' ? Number.POSITIVE_INFINITY : rows),
      )
      .with({ kind: 'expectQueue' }, (step) => this.#expectQueue(step))
      .with({ kind: 'expectReceived' }, ({ consumers, packets, overruns = 0 }) => {
        const all = consumers.map((name) => this.#consumer(name))
        const total = (count: (consumer: Consumer) => number) => all.reduce((sum, it) => sum + count(it), 0)
        this.#expect(
          'packets received',
          packets,
          total((it) => it.received),
        )
        this.#expect(
          'overruns',
          overruns,
          total((it) => it.overruns),
        )
      })
      .with({ kind: 'expectPath' }, ({ accepted, dropped }) => {
        this.#expect('accepted', accepted, kernel.delivered)
        this.#expect(
          'dropped',
          dropped,
          Object.values(kernel.dropped).reduce((sum, count) => sum + count, 0),
        )
      })
      .with({ kind: 'expectDump' }, ({ consumer, interrupted, rows }) => {
        const reader = this.#reader(consumer)
        this.#expect('rows', rows, reader.rows)
        if (reader.interrupted !== interrupted) this.#fail('interrupted', interrupted, reader.interrupted)
      })
      .exhaustive()
  }

  #inject({ source, kind: _, ...meta }: InjectStep, seed: number): void {
    const { clock } = this.kernel
    const start = clock.now
    for (const { packet, at } of sourcePackets(source, seed)) {
      clock.advance(Math.max(0, start + Number(at) / 1e6 - clock.now))
      this.kernel.inject(packet, { ...meta, borrowed: true })
    }
  }

  #expectQueue({ number, waiting, queueDropped, userDropped, lastId }: ExpectQueueStep): void {
    const columns = this.#queueLine(number)
    this.#expect('waiting', waiting, columns[2])
    this.#expect('queueDropped', queueDropped, columns[5])
    this.#expect('userDropped', userDropped, columns[6])
    this.#expect('lastId', lastId, columns[7])
  }

  #queueLine(number: number): readonly number[] {
    const text = this.kernel.readProcNet('netfilter/nfnetlink_queue') ?? ''
    const lines = text.split('\n').map((line) => line.trim().split(/\s+/).map(Number))
    const line = lines.find(([first, owner]) => first === number && owner !== undefined)
    if (line === undefined) throw invalid(`no consumer has bound queue ${number}`)
    return line
  }

  #expect(what: string, expected: Expected | undefined, actual = 0): void {
    if (expected !== undefined && !meetsExpectation(expected, actual)) this.#fail(what, expected, actual)
  }

  #fail(what: string, expected: Expected | boolean, actual: number | boolean): void {
    this.failures.push({ step: this.trace.length, what, expected, actual })
  }

  async #enter(name: string, open: () => Promise<Consumer>): Promise<void> {
    if (this.#consumers.has(name)) throw invalid(`the name of consumer '${name}' is already taken`)
    this.#consumers.set(name, await open())
  }

  #run(name: string, running: boolean): void {
    this.#consumer(name).running = running
  }

  #consumer(name: string): Consumer {
    const consumer = this.#consumers.get(name)
    if (consumer === undefined) throw invalid(`no step opened consumer '${name}'`)
    return consumer
  }

  #reader(name: string): DumpReader {
    const consumer = this.#consumer(name)
    if (!(consumer instanceof DumpReader))
      throw invalid(`consumer '${name}' is not a session: only openSession makes one that dumps`)
    return consumer
  }

  /** The kernel has one table, named by the first step that fills one. */
  #database(table: string): SimKernel['database'] {
    if (table !== this.#table) throw invalid(`no step filled table '${table}'`)
    return this.kernel.database
  }

  #add(bytes: Uint8Array, offset: number, length: number): void {
    let sum = this.#sum ^ length
    for (let at = offset; at < offset + length; at++) sum = Math.imul(sum ^ (bytes[at] as number), 0x01000193)
    this.#sum = sum
  }
}

function kernelRule(rule: ScenarioRule, hook: number): Rule {
  const base = { hook, match: kernelMatch(rule.match) }
  return match(rule)
    .returnType<Rule>()
    .with({ kind: 'queue' }, ({ number, through, bypass }) => ({
      ...base,
      queue: through === undefined ? number : { from: number, to: through },
      bypass,
    }))
    .with({ kind: 'log' }, ({ group, prefix }) => ({ ...base, log: { group, prefix } }))
    .with({ kind: 'accept' }, { kind: 'drop' }, ({ kind }) => ({ ...base, verdict: kind }))
    .exhaustive()
}

function kernelMatch({ version, protocol }: PacketMatch = {}): Rule['match'] {
  const family = version === undefined ? undefined : version === 4 ? Family.Ipv4 : Family.Ipv6
  return { family, protocol }
}

function invalid(why: string): TransportError {
  return new TransportError('ARGUMENT', 'run scenario', why)
}
