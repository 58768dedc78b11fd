import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseQueueCounters, type QueueCounters } from '@ringlink/client'
import type { Experiment, Outcome, Settings } from './experiment.ts'
import type { HandlerReport } from './handlers/pace.ts'
import type { HandlerArguments } from './implementations.ts'
import { type Implementation, implementationOf, movedTo } from './implementations.ts'
import { type Load, loadBetween, markLoad } from './machine-load.ts'
import { BUILD } from './paths.ts'
import type { Peers } from './peers.ts'
import { Program } from './program.ts'
import type { Contender, Workload } from './workload.ts'

/** Packets in flight, so that batches are as they will be: of a drain, full, and never more than a queue holds. */
const WARM_WINDOW = { drain: 16_384, flood: 1024, latency: 64, tcp: 0 } as const
/** Packets that are sent at a time where none comes back that would hold the sender up: a queue holds them. */
const WARM_LOAD = 40_000
/** Milliseconds between two looks whether the handler has answered them, and how often is looked. */
const LOOK = 5
const LOOKS = 6000
/**
 * How many times as many packets warm a handler in JavaScript before a drain, which lasts 0.2 s: with as many as C has,
 * V8's optimizing compiler had 8 % of its samples, and other packets were answered by slower code.
 */
const DRAIN_WARMTH = 3
/** Seconds for which traffic continues after the handler's window. */
const TAIL = 0.3
/** Seconds of a TCP connection that are not measured: it grows, and the handler is warmed by it. */
const TCP_SKIP = 0.5
/** The CPU that handler and sender share when latency is measured. */
const SHARED_CPU = 1

/** The output of the sender; the members depend on its mode. */
interface SenderReport {
  readonly sent?: number
  readonly received?: number
  readonly p50?: number
  readonly p99?: number
  readonly p999?: number
  readonly bytes?: number
  readonly seconds?: number
}

/** A workload over packet queues as something that can be measured. */
export function queueExperiment(workload: Workload, peers: Peers): Experiment {
  const { name, group, title, unit, better } = workload
  const find = (contenderName: string): Contender => {
    const contender = workload.contenders.find((candidate) => candidate.name === contenderName)
    if (contender === undefined) throw new Error(`${contenderName} is not a contender of ${name}`)
    return contender
  }
  return {
    name,
    group,
    title,
    unit,
    better,
    contenders: workload.contenders.map((contender) => contender.name),
    obstacle: (contender) => obstacleOf(workload, implementationOf(find(contender).implementation), peers),
    run: (contender, settings) => new QueueRun(workload, find(contender), settings).run(),
  }
}

function obstacleOf({ traffic }: Workload, implementation: Implementation, peers: Peers): string | undefined {
  const { peer, longestQueue } = implementation
  if (peer !== undefined && peers.obstacles.has(peer)) return peers.obstacles.get(peer)
  if (traffic.kind === 'drain' && longestQueue !== undefined && traffic.count > longestQueue) {
    return `it has no way to a queue of more than ${longestQueue} packets`
  }
  return undefined
}

/** One run: a handler, a sender, and what both say. */
class QueueRun {
  #workload: Workload
  #settings: Settings
  #implementation: Implementation
  #args: HandlerArguments
  #port: number
  #programs: Program[] = []

  constructor(workload: Workload, contender: Contender, settings: Settings) {
    this.#workload = workload
    this.#settings = settings
    const implementation = implementationOf(contender.implementation)
    this.#implementation = contender.dist === undefined ? implementation : movedTo(contender.dist, implementation)
    const { port, ...args } = { ...workload.args, ...this.#implementation.args, ...contender.args }
    this.#port = Number(port ?? workload.port)
    this.#args = args
  }

  async run(): Promise<Outcome> {
    try {
      return await this.#run()
    } finally {
      await Promise.all(this.#programs.map((program) => program.stop()))
    }
  }

  async #run(): Promise<Outcome> {
    const { traffic } = this.#workload
    const handler = this.#startHandler()
    await handler.expect('READY')
    if (traffic.kind !== 'tcp') await this.#warm()
    await handler.expect('WARM')
    switch (traffic.kind) {
      case 'drain':
        return this.#drain(handler, traffic.size, traffic.addresses ?? 1)
      case 'latency':
        return this.#latency(handler, traffic.size)
      case 'tcp':
        return this.#tcp(handler)
      case 'closed':
        return this.#window(handler, {
          mode: 'closed',
          window: traffic.window,
          size: traffic.size,
          addresses: traffic.addresses ?? 1,
        })
      case 'flood':
        return this.#window(handler, { mode: 'flood', size: traffic.size, addresses: traffic.addresses ?? 1 })
    }
  }

  /** Packets that are not counted. */
  get #warmth(): number {
    const { kind } = this.#workload.traffic
    if (kind === 'tcp') return 0
    const isJavaScript = this.#implementation.command === process.execPath
    return this.#settings.warm * (kind === 'drain' && isJavaScript ? DRAIN_WARMTH : 1)
  }

  get #count(): number {
    const { traffic } = this.#workload
    return traffic.kind === 'drain' ? Math.round(traffic.count * this.#settings.scale) : 0
  }

  #startHandler(): Program {
    const { kind } = this.#workload.traffic
    const args = {
      warm: this.#warmth,
      window: this.#settings.window,
      count: this.#count,
      ...this.#args,
    }
    const { command, first } = this.#implementation
    const line = [command, ...first, ...spell(args)]
    return this.#start(kind === 'latency' ? ['taskset', '-c', String(SHARED_CPU), ...line] : line)
  }

  /** Packets that are not counted: the handler's code is compiled by them, and the kernel's caches are filled. */
  async #warm(): Promise<void> {
    const { traffic } = this.#workload
    const addresses = 'addresses' in traffic ? (traffic.addresses ?? 1) : 1
    if (this.#args.verdict !== 'drop') {
      // Held packets come back too: fewer are held at a time than the window has.
      const window = Math.max(traffic.kind === 'closed' ? traffic.window : WARM_WINDOW[traffic.kind], 16)
      return this.#send({ mode: 'closed', window, count: this.#warmth, size: 64, addresses })
    }
    for (let left = this.#warmth; left > 0; left -= WARM_LOAD) {
      await this.#send({ mode: 'flood', count: Math.min(left, WARM_LOAD), size: 64, addresses })
      for (let look = 0; look < LOOKS && waitingPackets() > 0; look++) await setTimeout(LOOK)
    }
  }

  async #send(args: HandlerArguments): Promise<void> {
    const sender = this.#startSender('send', args)
    await sender.expect('READY')
    await sender.json()
    await sender.stop()
  }

  async #window(handler: Program, args: HandlerArguments): Promise<Outcome> {
    const before = markLoad([handler.pid])
    await this.#go(handler)
    const sender = this.#startSender('send', { ...args, seconds: this.#settings.window + TAIL })
    await sender.expect('READY')
    const [report, sent] = await Promise.all([handler.json<HandlerReport>(), sender.json<SenderReport>()])
    const load = loadBetween(before, markLoad([handler.pid, sender.pid]))
    // Further packets were on their way when the handler paused.
    const lost = args.mode === 'closed' ? Math.max(0, (sent.sent ?? 0) - (sent.received ?? 0)) : 0
    return this.#outcome(report, load, lost)
  }

  async #drain(handler: Program, size: number, addresses: number): Promise<Outcome> {
    const sender = this.#startSender('send', { mode: 'fill', count: this.#count, size, addresses })
    await sender.expect('READY')
    await sender.expect('FILLED')
    const pids = [handler.pid, sender.pid]
    const before = markLoad(pids)
    await this.#go(handler)
    const report = await handler.json<HandlerReport>()
    const load = loadBetween(before, markLoad(pids))
    sender.go()
    const { sent = 0, received = 0 } = await sender.json<SenderReport>()
    const expected = this.#args.verdict === 'drop' ? 0 : sent
    return this.#outcome(report, load, expected - received)
  }

  async #latency(handler: Program, size: number): Promise<Outcome> {
    const before = markLoad([handler.pid])
    await this.#go(handler)
    const sender = this.#startSender('send', {
      mode: 'latency',
      size,
      cpu: SHARED_CPU,
      seconds: this.#settings.window,
    })
    await sender.expect('READY')
    const { p50 = 0, p99 = 0, p999 = 0, sent = 0, received = 0 } = await sender.json<SenderReport>()
    const load = loadBetween(before, markLoad([handler.pid, sender.pid]))
    return { value: p50, details: { p50, p99, p999, roundTrips: sent }, load, ...problemOf(sent - received, 0) }
  }

  async #tcp(handler: Program): Promise<Outcome> {
    const before = markLoad([handler.pid])
    await this.#go(handler)
    const sender = this.#startSender('tcp', { skip: TCP_SKIP, seconds: this.#settings.window })
    await sender.expect('READY')
    const { bytes = 0, seconds = 1 } = await sender.json<SenderReport>()
    const load = loadBetween(before, markLoad([handler.pid, sender.pid]))
    return { value: (bytes * 8) / seconds / 1e9, details: { bytes, seconds }, load }
  }

  #outcome(report: HandlerReport, load: Load, lost: number): Outcome {
    const { packets, seconds, user, system, systemCalls, errors } = report
    const cpu = user + system
    const details: Record<string, number> = {
      packets,
      seconds,
      microsecondsPerPacket: (cpu / packets) * 1e6,
      userMicrosecondsPerPacket: (user / packets) * 1e6,
      systemMicrosecondsPerPacket: (system / packets) * 1e6,
      userShare: cpu === 0 ? 0 : user / cpu,
      softirqCores: load.softirq,
      queueDropped: queueDropped(),
      lost: Math.max(lost, report.lost),
      errors,
    }
    if (systemCalls !== null) details.systemCallsPerPacket = systemCalls / packets
    const { traffic } = this.#workload
    if (this.#args.patterns !== undefined && 'size' in traffic) {
      details.megabitsPerSecond = (packets / seconds) * traffic.size * 8e-6
    }
    const isLossFree = traffic.kind !== 'flood'
    return { value: packets / seconds, details, load, ...(isLossFree ? problemOf(lost, errors) : {}) }
  }

  /** Has the handler answer packets, from here on sampled. */
  async #go(handler: Program): Promise<void> {
    await this.#settings.sampling?.attach?.(handler.pid)
    handler.go()
  }

  #startSender(name: string, args: HandlerArguments): Program {
    return this.#start([join(BUILD, name), ...spell({ port: this.#port, ...args })])
  }

  #start([command = '', ...args]: string[]): Program {
    const program = new Program(this.#implementation.label, command, args)
    this.#programs.push(program)
    return program
  }
}

function spell(args: HandlerArguments): string[] {
  return Object.entries(args).map(([name, value]) => `${name}=${value}`)
}

function problemOf(lost: number, errors: number): { problem: string } | object {
  const problems = [
    ...(lost === 0 ? [] : [`${lost} packets lost`]),
    ...(errors === 0 ? [] : [`${errors} errors of the handler`]),
  ]
  return problems.length === 0 ? {} : { problem: problems.join(', ') }
}

function waitingPackets(): number {
  return readQueues().reduce((sum, { waiting }) => sum + waiting, 0)
}

/** The packets that the kernel dropped because a queue or a socket was full. */
function queueDropped(): number {
  return readQueues().reduce((sum, { queueDropped, userDropped }) => sum + queueDropped + userDropped, 0)
}

function readQueues(): QueueCounters[] {
  return parseQueueCounters(readFileSync('/proc/net/netfilter/nfnetlink_queue', 'latin1'))
}
