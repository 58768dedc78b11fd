/** The properties that rules match, described for the check of options: what each can be, by itself. */
import { MAXIMUM_NFTABLES_NAME } from '@ringlink/codec/internal'
import {
  boolean,
  either,
  integer,
  list,
  type Members,
  object,
  oneOf,
  required,
  type Schema,
  schemaOf,
  text,
} from '@ringlink/codec/options'
import {
  anyIcmpTypeKind,
  byteKind,
  counterKind,
  dayKind,
  directionKind,
  dscpKind,
  etherTypeKind,
  groupKind,
  icmpCodeKind,
  markKind,
  packetTypeKind,
  portKind,
  protocolKind,
  stateKind,
  statusKind,
  tcpFlagKind,
  timeSchema,
  userGroupKind,
  userKind,
  vlanKind,
  wordKind,
  zoneKind,
} from './fields/fields.ts'
import { addressKind, deviceNameKind, hardwareAddressKind, type ValueKind } from './fields/kinds.ts'
import type {
  CombinedInSet,
  CombinedProperties,
  InSet,
  MarkBits,
  OneOrMore,
  RuleMatch,
  RuleProperties,
  SetProperty,
  TcpFlagsOf,
  TimeRange,
} from './properties.ts'
import { isInSet, setProperties } from './sets/definition.ts'

const WORD = 0xffffffff
/** Elements of a list: those of one message, with room to spare. */
export const MOST_ELEMENTS = 1000

/** One value of a kind, or a list of them. */
function values<Value>({ element }: ValueKind<Value>): Schema<OneOrMore<Value>> {
  return either(element, list(element, 1, MOST_ELEMENTS))
}

/** An object, or another value; where that can be an object too, it is one with a member `from` or `to`. */
function objectOr<Value, Other>(own: Schema<Value>, other: Schema<Other>): Schema<Value | Other> {
  const isOther = (value: object) => other.types.includes('object') && ('from' in value || 'to' in value)
  return {
    expected: `${other.expected}, or ${own.expected}`,
    types: other.types.includes('object') ? other.types : [...other.types, 'object'],
    read: (value, place) => {
      const isOwn = typeof value === 'object' && value !== null && !Array.isArray(value) && !isOther(value)
      return isOwn ? own.read(value, place) : other.read(value, place)
    },
  }
}

/** Some bits of a number of 32 bits. */
export const bits: Schema<MarkBits> = object<MarkBits>(
  { value: required(integer(0, WORD)), mask: required(integer(1, WORD)) },
  ({ value, mask }, place) => {
    if ((value & ~mask) !== 0)
      throw place.member('value').outOfRange(`without bits that mask (${mask}) does not have`, value)
  },
)

const inSet: Schema<InSet> = object<InSet>({ in: required(text(1, MAXIMUM_NFTABLES_NAME)) })

/** A set, or another value. */
function setOr<Value>(other: Schema<Value>): Schema<Value | InSet> {
  return {
    expected: `${other.expected}, or { in: SET }`,
    types: other.types.includes('object') ? other.types : [...other.types, 'object'],
    read: (value, place) => (isInSet(value) ? inSet.read(value, place) : other.read(value, place)),
  }
}

const mark = setOr(objectOr(bits, values(markKind)))

const tcpFlags = objectOr(
  object<TcpFlagsOf>({
    flags: required(list(tcpFlagKind.element)),
    mask: required(list(tcpFlagKind.element, 1)),
  }),
  values(tcpFlagKind),
)

const version: Schema<4 | 6> = schemaOf('4 or 6', ['number'], (value: number, place) => {
  if (value === 4 || value === 6) return value
  throw place.outOfRange('4 or 6', value)
})

const addresses = setOr(values(addressKind(4)))
const ports = setOr(values(portKind))
const devices = setOr(values(deviceNameKind))
const hardwareAddresses = setOr(values(hardwareAddressKind))
const words = values(wordKind)

const properties: Members<RuleProperties> = {
  version,
  protocol: values(protocolKind),
  sourcePort: ports,
  destinationPort: ports,
  sourceAddress: addresses,
  destinationAddress: addresses,
  icmpType: values(anyIcmpTypeKind),
  icmpCode: values(icmpCodeKind),
  tcpFlags,
  packetLength: values(wordKind),
  packetType: values(packetTypeKind),
  ttl: values(byteKind),
  hopLimit: values(byteKind),
  nextHeader: values(protocolKind),
  dscp: values(dscpKind),
  fragment: boolean,
  sourceHardwareAddress: hardwareAddresses,
  destinationHardwareAddress: hardwareAddresses,
  etherType: values(etherTypeKind),
  vlanId: values(vlanKind),
  inputInterface: devices,
  outputInterface: devices,
  inputInterfaceGroup: values(groupKind),
  outputInterfaceGroup: values(groupKind),
  mark,
  ctMark: mark,
  ctState: values(stateKind),
  ctStatus: values(statusKind),
  ctDirection: directionKind.element,
  ctPackets: values(counterKind),
  ctBytes: values(counterKind),
  ctOriginalPackets: values(counterKind),
  ctReplyPackets: values(counterKind),
  ctOriginalBytes: values(counterKind),
  ctReplyBytes: values(counterKind),
  ctZone: values(zoneKind),
  userId: values(userKind),
  groupId: values(userGroupKind),
  cgroup: words,
  timeOfDay: object<TimeRange>({ from: required(timeSchema), to: required(timeSchema) }),
  day: values(dayKind),
  socket: oneOf('existing', 'transparent'),
  reversePath: boolean,
}

/** A property that can be looked up in a set. */
const setProperty: Schema<SetProperty> = oneOf(...setProperties)

/** The properties that are the key of a set: one, or those of a set of several types. */
export const keyProperties: Schema<OneOrMore<SetProperty>> = either(setProperty, list(setProperty, 1))

const combinedInSet: Schema<CombinedInSet> = object<CombinedInSet>({
  of: required(list(setProperty, 2)),
  in: required(text(1, MAXIMUM_NFTABLES_NAME)),
})

const combined: Members<CombinedProperties> = {
  ...properties,
  combined: either(combinedInSet, list(combinedInSet, 1)),
}

/** `match` of a rule. */
export const match: Schema<RuleMatch> = object<RuleMatch>({ ...combined, not: object<CombinedProperties>(combined) })
