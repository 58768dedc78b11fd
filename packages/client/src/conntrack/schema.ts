/** The options of connection tracking, described once. */
import { type ConntrackStatusWord, conntrackStatusWords, type TcpStateWord, tcpStateWords } from '@ringlink/codec'
import {
  abortSignal,
  boolean,
  either,
  instance,
  integer,
  list,
  milliseconds,
  number,
  OptionPlace,
  object,
  oneOf,
  readArgument,
  readOptions,
  required,
  type Schema,
  schemaOf,
  text,
} from '@ringlink/codec/options'
import { tryParseAddress, tryParsePrefix } from '@ringlink/packet'
import { numberRange } from '../rules/fields/kinds.ts'
import { bits } from '../rules/schema-match.ts'
import { transportOrOpen } from '../transport-schema.ts'
import { checkPossible } from './filter-check.ts'
import type { ConntrackOptions, EventOptions, ListOptions } from './options.ts'
import type {
  ConnectionChanges,
  ConnectionFilter,
  ConnectionKey,
  ConnectionNat,
  ConnectionPorts,
  ConnectionProtocol,
  ConnectionTuple,
  ConnectionVerdict,
  ExpectationFlagWord,
  ExpectationPlace,
  NewConnection,
  NewExpectation,
  TupleFilter,
  VerdictExpectation,
} from './types.ts'
import {
  connectionProtocols,
  expectationFlagWords,
  hasPorts,
  isIcmp,
  protocolNumber,
  protocolWord,
  stateWords,
  versionOf,
} from './words.ts'

const WORD = 0xffffffff
const PORT = 0xffff
const LABEL_BYTES = 16
/** CTA_TIMEOUT has 32 bits of seconds; the kernel limits it to a signed number of jiffies. */
const LONGEST_TIMEOUT = 0x7fffffff
const LONGEST_HELPER = 15

const protocolNames = Object.keys(connectionProtocols) as Exclude<ConnectionProtocol, number>[]
const protocol: Schema<ConnectionProtocol> = either(oneOf(...protocolNames), integer(0, 255))
const port = integer(0, PORT)
const zone = integer(0, 0xffff)

const ADDRESS = 'an IPv4 or IPv6 address'
const address: Schema<string> = schemaOf(ADDRESS, ['string'], (value: string, place) => {
  if (tryParseAddress(value) !== undefined) return value
  throw place.outOfRange(ADDRESS, value)
})
const NETWORK = `${ADDRESS}, or a network such as 10.0.0.0/8`
const network: Schema<string> = schemaOf(NETWORK, ['string'], (value: string, place) => {
  if (tryParsePrefix(value) !== undefined) return value
  throw place.outOfRange(NETWORK, value)
})

function checkVersions(one: string | undefined, other: string | undefined, place: OptionPlace): void {
  if (one === undefined || other === undefined || versionOf(one) === versionOf(other)) return
  throw place.conflict(`must be an IPv${versionOf(one)} address as the one beside it, got ${other}`)
}

const tuple: Schema<ConnectionTuple> = object<ConnectionTuple>(
  {
    sourceAddress: required(address),
    destinationAddress: required(address),
    protocol: required(protocol),
    sourcePort: port,
    destinationPort: port,
    icmpId: integer(0, PORT),
    icmpType: integer(0, 255),
    icmpCode: integer(0, 255),
    zone,
  },
  (given, place) => {
    checkVersions(given.sourceAddress, given.destinationAddress, place.member('destinationAddress'))
    const number = protocolNumber(given.protocol)
    for (const name of ['sourcePort', 'destinationPort'] as const) {
      if (hasPorts(number) && given[name] === undefined) throw place.member(name).missing('a port, as the protocol has')
      if (isIcmp(number) && given[name] !== undefined)
        throw place.member(name).conflict(`cannot be given: ${protocolWord(number)} has no ports`)
    }
    for (const name of ['icmpId', 'icmpType', 'icmpCode'] as const) {
      if (isIcmp(number) && name !== 'icmpCode' && given[name] === undefined)
        throw place.member(name).missing(`a number, as ${protocolWord(number)} has`)
      if (!isIcmp(number) && given[name] !== undefined)
        throw place.member(name).conflict(`cannot be given: ${protocolWord(number)} is not ICMP`)
    }
    const icmpVersion = number === connectionProtocols.icmp ? 4 : number === connectionProtocols.icmpv6 ? 6 : undefined
    if (icmpVersion !== undefined && versionOf(given.sourceAddress) !== icmpVersion)
      throw place.member('protocol').conflict(`goes with IPv${icmpVersion} addresses, got ${given.sourceAddress}`)
  },
)

const statusWord = oneOf<ConntrackStatusWord>(...conntrackStatusWords)
const statuses = list(statusWord)
const timeout = number(0, LONGEST_TIMEOUT * 1000, 'milliseconds')
const labelBytes: Schema<Uint8Array> = instance(`a Uint8Array of ${LABEL_BYTES} bytes`, (value) => {
  return value instanceof Uint8Array && value.length === LABEL_BYTES
})
interface Labels {
  readonly value: Uint8Array
  readonly mask: Uint8Array
}
const labels: Schema<Uint8Array | Labels> = {
  expected: `a Uint8Array of ${LABEL_BYTES} bytes, or an object of two, value and mask`,
  types: ['object'],
  read: (value, place) =>
    value instanceof Uint8Array
      ? labelBytes.read(value, place)
      : object<Labels>({ value: required(labelBytes), mask: required(labelBytes) }).read(value, place),
}
// Their values are checked when they are written.
const attributes = instance<never>('an object of attributes', () => true)

const changeMembers = {
  timeout,
  mark: either(integer(0, WORD), bits),
  status: statuses,
  state: oneOf<TcpStateWord>(...tcpStateWords),
  labels,
  helper: text(0, LONGEST_HELPER),
  attributes,
}
const changes: Schema<ConnectionChanges> = object<ConnectionChanges>(changeMembers, (given, place) => {
  if (Object.values(given).every((value) => value === undefined)) throw place.conflict('must change something')
})

/** What the kernel takes of NFQA_CT: everything else in it is ignored. */
const { state: _state, ...verdictMembers } = changeMembers
const takenAttributes = ['status', 'helper', 'timeout', 'mark', 'markMask', 'labels', 'labelsMask']
const expectationMembers = {
  tuple: required(tuple),
  mask: tuple,
  helper: text(1, LONGEST_HELPER),
  flags: list(oneOf<ExpectationFlagWord>(...expectationFlagWords)),
  class: integer(0, WORD),
  attributes,
}
const verdictExpectation: Schema<VerdictExpectation> = object<VerdictExpectation>(expectationMembers, checkMask)
const verdictChanges: Schema<ConnectionVerdict> = object<ConnectionVerdict>(
  { ...verdictMembers, expectation: verdictExpectation },
  (given, place) => {
    if (Object.values(given).every((value) => value === undefined)) throw place.conflict('must change something')
    const ignored = Object.keys(given.attributes ?? {}).find((name) => !takenAttributes.includes(name))
    if (ignored === undefined) return
    const at = place.member('attributes').member(ignored)
    throw at.conflict(`would have no effect: of a verdict the kernel takes ${takenAttributes.join(', ')} only`)
  },
)

function checkMask({ tuple: expected, mask }: VerdictExpectation, place: OptionPlace): void {
  checkVersions(expected.sourceAddress, mask?.sourceAddress, place.member('mask').member('sourceAddress'))
  if (mask !== undefined && protocolNumber(mask.protocol) !== protocolNumber(expected.protocol))
    throw place.member('mask').member('protocol').conflict(`must be that of the tuple, ${expected.protocol}`)
}

const nat: Schema<ConnectionNat> = object<ConnectionNat>({ address: required(address), port })

/** Bits of the status that the kernel takes from a request. It ignores others, or refuses them without a reason. */
const settableStatuses: readonly ConntrackStatusWord[] = ['seen-reply', 'assured', 'fixed-timeout', 'helper']

/** Throws for a bit that cannot be set, unless the connection has it. */
function checkSettable(
  status: ConnectionChanges['status'],
  present: readonly ConntrackStatusWord[],
  place: OptionPlace,
): void {
  for (const [index, word] of (status ?? []).entries()) {
    if (settableStatuses.includes(word) || present.includes(word)) continue
    throw place
      .member('status')
      .element(index)
      .conflict(`cannot be set, only ${settableStatuses.join(', ')}, got ${word}`)
  }
}

function checkNat(
  given: ConnectionNat | undefined,
  { sourceAddress, protocol: of }: ConnectionTuple,
  place: OptionPlace,
): void {
  if (given === undefined) return
  checkVersions(sourceAddress, given.address, place.member('address'))
  if (given.port !== undefined && !hasPorts(protocolNumber(of)))
    throw place.member('port').conflict(`cannot be given: ${protocolWord(protocolNumber(of))} has no ports`)
}

const newConnection: Schema<NewConnection> = object<NewConnection>(
  {
    ...changeMembers,
    original: required(tuple),
    reply: tuple,
    timeout: required(timeout),
    zone,
    sourceNat: nat,
    destinationNat: nat,
    master: tuple,
  },
  (given, place) => {
    const { original, reply, state, master } = given
    checkVersions(original.sourceAddress, reply?.sourceAddress, place.member('reply').member('sourceAddress'))
    checkVersions(original.sourceAddress, master?.sourceAddress, place.member('master').member('sourceAddress'))
    if (reply !== undefined && protocolNumber(reply.protocol) !== protocolNumber(original.protocol))
      throw place.member('reply').member('protocol').conflict(`must be that of original, ${original.protocol}`)
    checkNat(given.sourceNat, original, place.member('sourceNat'))
    checkNat(given.destinationNat, original, place.member('destinationNat'))
    checkSettable(given.status, ['confirmed'], place)
    if (state !== undefined && protocolNumber(original.protocol) !== connectionProtocols.tcp)
      throw place.member('state').conflict('can be given for tcp alone')
  },
)

const keyMembers = { original: tuple, reply: tuple, zone, id: integer(0, WORD) }
const key = object<ConnectionKey>(keyMembers, checkKey)

function checkKey({ original, reply }: ConnectionKey, place: OptionPlace): void {
  if (original === undefined && reply === undefined)
    throw place.member('original').missing('a direction of the connection, or reply')
  if (original !== undefined && reply !== undefined)
    throw place.member('reply').conflict('cannot be given beside original: one of them names the connection')
}

/** A listed connection names itself: the members that name it are used, the others ignored. */
const anyKey: Schema<ConnectionKey> = {
  ...key,
  read: (value, place) => {
    const given = value as Partial<ConnectionKey & { attributes: unknown }> | undefined
    const isListed = typeof given === 'object' && given !== null && given.attributes !== undefined
    if (!isListed) return key.read(value, place)
    const { original, zone: inZone, id } = given
    return key.read({ original, zone: inZone, id }, place)
  },
}

const ports: Schema<ConnectionPorts> = either(port, numberRange(0, PORT))
const tupleFilterMembers = {
  sourceAddress: network,
  destinationAddress: network,
  sourcePort: ports,
  destinationPort: ports,
}
const state = oneOf(...stateWords)

/** Filters of listings and events. */
export const connectionFilter: Schema<ConnectionFilter> = object<ConnectionFilter>(
  {
    ...tupleFilterMembers,
    family: oneOf<'ip' | 'ip6'>('ip', 'ip6'),
    protocol,
    reply: object<TupleFilter>(tupleFilterMembers),
    state: either(state, list(state, 1)),
    status: either(statusWord, statuses),
    notStatus: either(statusWord, statuses),
    mark: either(integer(0, WORD), bits),
    zone,
  },
  (given, place) => {
    const { family, protocol: given_, reply } = given
    const parts = [
      [given, place],
      [reply ?? {}, place.member('reply')],
    ] as const
    for (const [part, at] of parts) {
      for (const name of ['sourceAddress', 'destinationAddress'] as const) {
        const text_ = part[name]
        if (text_ !== undefined && family !== undefined && versionOf(text_) !== (family === 'ip' ? 4 : 6))
          throw at.member(name).conflict(`must be an address of family ${family}, got ${text_}`)
      }
      checkVersions(part.sourceAddress, part.destinationAddress, at.member('destinationAddress'))
      for (const name of ['sourcePort', 'destinationPort'] as const) {
        if (part[name] === undefined) continue
        if (given_ === undefined)
          throw at.member(name).conflict('needs protocol, one that has ports: tcp, udp, sctp, dccp or udplite')
        if (!hasPorts(protocolNumber(given_)))
          throw at.member(name).conflict(`needs a protocol that has ports, got ${given_}`)
      }
    }
    checkVersions(
      given.sourceAddress ?? given.destinationAddress,
      reply?.sourceAddress ?? reply?.destinationAddress,
      place.member('reply'),
    )
    checkPossible(given, place)
  },
)

const conntrackOptions: Schema<ConntrackOptions> = object<ConntrackOptions>({
  transport: required(transportOrOpen),
  receiveBufferSize: integer(1, 0x7fffffff),
  requestTimeout: milliseconds(1),
  signal: abortSignal,
})

const listOptions: Schema<ListOptions> = object<ListOptions>({
  signal: abortSignal,
  timeout: milliseconds(1),
  resetCounters: boolean,
})

const eventOptions: Schema<EventOptions> = object<EventOptions>(
  {
    new: boolean,
    update: boolean,
    destroy: boolean,
    filter: connectionFilter,
    receiveBufferSize: integer(1, 0x7fffffff),
    signal: abortSignal,
  },
  (given, place) => {
    if (given.new === false && given.update === false && given.destroy === false)
      throw place.conflict('must leave one of new, update and destroy')
  },
)

const newExpectation: Schema<NewExpectation> = object<NewExpectation>(
  { ...expectationMembers, master: required(tuple), timeout: required(timeout), zone },
  (given, place) => {
    checkVersions(given.master.sourceAddress, given.tuple.sourceAddress, place.member('tuple').member('sourceAddress'))
    checkMask(given, place)
  },
)

export const checkConntrackOptions = (given: ConntrackOptions): ConntrackOptions =>
  readOptions('open conntrack', conntrackOptions, given)
export const checkEventOptions = (given: EventOptions): EventOptions =>
  readOptions('watch connections', eventOptions, given)
export const checkFilter = (operation: string, given: ConnectionFilter): ConnectionFilter =>
  readOptions(operation, connectionFilter, given)
export const checkConnectionKey = (operation: string, given: ConnectionKey): ConnectionKey =>
  readOptions(operation, anyKey, given)
export const checkListOptions = (given: ListOptions): ListOptions => readOptions('list connections', listOptions, given)
/** @param key the connection to change */
export function checkChanges(given: ConnectionChanges, { original, reply }: ConnectionKey): ConnectionChanges {
  const checked = readOptions('update connection', changes, given)
  const tuple = original ?? reply
  if (checked.state !== undefined && tuple !== undefined && protocolNumber(tuple.protocol) !== connectionProtocols.tcp)
    throw new OptionPlace('update connection', 'state').conflict(
      `can be set of tcp alone, got a connection of ${tuple.protocol}`,
    )
  return checked
}
/** @param present the status that it has */
export function checkStatusChange({ status }: ConnectionChanges, present: readonly ConntrackStatusWord[]): void {
  checkSettable(status, present, new OptionPlace('update connection'))
}
export const checkVerdictChanges = (given: ConnectionVerdict): ConnectionVerdict =>
  readArgument('answer packet', 'connection', verdictChanges, given)
export const checkNewConnection = (given: NewConnection): NewConnection =>
  readOptions('create connection', newConnection, given)
export const checkNewExpectation = (given: NewExpectation): NewExpectation =>
  readOptions('create expectation', newExpectation, given)
const expectationPlace: Schema<ExpectationPlace> = object<ExpectationPlace>({ zone })
export const checkExpectationPlace = (operation: string, given: ExpectationPlace): ExpectationPlace =>
  readOptions(operation, expectationPlace, given)
export const checkTuple = (operation: string, given: ConnectionTuple): ConnectionTuple =>
  readOptions(operation, tuple, given)
