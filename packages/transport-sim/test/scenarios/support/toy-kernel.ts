import { describePacket } from '../../../src/scenarios/describe.ts'
import { ScenarioRandom } from '../../../src/scenarios/random.ts'
import {
  type AtomicStep,
  type Expected,
  meetsExpectation,
  packetMatches,
  type Scenario,
  scenarioSteps,
  type VerdictPolicy,
} from '../../../src/scenarios/scenario.ts'
import { sourcePackets } from '../../../src/scenarios/sources.ts'

/** What Linux accounts for a small queue packet on its way to its socket (reference/netfilter.md). */
const BUFFER_PER_PACKET = 832
const ROWS_PER_DATAGRAM = 70

interface ToyQueue {
  owner: string
  verdict: VerdictPolicy
  maxLength: number
  failOpen: boolean
  bufferPackets: number
  waiting: number[]
  delivered: number[]
  congested: boolean
  queueDropped: number
  userDropped: number
  lastId: number
}

interface ToyLog {
  owner: string
  threshold: number
  timeout: bigint
  pending: number
  due: bigint | undefined
}

interface ToyConsumer {
  running: boolean
  received: number
  overruns: number
  dump: { keys: number[]; generation: number; interrupted: boolean; rows: number; table: string } | undefined
}

/**
 * Counts of a kernel and nothing else: enough to hold the expectations of the named scenarios against arithmetic that shares nothing with
 * the simulated kernel. Returns one line for each expectation that is not met, and a trace.
 */
export function playScenario(scenario: Scenario): { failures: string[]; trace: string[] } {
  const kernel = new ToyKernel(scenario)
  for (const { step, seed } of scenarioSteps(scenario)) kernel.take(step, seed)
  return kernel
}

class ToyKernel {
  readonly failures: string[] = []
  readonly trace: string[] = []
  readonly #scenario: Scenario
  readonly #queues = new Map<number, ToyQueue>()
  readonly #logs = new Map<number, ToyLog>()
  readonly #consumers = new Map<string, ToyConsumer>()
  readonly #tables = new Map<string, { rows: Map<number, string>; generation: number }>()
  #now = 0n
  #accepted = 0
  #dropped = 0

  constructor(scenario: Scenario) {
    this.#scenario = scenario
  }

  take(step: AtomicStep, seed: number): void {
    this.#take(step, seed)
    for (const [name, { running }] of this.#consumers) if (running) this.#drain(name, Number.POSITIVE_INFINITY)
    this.trace.push(`${step.kind} ${this.#now} ${this.#accepted} ${this.#dropped}`)
  }

  #take(step: AtomicStep, seed: number): void {
    switch (step.kind) {
      case 'openQueue': {
        if (this.#queues.has(step.number)) throw new Error(`queue ${step.number} is taken`)
        const { consumer: owner, verdict, maxLength = 1024, failOpen = false, receiveBufferSize } = step
        this.#consumer(owner)
        this.#queues.set(step.number, {
          owner,
          verdict,
          maxLength,
          failOpen,
          bufferPackets:
            receiveBufferSize === undefined ? Number.POSITIVE_INFINITY : receiveBufferSize / BUFFER_PER_PACKET,
          waiting: [],
          delivered: [],
          congested: false,
          queueDropped: 0,
          userDropped: 0,
          lastId: 0,
        })
        return
      }
      case 'openLog': {
        const { consumer: owner, threshold = 1, timeout = 1000 } = step
        this.#consumer(owner)
        this.#logs.set(step.group, {
          owner,
          threshold,
          timeout: BigInt(timeout) * 1_000_000n,
          pending: 0,
          due: undefined,
        })
        return
      }
      case 'openSession':
        this.#consumer(step.consumer)
        return
      case 'pause':
      case 'resume':
        this.#known(step.consumer).running = step.kind === 'resume'
        return
      case 'close':
        this.#close(step.consumer)
        return
      case 'consume':
        if (this.#known(step.consumer).running) throw new Error(`${step.consumer} is running`)
        this.#drain(step.consumer, step.packets)
        return
      case 'inject': {
        const start = this.#now
        for (const { packet, at } of sourcePackets(step.source, seed)) {
          this.#advanceTo(start + at)
          this.#inject(packet)
        }
        return
      }
      case 'advance':
        this.#advanceTo(this.#now + BigInt(Math.round(step.milliseconds * 1e6)))
        return
      case 'fillTable': {
        const random = new ScenarioRandom(seed)
        const rows = Array.from({ length: step.rows }, (_, key) => [key, random.bytes(step.rowLength).join()] as const)
        this.#tables.set(step.table, { rows: new Map(rows), generation: 0 })
        return
      }
      case 'changeRow': {
        const table = this.#table(step.table)
        if (step.value === undefined && !table.rows.delete(step.key)) throw new Error(`no row ${step.key}`)
        if (step.value !== undefined) table.rows.set(step.key, step.value)
        table.generation++
        return
      }
      case 'startDump': {
        const { rows, generation } = this.#table(step.table)
        const dump = { keys: [...rows.keys()], generation, interrupted: false, rows: 0, table: step.table }
        this.#known(step.consumer).dump = dump
        return
      }
      case 'readDump':
        this.#readDump(step.consumer, step.datagrams === 'all' ? Number.POSITIVE_INFINITY : step.datagrams)
        return
      case 'expectQueue': {
        const queue = this.#queues.get(step.number)
        if (queue === undefined) throw new Error(`no queue ${step.number}`)
        this.#expect('waiting', step.waiting, queue.waiting.length)
        this.#expect('queueDropped', step.queueDropped, queue.queueDropped)
        this.#expect('userDropped', step.userDropped, queue.userDropped)
        this.#expect('lastId', step.lastId, queue.lastId)
        return
      }
      case 'expectReceived': {
        const consumers = step.consumers.map((name) => this.#known(name))
        const sum = (count: (consumer: ToyConsumer) => number) =>
          consumers.reduce((total, each) => total + count(each), 0)
        this.#expect(
          `packets of ${step.consumers[0]}`,
          step.packets,
          sum(({ received }) => received),
        )
        this.#expect(
          'overruns',
          step.overruns ?? 0,
          sum(({ overruns }) => overruns),
        )
        return
      }
      case 'expectPath':
        this.#expect('accepted', step.accepted, this.#accepted)
        this.#expect('dropped', step.dropped, this.#dropped)
        return
      case 'expectDump': {
        const dump = this.#known(step.consumer).dump
        this.#expect('rows', step.rows, dump?.rows ?? -1)
        if (dump?.interrupted !== step.interrupted) this.failures.push(`interrupted: ${dump?.interrupted}`)
        return
      }
    }
  }

  #inject(packet: Uint8Array): void {
    for (const rule of this.#scenario.rules) {
      if (!packetMatches(rule.match, packet)) continue
      if (rule.kind === 'accept') break
      if (rule.kind === 'drop') {
        this.#dropped++
        return
      }
      if (rule.kind === 'log') {
        this.#log(rule.group)
        continue
      }
      const queue = this.#queues.get(rule.number + (flowOf(packet) % ((rule.through ?? rule.number) - rule.number + 1)))
      if (queue !== undefined) {
        this.#enqueue(queue)
        return
      }
      if (rule.bypass === true) continue
      this.#dropped++
      return
    }
    this.#accepted++
  }

  #enqueue(queue: ToyQueue): void {
    if (queue.waiting.length >= queue.maxLength) {
      if (queue.failOpen) this.#accepted++
      else {
        queue.queueDropped++
        this.#dropped++
      }
      return
    }
    queue.lastId++
    if (queue.delivered.length >= queue.bufferPackets) {
      if (!queue.congested) this.#known(queue.owner).overruns++
      queue.congested = true
      queue.userDropped++
      this.#dropped++
      return
    }
    queue.waiting.push(queue.lastId)
    queue.delivered.push(queue.lastId)
  }

  #log(group: number): void {
    const log = this.#logs.get(group)
    if (log === undefined) return
    log.pending++
    log.due ??= this.#now + log.timeout
    if (log.pending >= log.threshold) this.#flush(log)
  }

  #flush(log: ToyLog): void {
    this.#known(log.owner).received += log.pending
    log.pending = 0
    log.due = undefined
  }

  #drain(name: string, packets: number): void {
    let left = packets
    for (const queue of this.#queues.values()) {
      if (queue.owner !== name) continue
      while (left > 0 && queue.delivered.length > 0) {
        const id = queue.delivered.shift() as number
        queue.waiting.splice(queue.waiting.indexOf(id), 1)
        this.#known(name).received++
        if (queue.verdict === 'drop' || (queue.verdict === 'alternate' && id % 2 === 0)) this.#dropped++
        else this.#accepted++
        left--
      }
      if (queue.delivered.length === 0) queue.congested = false
    }
  }

  #close(name: string): void {
    this.#known(name).running = false
    for (const [number, { owner, waiting }] of this.#queues) {
      if (owner !== name) continue
      this.#dropped += waiting.length
      this.#queues.delete(number)
    }
  }

  #readDump(name: string, datagrams: number): void {
    const dump = this.#known(name).dump
    if (dump === undefined) throw new Error('no dump')
    const { rows, generation } = this.#table(dump.table)
    for (let count = 0; count < datagrams && dump.keys.length > 0; count++) {
      if (generation !== dump.generation) dump.interrupted = true
      dump.rows += dump.keys.splice(0, ROWS_PER_DATAGRAM).filter((key) => rows.has(key)).length
    }
  }

  #advanceTo(at: bigint): void {
    if (at < this.#now) throw new Error('time goes backwards')
    this.#now = at
    for (const log of this.#logs.values()) if (log.due !== undefined && log.due <= at) this.#flush(log)
  }

  #consumer(name: string): void {
    if (this.#consumers.has(name)) throw new Error(`${name} is open`)
    this.#consumers.set(name, { running: true, received: 0, overruns: 0, dump: undefined })
  }

  #known(name: string): ToyConsumer {
    const consumer = this.#consumers.get(name)
    if (consumer === undefined) throw new Error(`no consumer ${name}`)
    return consumer
  }

  #table(name: string) {
    const table = this.#tables.get(name)
    if (table === undefined) throw new Error(`no table ${name}`)
    return table
  }

  #expect(what: string, expected: Expected | undefined, actual: number): void {
    if (expected === undefined || meetsExpectation(expected, actual)) return
    this.failures.push(`step ${this.trace.length}, ${what}: ${expected} expected, ${actual} counted`)
  }
}

function flowOf(packet: Uint8Array): number {
  const described = describePacket(packet)
  return 'sourcePort' in described ? described.sourcePort ^ described.destinationPort : 0
}
