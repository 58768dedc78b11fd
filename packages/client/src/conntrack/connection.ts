/** Owned connections from the kernel's messages. */

import type { AttributeValues } from '@ringlink/codec'
import { type Conntrack, type Expectation, statusWordsOf, type tupleAttributes } from '@ringlink/codec'
import { formatAddress } from '@ringlink/packet'
import type { Connection, ConnectionCounters, ConnectionTuple, ExpectedConnection } from './types.ts'
import { expectationFlagWords, protocolWord, stateWord } from './words.ts'

type TupleValues = AttributeValues<typeof tupleAttributes>

const MILLISECONDS = 1000

/** One direction; addresses and protocol that are missing, as in a damaged message, read as '' and 0. */
export function tupleOf({ address = {}, protocol = {}, zone }: TupleValues): ConnectionTuple {
  const source = address.ipv4Source ?? address.ipv6Source
  const destination = address.ipv4Destination ?? address.ipv6Destination
  const tuple: Record<string, unknown> = {
    sourceAddress: source === undefined ? '' : formatAddress(source),
    destinationAddress: destination === undefined ? '' : formatAddress(destination),
    protocol: protocolWord(protocol.number ?? 0),
  }
  put(tuple, 'sourcePort', protocol.sourcePort)
  put(tuple, 'destinationPort', protocol.destinationPort)
  put(tuple, 'icmpId', protocol.icmpId ?? protocol.icmpv6Id)
  put(tuple, 'icmpType', protocol.icmpType ?? protocol.icmpv6Type)
  put(tuple, 'icmpCode', protocol.icmpCode ?? protocol.icmpv6Code)
  put(tuple, 'zone', zone)
  return tuple as unknown as ConnectionTuple
}

/** The connection that attributes describe. */
export function connectionOf(attributes: Conntrack): Connection {
  const { original = {}, reply = {}, master, protocolInformation = {}, timestamp } = attributes
  const { tcp, sctp, dccp } = protocolInformation
  const connection: Record<string, unknown> = {
    family: original.address?.ipv6Source === undefined ? 'ip' : 'ip6',
    original: tupleOf(original),
    reply: tupleOf(reply),
    zone: attributes.zone ?? 0,
    status: statusWordsOf(attributes.status ?? 0),
    mark: attributes.mark ?? 0,
  }
  put(connection, 'master', master === undefined ? undefined : tupleOf(master))
  put(connection, 'id', attributes.id)
  put(connection, 'state', stateWord(tcp?.state, sctp?.state, dccp?.state))
  put(connection, 'timeout', attributes.timeout === undefined ? undefined : attributes.timeout * MILLISECONDS)
  put(connection, 'use', attributes.use)
  put(connection, 'counters', countersOf(attributes))
  if (timestamp?.start !== undefined) {
    const { start, stop } = timestamp
    connection.timestamp = stop === undefined ? { start } : { start, stop }
  }
  put(connection, 'labels', attributes.labels)
  put(connection, 'helper', attributes.helper?.name)
  put(connection, 'securityContext', attributes.securityContext?.name)
  connection.attributes = attributes
  return connection as unknown as Connection
}

/** The expected connection that attributes describe. */
export function expectedOf(attributes: Expectation): ExpectedConnection {
  const { master, tuple = {}, mask, timeout, flags = 0 } = attributes
  const expected: Record<string, unknown> = {
    tuple: tupleOf(tuple),
    flags: expectationFlagWords.filter((_, bit) => (flags & (1 << bit)) !== 0),
  }
  put(expected, 'master', master === undefined ? undefined : tupleOf(master))
  put(expected, 'mask', mask === undefined ? undefined : tupleOf(mask))
  put(expected, 'id', attributes.id)
  put(expected, 'timeout', timeout === undefined ? undefined : timeout * MILLISECONDS)
  put(expected, 'zone', attributes.zone)
  put(expected, 'helper', attributes.helperName)
  put(expected, 'class', attributes.class)
  expected.attributes = attributes
  return expected as unknown as ExpectedConnection
}

/** Missing values are not members, so that objects compare and print cleanly. */
function put(target: Record<string, unknown>, name: string, value: unknown): void {
  if (value !== undefined) target[name] = value
}

function countersOf({ countersOriginal, countersReply }: Conntrack): Connection['counters'] {
  if (countersOriginal === undefined && countersReply === undefined) return undefined
  return { original: counted(countersOriginal), reply: counted(countersReply) }
}

function counted(counters: Conntrack['countersOriginal'] = {}): ConnectionCounters {
  return {
    packets: counters.packets ?? BigInt(counters.packets32 ?? 0),
    bytes: counters.bytes ?? BigInt(counters.bytes32 ?? 0),
  }
}
