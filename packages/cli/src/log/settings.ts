import { readFilter } from '../command-line/filter-option.ts'
import { type GivenRule, readRules } from '../command-line/rule-option.ts'
import { readName, readNumber, readUnit, SIZES, TIMES, UsageError } from '../command-line/values.ts'
import type { LogArguments } from '../commands/log.ts'
import { TRANSPORT_NAMES, type TransportName } from '../commands/transport-names.ts'
import { type NatsSettings, readNatsSettings } from '../nats/settings.ts'
import type { PacketFilter } from '../packets/filter.ts'
import type { Rotation } from './capture-output.ts'

/** The settings in the arguments of `ringlink log`. */
export interface LogSettings {
  readonly groups: readonly number[]
  readonly rules: readonly GivenRule[]
  readonly prefix: string | undefined
  readonly isWanted: PacketFilter | undefined
  readonly read: string | undefined
  readonly write: string | undefined
  readonly rotation: Rotation
  readonly stats: boolean
  readonly lines: boolean
  readonly link: boolean
  readonly json: boolean
  readonly count: number
  readonly seconds: number | undefined
  readonly threshold: number | undefined
  readonly timeout: number | undefined
  readonly copyRange: number | undefined
  readonly transport: TransportName | undefined
  /** the stream to publish to, or to consume */
  readonly nats: NatsSettings | undefined
}

/** Reads the options. Throws `UsageError`. */
export function readSettings({ values }: LogArguments): LogSettings {
  const { read, write, stats, json, print } = values
  const groups = readGroups(values.group)
  const nats = readNatsSettings(values)
  if (read === undefined && nats?.direction !== 'from' && groups.length === 0) {
    throw new UsageError('--group is missing: give the group to show, or --read FILE')
  }
  checkCombination(values, nats)
  if (read !== undefined && (write !== undefined || groups.length > 0)) {
    throw new UsageError('--read shows a capture and cannot be combined with --group or --write')
  }
  const rules = readRules(values.rule)
  if (rules.length > 0 && groups.length !== 1) throw new UsageError('--rule logs to one group: --group must name one')
  if (rules.length > 0 && values.transport === 'sim') {
    throw new UsageError('--rule is for the real kernel: --transport sim has its own rules')
  }
  if (rules.length === 0 && values.prefix !== undefined) throw new UsageError('--prefix needs --rule')
  return {
    groups,
    rules,
    prefix: values.prefix,
    isWanted: readFilter('--filter', values.filter),
    read,
    write,
    rotation: readRotation(values, write),
    stats,
    lines: print || json || (write === undefined && !stats),
    link: values.link,
    json,
    count: readNumber('--count', values.count, 1, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY,
    seconds: readNumber('--seconds', values.seconds, 1, 2_000_000),
    threshold: readNumber('--threshold', values.threshold, 1, 0xffffffff),
    timeout: readNumber('--timeout', values.timeout, 1, 0x7fffffff),
    copyRange: readNumber('--copy-range', values['copy-range'], 0, 65531),
    transport: readName('--transport', values.transport, TRANSPORT_NAMES),
    nats,
  }
}

/** Options that belong to the other end of a stream. */
function checkCombination(values: LogArguments['values'], nats: NatsSettings | undefined): void {
  if (nats === undefined) return
  const option = `--${nats.direction}`
  if (values.read !== undefined) throw new UsageError(`--read shows a capture and cannot be combined with ${option}`)
  const kernel = ['prefix', 'threshold', 'timeout', 'copy-range', 'transport'] as const
  const output = ['write', 'link', 'print'] as const
  const isGiven = (name: (typeof kernel)[number] | (typeof output)[number] | 'rule' | 'filter') => {
    const value = values[name]
    return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false
  }
  const wrong = (nats.direction === 'from' ? (['rule', ...kernel] as const) : (['filter', ...output] as const)).find(
    isGiven,
  )
  if (wrong === undefined) return
  const place = nats.direction === 'from' ? 'the hosts that publish' : 'programs that show them: --from'
  throw new UsageError(`--${wrong} cannot be combined with ${option}: it is for ${place}`)
}

function readGroups(texts: readonly string[]): number[] {
  const groups = texts.flatMap((text) => text.split(',')).map((text) => readNumber('--group', text, 0, 0xffff) ?? 0)
  return [...new Set(groups)]
}

function readRotation(values: LogArguments['values'], write: string | undefined): Rotation {
  const rotation = {
    size: readUnit('--rotate-size', values['rotate-size'], SIZES),
    time: readUnit('--rotate-time', values['rotate-time'], TIMES),
    keep: readNumber('--keep', values.keep, 1, 99_999),
  }
  const isRotated = rotation.size !== undefined || rotation.time !== undefined
  if (isRotated && write === undefined) throw new UsageError('--rotate-size and --rotate-time need --write')
  if (rotation.keep !== undefined && !isRotated) throw new UsageError('--keep needs --rotate-size or --rotate-time')
  return rotation
}
