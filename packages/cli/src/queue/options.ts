import { parseArgs } from 'node:util'
import { readingWords, readName, readNumber, UsageError } from '../command-line/options.ts'
import { type GivenRule, RULE_HELP, readRules } from '../command-line/rule-option.ts'
import { compileFilter, FilterError, type FilteredPacket, type PacketFilter } from '../packets/filter.ts'
import { QUEUE_TRANSPORTS } from './transports.ts'

export const HELP = `Answers the packets that the firewall sends to a queue: those that a filter matches are dropped, all others accepted.

  node examples/queue/dist/main.js --queue 0 --rule 'output udp' --drop 'udp dport 53'

  --queue N | N:M        the queue, or all from N to M; required
  --rule RULE            the rule of the firewall that feeds the queue, as long as the program runs; several are allowed, of one queue
  --on-exit WHAT         what becomes of the packets of --rule when the program is gone: bypass (the default) or block
  --drop FILTER          drop what it matches; several are allowed
  --mark N               give accepted packets this mark
  --unanswered VERDICT   accept or drop: for packets that are left when the program ends; default drop
  --max-length N         packets that the kernel queues; default 1024
  --copy-range N         bytes of each packet that filters can look at; default all
  --fail-open            accept packets when the queue is full, instead of dropping them
  --gso                  take large TCP packets whole: several times faster
  --count N              end after N packets; what came in one batch with the last gets the --unanswered verdict
  --seconds N            end after N seconds
  --transport NAME       ${QUEUE_TRANSPORTS.join(', ')}; default the fastest that there is
  --json                 one JSON object a line: open, rate every second, summary
  --help

Filters: the words below, one behind the other when all must hold, joined by 'or' when one is enough, with 'not' before
one that must not hold, and parentheses.
  tcp  udp  icmp  icmpv6           the protocol
  sport 53   dport 1000:2000       a port, or a range of them; never true for a fragment that has no ports
  src 10.0.0.0/8   dst 2001:db8::1 an address or a network
  text 'word'                      bytes of the application that contain it
  mark 7                           the packet's mark
  Example: --drop "udp dport 53 not dst 10.0.0.0/8" --drop "tcp (text 'secret' or src 192.0.2.1)"

${RULE_HELP}

Exit codes: 0 ended as asked (also by Ctrl-C), 1 something failed, 2 the command line is wrong.`

export interface ProgramOptions {
  readonly queues: readonly number[]
  readonly rules: readonly GivenRule[]
  readonly onExit: 'bypass' | 'block'
  readonly isDropped: PacketFilter
  readonly mark: number | undefined
  readonly unanswered: 'accept' | 'drop'
  readonly maxLength: number | undefined
  readonly copyRange: number | undefined
  readonly failOpen: boolean
  readonly segmentationOffload: boolean
  readonly count: number | undefined
  readonly seconds: number | undefined
  readonly transport: string | undefined
  readonly json: boolean
}

/** Reads the command line; 'help' when that is asked for. Throws `UsageError`. */
export function parseOptions(words: readonly string[]): ProgramOptions | 'help' {
  const values = readWords(words)
  if (values.help === true) return 'help'
  const queues = readQueues(values.queue)
  const rules = readRules(values.rule ?? [])
  if (rules.length > 0 && queues.length > 1) throw new UsageError('--rule feeds one queue, and --queue has several')
  if (rules.length > 0 && values.transport === 'sim') throw new UsageError('--rule: the simulated kernel has its own')
  return {
    queues,
    rules,
    onExit: readOnExit(values['on-exit'] ?? 'bypass'),
    isDropped: anyFilter(values.drop ?? []),
    mark: readNumber('--mark', values.mark, 0, 0xffffffff),
    unanswered: readVerdict(values.unanswered ?? 'drop'),
    maxLength: readNumber('--max-length', values['max-length'], 1, 0xffffffff),
    copyRange: readNumber('--copy-range', values['copy-range'], 0, 65531),
    failOpen: values['fail-open'] === true,
    segmentationOffload: values.gso === true,
    count: readNumber('--count', values.count, 1, Number.MAX_SAFE_INTEGER),
    seconds: readNumber('--seconds', values.seconds, 1, 2_000_000),
    transport: readName('--transport', values.transport, QUEUE_TRANSPORTS),
    json: values.json === true,
  }
}

function readWords(words: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  return readingWords(
    () =>
      parseArgs({
        args: [...words],
        options: {
          queue: text,
          rule: { type: 'string', multiple: true },
          'on-exit': text,
          drop: { type: 'string', multiple: true },
          mark: text,
          unanswered: text,
          'max-length': text,
          'copy-range': text,
          'fail-open': flag,
          gso: flag,
          count: text,
          seconds: text,
          transport: text,
          json: flag,
          help: flag,
        },
      }).values,
  )
}

function readQueues(text: string | undefined): number[] {
  if (text === undefined) throw new UsageError('--queue is missing: which queue is to be answered?')
  const [first, last = first, ...more] = text.split(':').map((word) => readNumber('--queue', word, 0, 0xffff) ?? 0)
  if (first === undefined || last === undefined || more.length > 0 || last < first) {
    throw new UsageError(`--queue ${text}: a number (0) or a range (0:3) is wanted`)
  }
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

function readOnExit(text: string): 'bypass' | 'block' {
  if (text === 'bypass' || text === 'block') return text
  throw new UsageError(`--on-exit ${text}: bypass or block is wanted`)
}

function readVerdict(text: string): 'accept' | 'drop' {
  if (text === 'accept' || text === 'drop') return text
  throw new UsageError(`--unanswered ${text}: accept or drop is wanted`)
}

/** A filter that matches what any of the expressions does. Throws `UsageError`. */
export function anyFilter(expressions: readonly string[]): PacketFilter {
  const filters = expressions.map((expression) => {
    try {
      return compileFilter(expression)
    } catch (error) {
      if (error instanceof FilterError) throw new UsageError(`--drop: ${error.message}`)
      throw error
    }
  })
  return (packet: FilteredPacket) => {
    for (const filter of filters) if (filter(packet)) return true
    return false
  }
}
