/** What requests, and verdicts on packets, change of a connection; with the kernel's errors. */
import { ConntrackEventBit, ConntrackStatus, Errno, TcpTrackingFlag } from '@ringlink/codec'
import { IpProtocol } from '@ringlink/packet'
import { type MessagePolicy, nested, u32 } from '../netlink/attribute-policy.ts'
import type { AttributeTable } from '../netlink/policy.ts'
import { CTA, HELP, PROTOINFO, PROTOINFO_TCP, SEQADJ, SYNPROXY } from './attributes.ts'
import { type Connection, LABEL_BYTES, type SequenceAdjustment } from './connection.ts'
import { findHelper } from './helpers.ts'
import { nest } from './parse.ts'
import type { ConntrackTable } from './table.ts'
import { type TcpSide, TcpState, TcpTracking } from './tcp-tracking.ts'

const SECOND = 1000

/** Bits of the status that nobody may change from outside (IPS_UNCHANGEABLE_MASK), and those that there are not. */
const UNCHANGEABLE =
  0xffff0000 |
  ConntrackStatus.Expected |
  ConntrackStatus.Confirmed |
  ConntrackStatus.SourceNat |
  ConntrackStatus.DestinationNat |
  ConntrackStatus.SequenceAdjust |
  ConntrackStatus.SourceNatDone |
  ConntrackStatus.DestinationNatDone |
  ConntrackStatus.Dying |
  ConntrackStatus.Template |
  ConntrackStatus.NatClash |
  ConntrackStatus.Offload |
  ConntrackStatus.HardwareOffload

/**
 * Changes all that a request says of a connection that is there. 0, or a negative errno; what came before an error
 * stays.
 */
export function changeConnection(table: ConntrackTable, connection: Connection, attributes: AttributeTable): number {
  if (attributes.has(CTA.natSource) || attributes.has(CTA.natDestination) || attributes.has(CTA.master)) {
    return -Errno.EOPNOTSUPP
  }
  return inOrder([
    () => (attributes.has(CTA.helper) ? changeHelper(table, connection, attributes) : 0),
    () => (attributes.has(CTA.timeout) ? changeTimeout(table, connection, attributes) : 0),
    () => (attributes.has(CTA.status) ? changeStatus(connection, attributes) : 0),
    () => (attributes.has(CTA.protocolInformation) ? changeProtocol(connection, attributes) : 0),
    () => changeMark(connection, attributes),
    () => changeAdjustments(connection, attributes),
    () => changeSynproxy(connection, attributes),
    () => (attributes.has(CTA.labels) ? changeLabels(table, connection, attributes) : 0),
  ])
}

/** What a verdict on a packet says of its connection. */
export function changeByVerdict(table: ConntrackTable, connection: Connection, attributes: AttributeTable): number {
  return inOrder([
    () => (attributes.has(CTA.timeout) ? changeTimeout(table, connection, attributes) : 0),
    () => (attributes.has(CTA.status) ? updateStatus(connection, attributes.be32(CTA.status)) : 0),
    () => (attributes.has(CTA.helper) ? changeHelper(table, connection, attributes) : 0),
    () => (attributes.has(CTA.labels) ? changeLabels(table, connection, attributes) : 0),
    () => changeMark(connection, attributes),
  ])
}

function inOrder(steps: readonly (() => number)[]): number {
  for (const step of steps) {
    const errno = step()
    if (errno !== 0) return errno
  }
  return 0
}

const helpPolicy: MessagePolicy = [undefined, { kind: 'name', maximum: 15 }]

/** The name in CTA_HELP; or a negative errno. */
export function parseHelper(attributes: AttributeTable): string | number {
  const help = nest(attributes, CTA.helper, helpPolicy)
  if (typeof help === 'number') return help
  return help.has(HELP.name) ? help.text(HELP.name) : -Errno.EINVAL
}

function changeHelper(table: ConntrackTable, connection: Connection, attributes: AttributeTable): number {
  const name = parseHelper(attributes)
  if (typeof name === 'number') return name
  const state = connection.helper
  if (connection.master !== undefined) return state?.helper?.name === name ? 0 : -Errno.EBUSY
  if (name === '') {
    if (state?.helper !== undefined) {
      table.removeExpectations(state)
      state.helper = undefined
    }
    return 0
  }
  const helper = findHelper(name, connection.family, connection.protocol)
  if (helper === undefined || state === undefined) return -Errno.EOPNOTSUPP
  return state.helper === helper ? 0 : -Errno.EBUSY
}

function changeTimeout(table: ConntrackTable, connection: Connection, attributes: AttributeTable): number {
  if (connection.has(ConntrackStatus.FixedTimeout)) return -Errno.EPERM
  table.setTimeout(connection, attributes.be32(CTA.timeout) * SECOND)
  return connection.isDying ? -Errno.ETIME : 0
}

/** Bits that were seen of packets stay: they can be set, not cleared. */
function clearsSeen(connection: Connection, status: number): boolean {
  return (connection.status & ~status & (ConntrackStatus.SeenReply | ConntrackStatus.Assured)) !== 0
}

export function changeStatus(connection: Connection, attributes: AttributeTable): number {
  const status = attributes.be32(CTA.status)
  const changed = connection.status ^ status
  if ((changed & (ConntrackStatus.Expected | ConntrackStatus.Confirmed | ConntrackStatus.Dying)) !== 0)
    return -Errno.EBUSY
  if (clearsSeen(connection, status)) return -Errno.EBUSY
  connection.status |= status & ~UNCHANGEABLE
  return 0
}

/** As {@link changeStatus}, but the bits that cannot be changed are ignored, and those that can be may be cleared. */
function updateStatus(connection: Connection, status: number): number {
  if (clearsSeen(connection, status)) return -Errno.EBUSY
  connection.status = ((connection.status & (UNCHANGEABLE | status)) | (status & ~UNCHANGEABLE)) >>> 0
  return 0
}

const protocolPolicy: MessagePolicy = [undefined, nested, nested, nested]
const flagsPolicy = { kind: 'bytes', minimum: 2 } as const
const tcpPolicy: MessagePolicy = [
  undefined,
  { kind: 'u8', maximum: TcpState.SynSent2 },
  { kind: 'u8', maximum: 14 },
  { kind: 'u8', maximum: 14 },
  flagsPolicy,
  flagsPolicy,
]

export function changeProtocol(connection: Connection, attributes: AttributeTable): number {
  const information = nest(attributes, CTA.protocolInformation, protocolPolicy)
  if (typeof information === 'number') return information
  if (connection.protocol !== IpProtocol.Tcp || !information.has(PROTOINFO.tcp)) return 0
  const fields = nest(information, PROTOINFO.tcp, tcpPolicy)
  if (typeof fields === 'number') return fields
  connection.tcp ??= new TcpTracking()
  const { tcp } = connection
  const u8 = (number: number, index = 0) => fields.memory?.u8[fields.at(number) + index] ?? 0
  if (fields.has(PROTOINFO_TCP.state)) tcp.state = u8(PROTOINFO_TCP.state)
  const changeFlags = (side: TcpSide, number: number) => {
    if (!fields.has(number)) return
    const [flags, mask] = [u8(number), u8(number, 1)]
    side.flags = (side.flags & ~mask) | (flags & mask)
  }
  changeFlags(tcp.sides[0], PROTOINFO_TCP.flagsOriginal)
  changeFlags(tcp.sides[1], PROTOINFO_TCP.flagsReply)
  const haveScales = fields.has(PROTOINFO_TCP.windowScaleOriginal) && fields.has(PROTOINFO_TCP.windowScaleReply)
  if (haveScales && (tcp.sides[0].flags & tcp.sides[1].flags & TcpTrackingFlag.WindowScale) !== 0) {
    tcp.sides[0].scale = u8(PROTOINFO_TCP.windowScaleOriginal)
    tcp.sides[1].scale = u8(PROTOINFO_TCP.windowScaleReply)
  }
  return 0
}

export function changeMark(connection: Connection, attributes: AttributeTable): number {
  if (!attributes.has(CTA.mark)) return 0
  const kept = attributes.has(CTA.markMask) ? ~attributes.be32(CTA.markMask) : 0
  connection.mark = ((connection.mark & kept) ^ attributes.be32(CTA.mark)) >>> 0
  return 0
}

const adjustmentPolicy: MessagePolicy = [undefined, u32, u32, u32]

export function changeAdjustments(connection: Connection, attributes: AttributeTable): number {
  const { adjustments } = connection
  if (adjustments === undefined) return 0
  const change = (number: number, adjustment: SequenceAdjustment): number => {
    if (!attributes.has(number)) return 0
    const fields = nest(attributes, number, adjustmentPolicy)
    if (typeof fields === 'number') return fields
    if (!fields.has(SEQADJ.correctionPosition)) return -Errno.EINVAL
    adjustment.position = fields.be32(SEQADJ.correctionPosition)
    if (!fields.has(SEQADJ.offsetBefore)) return -Errno.EINVAL
    adjustment.before = fields.be32(SEQADJ.offsetBefore)
    if (!fields.has(SEQADJ.offsetAfter)) return -Errno.EINVAL
    adjustment.after = fields.be32(SEQADJ.offsetAfter)
    connection.status |= ConntrackStatus.SequenceAdjust
    return 0
  }
  return inOrder([
    () => change(CTA.sequenceAdjustmentOriginal, adjustments[0]),
    () => change(CTA.sequenceAdjustmentReply, adjustments[1]),
  ])
}

const synproxyPolicy: MessagePolicy = [undefined, u32, u32, u32]

export function changeSynproxy(connection: Connection, attributes: AttributeTable): number {
  if (!attributes.has(CTA.synproxy) || connection.synproxy === undefined) return 0
  const fields = nest(attributes, CTA.synproxy, synproxyPolicy)
  if (typeof fields === 'number') return fields
  const { initialSequence, initialTimestamp, timestampOffset } = SYNPROXY
  if (![initialSequence, initialTimestamp, timestampOffset].every((it) => fields.has(it))) return -Errno.EINVAL
  connection.synproxy = {
    initialSequence: fields.be32(initialSequence),
    initialTimestamp: fields.be32(initialTimestamp),
    timestampOffset: fields.be32(timestampOffset),
  }
  return 0
}

/** The labels in a request; or a negative errno. */
export function changeLabels(table: ConntrackTable, connection: Connection, attributes: AttributeTable): number {
  const labels = attributes.bytes(CTA.labels)
  if (labels.length % 4 !== 0) return -Errno.EINVAL
  let mask: Uint8Array | undefined
  if (attributes.has(CTA.labelsMask)) {
    mask = attributes.bytes(CTA.labelsMask)
    if (mask.length === 0 || mask.length !== labels.length) return -Errno.EINVAL
  }
  return replaceLabels(table, connection, labels, mask)
}

/**
 * Sets labels: where a mask has bits the old ones are left out; those after the end are cleared. 0, or a negative
 * errno.
 */
export function replaceLabels(
  table: ConntrackTable,
  connection: Connection,
  labels: Uint8Array,
  mask: Uint8Array | undefined,
): number {
  const own = connection.labels
  if (own === undefined) return -Errno.ENOSPC
  let changed = false
  for (let i = 0; i < LABEL_BYTES; i++) {
    const isGiven = i < labels.length
    const kept = isGiven && mask !== undefined ? (own[i] as number) & ~(mask[i] as number) : 0
    const next = (kept ^ (labels[i] ?? 0)) & 0xff
    if (isGiven && next !== own[i]) changed = true
    own[i] = next
  }
  if (changed) table.note(connection, ConntrackEventBit.Label)
  return 0
}
