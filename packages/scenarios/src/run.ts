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
  /** consumers have memory-mapped rings instead of plain sockets; `{}`: those of Linux 4.4 */
  readonly ring?: ScenarioRing | undefined
  /** the kernel, but for its seed, which is the scenario's */
  readonly kernel?: Omit<SimKernelOptions, 'seed'> | undefined
}

/** An expectation that was not met. */
export interface ScenarioFailure {
  /** which step, from 0, repetitions unfolded */
  readonly step: number
  readonly what: string
  readonly expected: Expected | boolean
  readonly actual: number | boolean
}

/** What came of a scenario. */
export interface ScenarioResult {
  readonly failures: readonly ScenarioFailure[]
  /** a line for each step: the time, the packets, and a sum over all bytes that anybody received. Equal for equal scenarios */
  readonly trace: readonly string[]
  /** as the scenario left it, its consumers closed */
  readonly kernel: SimKernel
}

/** Plays a scenario on a kernel of its own. Throws code `ARGUMENT` for one that makes no sense, `SYSTEM` for what the kernel refuses. */
export function runScenario(scenario: Scenario, options: ScenarioOptions = {}): ScenarioResult {
  const player = new ScenarioPlayer(scenario, options)
  for (const { step, seed } of scenarioSteps(scenario)) player.take(step, seed)
  player.close()
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

  take(step: AtomicStep, seed: number): void {
    this.#take(step, seed)
    for (const consumer of this.#consumers.values()) {
      if (consumer.running) consumer.drain(Number.POSITIVE_INFINITY)
    }
    const { clock, delivered, dropped } = this.kernel
    this.trace.push(`${step.kind} ${clock.now} ${delivered} ${JSON.stringify(dropped)} ${this.#sum}`)
  }

  close(): void {
    for (const consumer of this.#consumers.values()) consumer.close()
  }

  #take(taken: AtomicStep, seed: number): void {
    const { kernel } = this
    const seen = (memory: Memory, offset: number, length: number) => this.#add(memory.u8, offset, length)
    match(taken)
      .with({ kind: 'openQueue' }, (step) => this.#enter(step.consumer, new QueueConsumer(this.#open, step, seen)))
      .with({ kind: 'openLog' }, (step) => this.#enter(step.consumer, new LogConsumer(this.#open, step, seen)))
      .with({ kind: 'openSession' }, (step) => this.#enter(step.consumer, new DumpReader(this.#open, seen)))
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
        else if (!this.#database(table).delete(key)) throw senseless(`there is no row ${key}`)
      })
      .with({ kind: 'startDump' }, ({ consumer, table }) => {
        this.#database(table)
        this.#reader(consumer).start()
      })
      .with({ kind: 'readDump' }, ({ consumer, datagrams }) =>
        this.#reader(consumer).read(datagrams === 'all' ? Number.POSITIVE_INFINITY : datagrams),
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
    if (line === undefined) throw senseless(`nobody has queue ${number}`)
    return line
  }

  #expect(what: string, expected: Expected | undefined, actual = 0): void {
    if (expected !== undefined && !meetsExpectation(expected, actual)) this.#fail(what, expected, actual)
  }

  #fail(what: string, expected: Expected | boolean, actual: number | boolean): void {
    this.failures.push({ step: this.trace.length, what, expected, actual })
  }

  #enter(name: string, consumer: Consumer): void {
    if (this.#consumers.has(name)) throw senseless(`there are two consumers ${name}`)
    this.#consumers.set(name, consumer)
  }

  #run(name: string, running: boolean): void {
    this.#consumer(name).running = running
  }

  #consumer(name: string): Consumer {
    const consumer = this.#consumers.get(name)
    if (consumer === undefined) throw senseless(`there is no consumer ${name}`)
    return consumer
  }

  #reader(name: string): DumpReader {
    const consumer = this.#consumer(name)
    if (!(consumer instanceof DumpReader)) throw senseless(`${name} makes no requests`)
    return consumer
  }

  /** The kernel has one table, which the first step that fills one gives its name. */
  #database(table: string): SimKernel['database'] {
    if (table !== this.#table) throw senseless(`there is no table ${table}`)
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

function senseless(why: string): TransportError {
  return new TransportError('ARGUMENT', 'run scenario', why)
}
