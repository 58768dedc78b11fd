/**
 * A scenario is plain data: a simulated kernel with rules on its only path, named consumers, and consecutive steps.
 * `runScenario` plays it; it can also be played on another kernel.
 *
 * The rules of the game:
 * - Time is virtual and passes in `advance` and within `inject` alone.
 * - A packet of `inject` is borrowed until the next one: a kernel that keeps the sender's bytes while a packet waits
 *   gets a copy.
 * - A consumer is *running* from its opening on: after each step it receives all that was delivered to it and gives its
 *   verdicts, in order. A *paused* one does so only when a `consume` step tells it to.
 * - An expectation counts from the beginning of the scenario, unless it says otherwise.
 */
import { partSeed } from './random.ts'
import type { PacketSource } from './sources.ts'

export interface Scenario {
  /** unique: lower case, words joined by hyphens */
  readonly name: string
  /** one sentence: what happens and what to expect */
  readonly description: string
  readonly seed: number
  /** the path's rules, asked in this order; a packet that comes to their end is accepted */
  readonly rules: readonly ScenarioRule[]
  readonly steps: readonly ScenarioStep[]
}

/** Which packets a rule means; what is left out matches all. */
export interface PacketMatch {
  readonly version?: 4 | 6 | undefined
  /** `IpProtocol` */
  readonly protocol?: number | undefined
}

/** A rule of the path. `log` lets the packet continue to the next rule, the others end its path. */
export type ScenarioRule =
  | QueueRule
  | LogRule
  | { readonly kind: 'accept'; readonly match?: PacketMatch | undefined }
  | { readonly kind: 'drop'; readonly match?: PacketMatch | undefined }

/** To a packet queue; if it is not bound the packet is dropped, or continues with `bypass`. */
export interface QueueRule {
  readonly kind: 'queue'
  readonly match?: PacketMatch | undefined
  /** the queue, or the first of a range */
  readonly number: number
  /** the last of the range: packets are spread over it by their addresses (NFQUEUE's balance); default `number` */
  readonly through?: number | undefined
  readonly bypass?: boolean | undefined
}

/** To a log group; where nobody has bound it nothing happens. */
export interface LogRule {
  readonly kind: 'log'
  readonly match?: PacketMatch | undefined
  readonly group: number
  readonly prefix?: string | undefined
}

/** The verdicts of a queue's consumer: `alternate` accepts odd ids and drops even ones. */
export type VerdictPolicy = 'accept' | 'drop' | 'alternate'

/** A number, or `some`: one or more, where the exact number is the kernel's accounting and not the scenario's point. */
export type Expected = number | 'some'

export type ScenarioStep = AtomicStep | RepeatStep

/** All steps but `repeat`, which {@link scenarioSteps} unfolds. */
export type AtomicStep =
  | OpenQueueStep
  | OpenLogStep
  | OpenSessionStep
  | ConsumerStep
  | ConsumeStep
  | InjectStep
  | AdvanceStep
  | FillTableStep
  | ChangeRowStep
  | StartDumpStep
  | ReadDumpStep
  | ExpectQueueStep
  | ExpectReceivedStep
  | ExpectPathStep
  | ExpectDumpStep

/** The steps several times over. */
export interface RepeatStep {
  readonly kind: 'repeat'
  readonly times: number
  readonly steps: readonly ScenarioStep[]
}

/** Bytes that are copied of a packet unless a step says otherwise: more than an Ethernet frame has. */
export const DEFAULT_COPY_RANGE = 3072

/** A consumer binds a queue. */
export interface OpenQueueStep {
  readonly kind: 'openQueue'
  readonly consumer: string
  readonly number: number
  readonly verdict: VerdictPolicy
  /** bytes of each packet; default {@link DEFAULT_COPY_RANGE} */
  readonly copyRange?: number | undefined
  /** packets; default 1024 */
  readonly maxLength?: number | undefined
  readonly failOpen?: boolean | undefined
  /** bytes, in the kernel's accounting; default enough for all packets of the scenario */
  readonly receiveBufferSize?: number | undefined
}

/** A consumer binds a log group. */
export interface OpenLogStep {
  readonly kind: 'openLog'
  readonly consumer: string
  readonly group: number
  /** bytes of each packet; default {@link DEFAULT_COPY_RANGE} */
  readonly copyRange?: number | undefined
  /** packets in one datagram; default 1 */
  readonly threshold?: number | undefined
  /** milliseconds after which a datagram goes out that is not full; default 1000 */
  readonly timeout?: number | undefined
  /** bytes of a datagram; default as the kernel's */
  readonly bufferSize?: number | undefined
  /** bytes, in the kernel's accounting; default enough for all packets of the scenario */
  readonly receiveBufferSize?: number | undefined
}

/** A consumer that makes requests: dumps. */
export interface OpenSessionStep {
  readonly kind: 'openSession'
  readonly consumer: string
}

/**
 * `pause` and `resume`: a running consumer stops, a paused one continues. `close`: closes its socket and drops the
 * packets waiting in its queue.
 */
export interface ConsumerStep {
  readonly kind: 'pause' | 'resume' | 'close'
  readonly consumer: string
}

/** A paused consumer receives and answers up to so many packets, the oldest first. */
export interface ConsumeStep {
  readonly kind: 'consume'
  readonly consumer: string
  readonly packets: number
}

/**
 * Packets come onto the path, each at the step's beginning plus its own time. Names are those of the packet's
 * attributes.
 */
export interface InjectStep {
  readonly kind: 'inject'
  readonly source: PacketSource
  readonly mark?: number | undefined
  /** `Hook`; default Output */
  readonly hook?: number | undefined
  readonly inputDevice?: number | undefined
  readonly outputDevice?: number | undefined
}

/** Virtual time passes: timers run, dumps stand still. */
export interface AdvanceStep {
  readonly kind: 'advance'
  readonly milliseconds: number
}

/** A table of the kernel's database gets rows with the keys 0 to `rows` - 1. */
export interface FillTableStep {
  readonly kind: 'fillTable'
  readonly table: string
  readonly rows: number
  /** bytes of each row's value, which the seed chooses */
  readonly rowLength: number
}

/** A row is set, or taken away: the table's generation moves, and a dump under way is interrupted. */
export interface ChangeRowStep {
  readonly kind: 'changeRow'
  readonly table: string
  readonly key: number
  /** left out: the row goes */
  readonly value?: string | undefined
}

/** A session asks for all rows of a table, and reads the first. */
export interface StartDumpStep {
  readonly kind: 'startDump'
  readonly consumer: string
  readonly table: string
}

/**
 * The session reads that many further rows of its dump, or all. The kernel continues the dump as datagrams are
 * received.
 */
export interface ReadDumpStep {
  readonly kind: 'readDump'
  readonly consumer: string
  readonly rows: number | 'all'
}

/** The line of /proc/net/netfilter/nfnetlink_queue; names as in `QueueCounters`. */
export interface ExpectQueueStep {
  readonly kind: 'expectQueue'
  readonly number: number
  readonly waiting?: Expected | undefined
  readonly queueDropped?: Expected | undefined
  readonly userDropped?: Expected | undefined
  readonly lastId?: Expected | undefined
}

/** The packets received by some consumers together. */
export interface ExpectReceivedStep {
  readonly kind: 'expectReceived'
  readonly consumers: readonly string[]
  readonly packets: Expected
  /** times that a receive buffer overran (ENOBUFS reported); default 0 */
  readonly overruns?: Expected | undefined
}

/** The results of the injected packets; the others are waiting. */
export interface ExpectPathStep {
  readonly kind: 'expectPath'
  readonly accepted: Expected
  readonly dropped: Expected
}

/** How the session's latest dump ended. */
export interface ExpectDumpStep {
  readonly kind: 'expectDump'
  readonly consumer: string
  /** NLM_F_DUMP_INTR on any of its messages */
  readonly interrupted: boolean
  readonly rows: Expected
}

/** A step to take, and the seed for what it draws. */
export interface ScheduledStep {
  readonly step: AtomicStep
  readonly seed: number
}

/** The steps of a scenario as they are taken, repetitions unfolded, each with its own seed. */
export function* scenarioSteps(scenario: Scenario): Generator<ScheduledStep, void, undefined> {
  let index = 0
  for (const step of unfold(scenario.steps)) yield { step, seed: partSeed(scenario.seed, index++) }
}

function* unfold(steps: readonly ScenarioStep[]): Generator<AtomicStep, void, undefined> {
  for (const step of steps) {
    if (step.kind !== 'repeat') yield step
    else for (let time = 0; time < step.times; time++) yield* unfold(step.steps)
  }
}

/** Whether a count is as expected. */
export function meetsExpectation(expected: Expected, actual: number): boolean {
  return expected === 'some' ? actual > 0 : actual === expected
}
