import { parseArgs } from 'node:util'
import { readingWords, readName, readNumber, UsageError } from '../command-line/options.ts'
import { type GivenRule, RULE_HELP, readRules } from '../command-line/rule-option.ts'
import { LOG_TRANSPORTS } from './transports.ts'

export const HELP = `Shows, counts and saves the packets that the firewall logs.

  node examples/log/dist/main.js --group 5 --rule 'output udp'

  --group N[,M…]       the log group, or groups; also several times
  --rule RULE          the rule of the firewall that logs, as long as the program runs; several are allowed, of one group
  --prefix TEXT        what the rules of --rule write to each packet
  --read FILE          show a capture (pcapng) instead
  --write FILE         save the packets in a capture that Wireshark reads (pcapng, NFLOG); then lines only with --print
  --rotate-size SIZE   begin a new file before one gets larger: 500k, 10M, 1G; FILE-00001.pcapng, FILE-00002.pcapng …
  --rotate-time TIME   begin a new file after that time: 60s, 5m, 1h
  --keep N             when files are rotated, delete all but the last N
  --stats              top talkers, rate and loss, at the end and on a terminal meanwhile; then lines only with --print
  --print              lines all the same
  --link               show Ethernet headers, where packets have one
  --json               one JSON object a line: open, packet, with --stats rate, summary
  --count N            end after N packets
  --seconds N          end after N seconds
  --threshold N        packets that the kernel collects before it hands them over: more cost less; default 100
  --timeout N          milliseconds after which it hands over fewer; default 1000
  --copy-range N       bytes to copy of each packet; default all
  --transport NAME     ${LOG_TRANSPORTS.join(', ')}; default the fastest that there is. sim makes packets up
  --help

${RULE_HELP}

Colours: on a terminal, unless NO_COLOR is set.
Exit codes: 0 ended as asked (also by Ctrl-C), 1 something failed, 2 the command line is wrong.`

export interface LogProgramOptions {
  readonly groups: readonly number[]
  readonly rules: readonly GivenRule[]
  readonly prefix: string | undefined
  readonly read: string | undefined
  readonly write: string | undefined
  /** bytes, milliseconds, files */
  readonly rotation: { readonly size?: number; readonly time?: number; readonly keep?: number }
  readonly stats: boolean
  readonly lines: boolean
  readonly link: boolean
  readonly json: boolean
  readonly count: number
  readonly seconds: number | undefined
  readonly threshold: number | undefined
  readonly timeout: number | undefined
  readonly copyRange: number | undefined
  readonly transport: string | undefined
}

/** Reads the command line; 'help' when that is asked for. Throws `UsageError`. */
export function parseOptions(words: readonly string[]): LogProgramOptions | 'help' {
  const values = readWords(words)
  if (values.help === true) return 'help'
  const { read, write, stats = false, json = false, print = false } = values
  const groups = readGroups(values.group ?? [])
  if (read === undefined && groups.length === 0) {
    throw new UsageError('--group is missing: which group is to be shown? Or --read FILE')
  }
  if (read !== undefined && (write !== undefined || groups.length > 0)) {
    throw new UsageError('--read shows a capture as it is: without --group and --write')
  }
  const rules = readRules(values.rule ?? [])
  if (rules.length > 0 && groups.length !== 1) throw new UsageError('--rule logs to one group, and --group has not one')
  if (rules.length > 0 && values.transport === 'sim') throw new UsageError('--rule: the simulated kernel has its own')
  if (rules.length === 0 && values.prefix !== undefined) throw new UsageError('--prefix belongs to --rule')
  const rotation = {
    size: readUnit('--rotate-size', values['rotate-size'], SIZES),
    time: readUnit('--rotate-time', values['rotate-time'], TIMES),
    keep: readNumber('--keep', values.keep, 1, 99_999),
  }
  const isRotated = rotation.size !== undefined || rotation.time !== undefined
  if (isRotated && write === undefined) throw new UsageError('--rotate-size and --rotate-time need --write')
  if (rotation.keep !== undefined && !isRotated) throw new UsageError('--keep needs --rotate-size or --rotate-time')
  return {
    groups,
    rules,
    prefix: values.prefix,
    read,
    write,
    rotation: Object.fromEntries(Object.entries(rotation).filter(([, value]) => value !== undefined)),
    stats,
    lines: print || json || (write === undefined && !stats),
    link: values.link === true,
    json,
    count: readNumber('--count', values.count, 1, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY,
    seconds: readNumber('--seconds', values.seconds, 1, 2_000_000),
    threshold: readNumber('--threshold', values.threshold, 1, 0xffffffff),
    timeout: readNumber('--timeout', values.timeout, 1, 0x7fffffff),
    copyRange: readNumber('--copy-range', values['copy-range'], 0, 65531),
    transport: readName('--transport', values.transport, LOG_TRANSPORTS),
  }
}

function readWords(words: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const options = {
    group: { type: 'string', multiple: true },
    rule: { type: 'string', multiple: true },
    prefix: text,
    read: text,
    write: text,
    'rotate-size': text,
    'rotate-time': text,
    keep: text,
    stats: flag,
    print: flag,
    link: flag,
    json: flag,
    count: text,
    seconds: text,
    threshold: text,
    timeout: text,
    'copy-range': text,
    transport: text,
    help: flag,
  } as const
  return readingWords(() => parseArgs({ args: [...words], options }).values)
}

function readGroups(texts: readonly string[]): number[] {
  const groups = texts.flatMap((text) => text.split(',')).map((text) => readNumber('--group', text, 0, 0xffff) ?? 0)
  return [...new Set(groups)]
}

interface Units {
  readonly what: string
  readonly factors: Readonly<Record<string, number>>
}

const SIZES: Units = { what: 'a size (500k, 10M, 1G)', factors: { '': 1, k: 1e3, M: 1e6, G: 1e9 } }
const TIMES: Units = { what: 'a time (60s, 5m, 1h)', factors: { ms: 1, s: 1e3, m: 60e3, h: 3600e3 } }

function readUnit(option: string, text: string | undefined, { what, factors }: Units): number | undefined {
  if (text === undefined) return undefined
  const [, digits, unit = ''] = /^(\d+)([a-zA-Z]*)$/.exec(text) ?? []
  const value = Number(digits) * (factors[unit] ?? Number.NaN)
  if (value > 0 && value <= Number.MAX_SAFE_INTEGER) return value
  throw new UsageError(`${option} ${text}: ${what} is wanted`)
}
