/** Reads the nested attributes of a packet, or all its attributes at once, as owned values. */
import type { AttributeValues } from '../../schema/format.ts'
import { type Conntrack, conntrackAttributes } from '../conntrack/attributes.ts'
import { type Expectation, expectationAttributes } from '../conntrack/expectation.ts'
import { messageAttributes, nestedAttributes } from '../packet-attributes.ts'
import { type QueueAttributes, queueAttributes, queueVlanAttributes } from './attributes.ts'
import type { QueuePacketView } from './packet.ts'

/** All attributes of the message, unknown ones included. Throws `DecodeError`. */
export function queuePacketAttributes(packet: QueuePacketView): QueueAttributes {
  return messageAttributes(packet, queueAttributes)
}

/** The connection that the packet belongs to (NFQA_CT). Throws `DecodeError` if its attributes are malformed. */
export function queuePacketConntrack(packet: QueuePacketView): Conntrack | undefined {
  return nestedAttributes(packet, queueAttributes.members.conntrack.number, conntrackAttributes)
}

/**
 * The expected connection that the packet announces (NFQA_EXP). Throws `DecodeError` if its attributes are malformed.
 */
export function queuePacketExpectation(packet: QueuePacketView): Expectation | undefined {
  return nestedAttributes(packet, queueAttributes.members.expectation.number, expectationAttributes)
}

/** The VLAN tag (NFQA_VLAN). Throws `DecodeError` if its attributes are malformed. */
export function queuePacketVlan(packet: QueuePacketView): AttributeValues<typeof queueVlanAttributes> | undefined {
  return nestedAttributes(packet, queueAttributes.members.vlan.number, queueVlanAttributes)
}
