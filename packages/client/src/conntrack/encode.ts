/** Attributes of requests from checked connections. */
import {
  type AttributeValues,
  type Conntrack,
  ConntrackStatus,
  type Expectation,
  statusBitsOf,
  type tupleAttributes,
} from '@ringlink/codec'
import { parseAddress } from '@ringlink/packet'
import type {
  ConnectionChanges,
  ConnectionKey,
  ConnectionNat,
  ConnectionTuple,
  NewConnection,
  NewExpectation,
  VerdictExpectation,
} from './types.ts'
import { connectionProtocols, expectationFlagWords, inverseIcmpTypes, protocolNumber, tcpStateNumber } from './words.ts'

type TupleValues = AttributeValues<typeof tupleAttributes>

const ALL = 0xffffffff

/** CTA_TUPLE_*. */
export function tupleValues(tuple: ConnectionTuple): TupleValues {
  const source = parseAddress(tuple.sourceAddress)
  const destination = parseAddress(tuple.destinationAddress)
  const number = protocolNumber(tuple.protocol)
  const address =
    source.length === 4
      ? { ipv4Source: source, ipv4Destination: destination }
      : { ipv6Source: source, ipv6Destination: destination }
  const { icmpId = 0, icmpType = 0, icmpCode = 0 } = tuple
  let protocol: TupleValues['protocol']
  if (number === connectionProtocols.icmp) protocol = { number, icmpId, icmpType, icmpCode }
  else if (number === connectionProtocols.icmpv6)
    protocol = { number, icmpv6Id: icmpId, icmpv6Type: icmpType, icmpv6Code: icmpCode }
  else protocol = { number, sourcePort: tuple.sourcePort, destinationPort: tuple.destinationPort }
  return { address, protocol, zone: tuple.zone }
}

/** `nfgen_family` of a tuple. */
export function familyOfTuple({ sourceAddress }: ConnectionTuple): number {
  return sourceAddress.includes(':') ? 10 : 2
}

/** The reverse of a direction. */
export function reversed(tuple: ConnectionTuple): ConnectionTuple {
  const types = inverseIcmpTypes.get(protocolNumber(tuple.protocol))
  return {
    ...tuple,
    sourceAddress: tuple.destinationAddress,
    destinationAddress: tuple.sourceAddress,
    sourcePort: tuple.destinationPort,
    destinationPort: tuple.sourcePort,
    // The kernel takes the zone of one direction alone.
    zone: undefined,
    icmpType: tuple.icmpType === undefined ? undefined : (types?.get(tuple.icmpType) ?? tuple.icmpType),
  }
}

/** The attributes that name a connection. One direction is enough; with the id the kernel uses only this connection. */
export function keyValues({ original, reply, zone = 0, id }: ConnectionKey): { family: number; attributes: Conntrack } {
  const tuple = original ?? (reply as ConnectionTuple)
  const values = tupleValues(tuple)
  return {
    family: familyOfTuple(tuple),
    attributes: {
      ...(original === undefined ? { reply: values } : { original: values }),
      zone: zone === 0 ? undefined : zone,
      id,
    },
  }
}

/**
 * @param present bits that the connection has: the kernel refuses a status that lacks one of them, and that of a
 * connection in its table
 */
export function changeValues(changes: ConnectionChanges, present: number = ConntrackStatus.Confirmed): Conntrack {
  const { timeout, mark, status, state, labels, helper, attributes } = changes
  const marked = typeof mark === 'number' || mark === undefined ? { value: mark, mask: undefined } : mark
  const labelled = labels instanceof Uint8Array || labels === undefined ? { value: labels, mask: undefined } : labels
  return {
    status: status === undefined ? undefined : statusBitsOf(status) | present,
    protocolInformation: state === undefined ? undefined : { tcp: { state: tcpStateNumber(state) } },
    helper: helper === undefined ? undefined : { name: helper },
    timeout: timeout === undefined ? undefined : seconds(timeout),
    mark: marked.value,
    markMask: marked.mask === ALL ? undefined : marked.mask,
    labels: labelled.value,
    labelsMask: labelled.mask,
    ...attributes,
  }
}

export function newConnectionValues(connection: NewConnection): { family: number; attributes: Conntrack } {
  const { original, reply = reversed(original), zone = 0, sourceNat, destinationNat, master } = connection
  return {
    family: familyOfTuple(original),
    attributes: {
      original: tupleValues(original),
      reply: tupleValues(reply),
      zone: zone === 0 ? undefined : zone,
      natSource: sourceNat === undefined ? undefined : natValues(sourceNat),
      natDestination: destinationNat === undefined ? undefined : natValues(destinationNat),
      master: master === undefined ? undefined : tupleValues(master),
      ...changeValues(connection),
    },
  }
}

function natValues({ address, port }: ConnectionNat): NonNullable<Conntrack['natSource']> {
  const bytes = parseAddress(address)
  const range =
    bytes.length === 4 ? { ipv4Minimum: bytes, ipv4Maximum: bytes } : { ipv6Minimum: bytes, ipv6Maximum: bytes }
  return port === undefined ? range : { ...range, protocol: { portMinimum: port, portMaximum: port } }
}

export function newExpectationValues(expectation: NewExpectation): { family: number; attributes: Expectation } {
  const { master, tuple, timeout, zone = 0 } = expectation
  return {
    family: familyOfTuple(tuple),
    attributes: {
      master: tupleValues(master),
      timeout: seconds(timeout),
      zone: zone === 0 ? undefined : zone,
      ...expectationValues(expectation),
    },
  }
}

/** The attributes of an expectation that do not name its master. */
export function expectationValues(expectation: VerdictExpectation): Expectation {
  const { tuple, mask = wholeMask(tuple), helper, flags, attributes } = expectation
  return {
    tuple: tupleValues(tuple),
    mask: tupleValues(mask),
    helperName: helper,
    flags: flags?.reduce((bits, word) => bits | (1 << expectationFlagWords.indexOf(word)), 0),
    class: expectation.class,
    ...attributes,
  }
}

/** The mask of an expectation whose source port does not matter. */
function wholeMask(tuple: ConnectionTuple): ConnectionTuple {
  const ones = tuple.sourceAddress.includes(':') ? 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff' : '255.255.255.255'
  return {
    sourceAddress: ones,
    destinationAddress: ones,
    protocol: tuple.protocol,
    sourcePort: tuple.sourcePort === undefined ? undefined : 0,
    destinationPort: tuple.destinationPort === undefined ? undefined : 0xffff,
    icmpId: tuple.icmpId === undefined ? undefined : 0xffff,
    icmpType: tuple.icmpType,
    icmpCode: tuple.icmpCode,
  }
}

function seconds(milliseconds: number): number {
  return Math.ceil(milliseconds / 1000)
}
