import { quoteText } from '@ringlink/codec'
import { readFilter } from '../command-line/filter-option.ts'
import { type GivenRule, readRules } from '../command-line/rule-option.ts'
import { readName, readNumber, UsageError } from '../command-line/values.ts'
import type { QueueArguments } from '../commands/queue.ts'
import { TRANSPORT_NAMES, type TransportName } from '../commands/transport-names.ts'
import type { PacketFilter } from '../packets/filter.ts'

/** The settings in the arguments of `ringlink queue`. */
export interface QueueSettings {
  readonly queues: readonly number[]
  readonly rules: readonly GivenRule[]
  readonly onExit: 'bypass' | 'block'
  /** packets of each connection that are queued; `undefined` for all */
  readonly offload: number | undefined
  readonly isDropped: PacketFilter | undefined
  readonly mark: number | undefined
  readonly print: boolean
  /** which packets are printed; undefined for all */
  readonly isPrinted: PacketFilter | undefined
  readonly unanswered: 'accept' | 'drop'
  readonly maxLength: number | undefined
  readonly copyRange: number | undefined
  readonly failOpen: boolean
  readonly segmentationOffload: boolean
  readonly count: number
  readonly seconds: number | undefined
  readonly transport: TransportName | undefined
  readonly json: boolean
}

/** Reads the options. Throws `UsageError`. */
export function readSettings({ values }: QueueArguments): QueueSettings {
  const queues = readQueues(values.queue)
  const rules = readRules(values.rule)
  if (rules.length > 0 && queues.length > 1) throw new UsageError('--rule feeds one queue, but --queue has several')
  if (rules.length > 0 && values.transport === 'sim') {
    throw new UsageError('--rule is for the real kernel: --transport sim has its own rules')
  }
  if (rules.length === 0 && values['on-exit'] !== undefined) throw new UsageError('--on-exit needs --rule')
  if (rules.length === 0 && values.offload !== undefined) throw new UsageError('--offload needs --rule')
  if (values.filter.length > 0 && !values.print)
    throw new UsageError('--filter needs --print (to drop packets: --drop)')
  return {
    queues,
    rules,
    onExit: readName('--on-exit', values['on-exit'], ['bypass', 'block']) ?? 'bypass',
    offload: readNumber('--offload', values.offload, 1, 0xffffffff),
    isDropped: readFilter('--drop', values.drop),
    mark: readNumber('--mark', values.mark, 0, 0xffffffff),
    print: values.print,
    isPrinted: readFilter('--filter', values.filter),
    unanswered: readName('--unanswered', values.unanswered, ['accept', 'drop']) ?? 'drop',
    maxLength: readNumber('--max-length', values['max-length'], 1, 0xffffffff),
    copyRange: readNumber('--copy-range', values['copy-range'], 0, 65531),
    failOpen: values['fail-open'],
    segmentationOffload: values.gso,
    count: readNumber('--count', values.count, 1, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY,
    seconds: readNumber('--seconds', values.seconds, 1, 2_000_000),
    transport: readName('--transport', values.transport, TRANSPORT_NAMES),
    json: values.json,
  }
}

function readQueues(text: string | undefined): number[] {
  if (text === undefined) throw new UsageError('--queue is missing: give the queue to answer')
  const [first = '', last = first, ...more] = text.split(':')
  const from = readNumber('--queue', first, 0, 0xffff) ?? 0
  const to = readNumber('--queue', last, 0, 0xffff) ?? 0
  if (more.length > 0 || to < from) {
    throw new UsageError(`--queue must be a number (0) or a range (0:3), got ${quoteText(text)}`)
  }
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}
