import { conntrackStatusWords, dccpStateWords, sctpStateWords, tcpStateWords } from '@ringlink/codec'
import type { ConnectionChanges, ConnectionFilter } from 'ringlink'
import { readFilter } from '../command-line/filter-option.ts'
import { readName, readNumber, readUnit, TIMES, UsageError } from '../command-line/values.ts'
import { CONNTRACK_ACTIONS, type ConntrackArguments } from '../commands/conntrack.ts'
import { TRANSPORT_NAMES, type TransportName } from '../commands/transport-names.ts'
import { type NatsSettings, readNatsSettings } from '../nats/settings.ts'
import type { PacketFilter } from '../packets/filter.ts'

const WORD = 0xffffffff
const EVENTS = ['new', 'update', 'destroy'] as const
const STATES = [...new Set([...tcpStateWords, ...sctpStateWords, ...dccpStateWords])]

export type ConntrackAction = (typeof CONNTRACK_ACTIONS)[number]

/** A parsed command line. */
export interface ConntrackSettings {
  readonly action: ConntrackAction
  /** the filter of the kernel */
  readonly filter: ConnectionFilter
  /** the rest of --filter: true for matching connections */
  readonly isWanted: PacketFilter | undefined
  readonly events: ReadonlySet<(typeof EVENTS)[number]>
  readonly changes: ConnectionChanges
  readonly count: number
  readonly seconds: number | undefined
  readonly transport: TransportName | undefined
  readonly json: boolean
  readonly stats: boolean
  /** the stream to publish to, or to consume */
  readonly nats: NatsSettings | undefined
}

/** Throws `UsageError`. */
export function readSettings({ values, operands }: ConntrackArguments): ConntrackSettings {
  const action = readName('ACTION', operands[0], CONNTRACK_ACTIONS)
  if (action === undefined) throw new UsageError(`ACTION is missing: ${CONNTRACK_ACTIONS.join(', ')}`)
  const states = values.state.flatMap((text) => readName('--state', text, STATES) ?? [])
  const statuses = values.status.flatMap((text) => readName('--status', text, conntrackStatusWords) ?? [])
  const filter: ConnectionFilter = {
    family: readName('--family', values.family, ['ip', 'ip6'] as const),
    state: states.length === 0 ? undefined : states,
    status: statuses.length === 0 ? undefined : statuses,
    zone: readNumber('--zone', values.zone, 0, 0xffff),
  }
  if (values.filter.some((text) => /(^|[\s(])text(\s|$)/.test(text)))
    throw new UsageError('--filter: text cannot be looked for in connections, which have no content')
  const isWanted = readFilter('--filter', values.filter)
  const isChosen = isWanted !== undefined || Object.values(filter).some((value) => value !== undefined)
  const isWriting = action === 'delete' || action === 'update'
  if (isWriting && !isChosen && !values.all)
    throw new UsageError(`${action} needs a filter, or --all for all connections`)
  if (values.all && (isChosen || !isWriting)) throw new UsageError('--all is for delete and update without a filter')
  const changes = readChanges(values['set-mark'], values['set-timeout'])
  if ((action === 'update') !== Object.keys(changes).length > 0)
    throw new UsageError('update needs --set-mark or --set-timeout, and no other action takes them')
  const nats = readNatsSettings(values)
  if (nats !== undefined && action !== 'watch') throw new UsageError(`--${nats.direction} is for watch`)
  if (nats?.direction === 'to' && isChosen) throw new UsageError('filters are for programs that show events: --from')
  if (nats !== undefined && values.transport !== undefined)
    throw new UsageError(`--transport and --${nats.direction} exclude each other`)
  if (values.stats && nats === undefined) throw new UsageError('--stats needs --to or --from')
  const events = values.event.flatMap((text) => readName('--event', text, EVENTS) ?? [])
  if (events.length > 0 && action !== 'watch') throw new UsageError('--event is for watch')
  return {
    ...{ action, filter, isWanted, changes },
    events: new Set(events.length === 0 ? EVENTS : events),
    count: readNumber('--count', values.count, 1, Number.MAX_SAFE_INTEGER) ?? Number.POSITIVE_INFINITY,
    seconds: readNumber('--seconds', values.seconds, 1, 1_000_000),
    transport: readName('--transport', values.transport, TRANSPORT_NAMES),
    json: values.json,
    stats: values.stats,
    nats,
  }
}

function readChanges(mark: string | undefined, time: string | undefined): ConnectionChanges {
  const changes: { mark?: ConnectionChanges['mark']; timeout?: number } = {}
  if (mark !== undefined) {
    const [value = '', mask] = mark.split('/')
    const bits = readNumber('--set-mark', value, 0, WORD) ?? 0
    if (mask === undefined) changes.mark = bits
    else {
      changes.mark = { value: bits, mask: readNumber('--set-mark', mask, 1, WORD) ?? WORD }
      if ((bits & ~changes.mark.mask) !== 0) throw new UsageError('--set-mark: the mark has bits outside the mask')
    }
  }
  const timeout = readUnit('--set-timeout', time, TIMES)
  if (timeout !== undefined) changes.timeout = timeout
  return changes
}
