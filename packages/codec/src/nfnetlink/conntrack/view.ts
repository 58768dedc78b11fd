/**
 * A connection as the kernel lists and reports it: IPCTNL_MSG_CT_NEW, or IPCTNL_MSG_CT_DELETE when it is gone.
 *
 *  nlmsghdr | nfgenmsg | CTA_TUPLE_ORIG | CTA_TUPLE_REPLY | CTA_STATUS | CTA_TIMEOUT | … | CTA_ID
 */
import { type Memory, RELEASED_DATA, RELEASED_MEMORY } from '../../wire/memory.ts'
import { MessageView, NewFlag } from '../../wire/message.ts'
import { readNfnetlinkAttributes } from '../header.ts'
import { type Conntrack, conntrackAttributes } from './attributes.ts'
import { ConntrackMessage } from './messages.ts'
import { NestedIndex, NestedMessageView } from './nested-view.ts'

const index = new NestedIndex(conntrackAttributes, [ConntrackMessage.New, ConntrackMessage.Delete])

/** What an event says of its connection. */
export type ConntrackEvent = 'new' | 'update' | 'destroy'

const CREATE = NewFlag.Create

/** Slots of one direction. */
interface TupleSlots {
  readonly tuple: number
  readonly ipv4Source: number
  readonly ipv4Destination: number
  readonly ipv6Source: number
  readonly ipv6Destination: number
  readonly protocol: number
  readonly sourcePort: number
  readonly destinationPort: number
  readonly icmpId: number
  readonly icmpType: number
  readonly icmpCode: number
  readonly icmpv6Id: number
  readonly icmpv6Type: number
  readonly icmpv6Code: number
  readonly zone: number
}

function tupleSlots(name: 'original' | 'reply' | 'master'): TupleSlots {
  const address = (member: string) => index.slot(name, 'address', member)
  const protocol = (member: string) => index.slot(name, 'protocol', member)
  return {
    tuple: index.slot(name),
    ipv4Source: address('ipv4Source'),
    ipv4Destination: address('ipv4Destination'),
    ipv6Source: address('ipv6Source'),
    ipv6Destination: address('ipv6Destination'),
    protocol: protocol('number'),
    sourcePort: protocol('sourcePort'),
    destinationPort: protocol('destinationPort'),
    icmpId: protocol('icmpId'),
    icmpType: protocol('icmpType'),
    icmpCode: protocol('icmpCode'),
    icmpv6Id: protocol('icmpv6Id'),
    icmpv6Type: protocol('icmpv6Type'),
    icmpv6Code: protocol('icmpv6Code'),
    zone: index.slot(name, 'zone'),
  }
}

/** One direction of the connection that a {@link ConntrackView} is aimed at; it follows the view. */
export class TupleView {
  // Not #private: read for each row.
  private readonly view: NestedMessageView
  private readonly slots: TupleSlots

  constructor(view: NestedMessageView, slots: TupleSlots) {
    this.view = view
    this.slots = slots
  }

  /** whether there is such a tuple: a destroyed connection has both, one without a master has no third */
  get isPresent(): boolean {
    return this.view.has(this.slots.tuple)
  }

  /** bytes of the addresses: 4, 16, or 0 where there are none */
  get addressLength(): number {
    const { view, slots } = this
    return view.has(slots.ipv4Source) ? 4 : view.has(slots.ipv6Source) ? 16 : 0
  }

  /** where the source address lies in the memory of the view; meaningless where {@link addressLength} is 0 */
  get sourceOffset(): number {
    const { view, slots } = this
    return view.payloadAt(view.has(slots.ipv4Source) ? slots.ipv4Source : slots.ipv6Source)
  }

  /** where the destination address lies in the memory of the view; meaningless where {@link addressLength} is 0 */
  get destinationOffset(): number {
    const { view, slots } = this
    return view.payloadAt(view.has(slots.ipv4Destination) ? slots.ipv4Destination : slots.ipv6Destination)
  }

  /** A copy of the source address (CTA_IP_V4_SRC, CTA_IP_V6_SRC). */
  source(): Uint8Array | undefined {
    return this.view.bytesAt(this.slots.ipv4Source) ?? this.view.bytesAt(this.slots.ipv6Source)
  }

  /** A copy of the destination address (CTA_IP_V4_DST, CTA_IP_V6_DST). */
  destination(): Uint8Array | undefined {
    return this.view.bytesAt(this.slots.ipv4Destination) ?? this.view.bytesAt(this.slots.ipv6Destination)
  }

  /** number of the transport protocol (CTA_PROTO_NUM) */
  get protocol(): number | undefined {
    return this.view.byteAt(this.slots.protocol)
  }

  /** CTA_PROTO_SRC_PORT */
  get sourcePort(): number | undefined {
    return this.view.halfWordAt(this.slots.sourcePort)
  }

  /** CTA_PROTO_DST_PORT */
  get destinationPort(): number | undefined {
    return this.view.halfWordAt(this.slots.destinationPort)
  }

  /** CTA_PROTO_ICMP_ID, CTA_PROTO_ICMPV6_ID */
  get icmpId(): number | undefined {
    return this.view.halfWordAt(this.slots.icmpId) ?? this.view.halfWordAt(this.slots.icmpv6Id)
  }

  /** CTA_PROTO_ICMP_TYPE, CTA_PROTO_ICMPV6_TYPE */
  get icmpType(): number | undefined {
    return this.view.byteAt(this.slots.icmpType) ?? this.view.byteAt(this.slots.icmpv6Type)
  }

  /** CTA_PROTO_ICMP_CODE, CTA_PROTO_ICMPV6_CODE */
  get icmpCode(): number | undefined {
    return this.view.byteAt(this.slots.icmpCode) ?? this.view.byteAt(this.slots.icmpv6Code)
  }

  /** zone of this direction alone (CTA_TUPLE_ZONE) */
  get zone(): number | undefined {
    return this.view.halfWordAt(this.slots.zone)
  }
}

const slots = {
  original: tupleSlots('original'),
  reply: tupleSlots('reply'),
  master: tupleSlots('master'),
  status: index.slot('status'),
  tcpState: index.slot('protocolInformation', 'tcp', 'state'),
  sctpState: index.slot('protocolInformation', 'sctp', 'state'),
  dccpState: index.slot('protocolInformation', 'dccp', 'state'),
  helper: index.slot('helper', 'name'),
  timeout: index.slot('timeout'),
  mark: index.slot('mark'),
  originalPackets: index.slot('countersOriginal', 'packets'),
  originalBytes: index.slot('countersOriginal', 'bytes'),
  replyPackets: index.slot('countersReply', 'packets'),
  replyBytes: index.slot('countersReply', 'bytes'),
  use: index.slot('use'),
  id: index.slot('id'),
  zone: index.slot('zone'),
  labels: index.slot('labels'),
  start: index.slot('timestamp', 'start'),
  stop: index.slot('timestamp', 'stop'),
  securityContext: index.slot('securityContext', 'name'),
} as const

/**
 * A connection in place; `NestedMessageView` says how long it is valid. Everything without a property here is in {@link
 * attributes}.
 */
export class ConntrackView extends NestedMessageView {
  /** the direction of the first packet (CTA_TUPLE_ORIG) */
  readonly original: TupleView
  /** the other direction, after address translation (CTA_TUPLE_REPLY) */
  readonly reply: TupleView
  /** the connection that expected this one (CTA_TUPLE_MASTER) */
  readonly master: TupleView
  readonly #message = new MessageView()
  // Mark and id can be any number of 32 bits, and V8 makes an object of one above 2^31 that a function returns, unless
  // it inlines the function and the result is always a number. A function of at most 27 bytes of bytecode it inlines in
  // any caller: with these fields the two getters are so short. Not #private: read for each row.
  private data: DataView
  // Offsets of their payloads in the memory; 0 if they are missing.
  private markPlace = 0
  private idPlace = 0

  constructor() {
    super(index)
    this.data = this.memory.data
    this.original = new TupleView(this, slots.original)
    this.reply = new TupleView(this, slots.reply)
    this.master = new TupleView(this, slots.master)
  }

  override wrap(memory: Memory, offset: number, length: number): this {
    this.markPlace = 0
    this.idPlace = 0
    super.wrap(memory, offset, length)
    this.data = memory.data
    if (this.has(slots.mark)) this.markPlace = this.payloadAt(slots.mark)
    if (this.has(slots.id)) this.idPlace = this.payloadAt(slots.id)
    return this
  }

  /** Releases the memory: later reads throw code `RELEASED`. Its owner calls this. */
  release(): void {
    this.memory = RELEASED_MEMORY
    this.data = RELEASED_DATA
  }

  /** what happened, where the message is an event; a row of a listing reads as `update` */
  get event(): ConntrackEvent {
    if (this.messageType === ConntrackMessage.Delete) return 'destroy'
    return (this.messageFlags & CREATE) !== 0 ? 'new' : 'update'
  }

  /** bits of `ConntrackStatus` (CTA_STATUS) */
  get status(): number | undefined {
    return this.wordAt(slots.status)
  }

  /** CTA_PROTOINFO_TCP_STATE; in words: `tcpStateWords` */
  get tcpState(): number | undefined {
    return this.byteAt(slots.tcpState)
  }

  /** CTA_PROTOINFO_SCTP_STATE; in words: `sctpStateWords` */
  get sctpState(): number | undefined {
    return this.byteAt(slots.sctpState)
  }

  /** CTA_PROTOINFO_DCCP_STATE; in words: `dccpStateWords` */
  get dccpState(): number | undefined {
    return this.byteAt(slots.dccpState)
  }

  /** seconds until it is removed when no packet comes (CTA_TIMEOUT) */
  get timeout(): number | undefined {
    return this.wordAt(slots.timeout)
  }

  /** CTA_MARK, which the kernel leaves out if it is 0 */
  get mark(): number {
    const place = this.markPlace
    return place && this.data.getUint32(place)
  }

  /**
   * CTA_ID: 32 bits of a hash, which tell it from a later connection with its tuple; others may have the same. The
   * kernel never leaves it out; 0 in a message without one
   */
  get id(): number {
    const place = this.idPlace
    return place && this.data.getUint32(place)
  }

  /** references of the kernel to it (CTA_USE) */
  get use(): number | undefined {
    return this.wordAt(slots.use)
  }

  /** zone of both directions; left out: 0 (CTA_ZONE) */
  get zone(): number | undefined {
    return this.halfWordAt(slots.zone)
  }

  /**
   * packets of the original direction, exact up to 2^53; needs net.netfilter.nf_conntrack_acct (CTA_COUNTERS_PACKETS)
   */
  get originalPackets(): number | undefined {
    return this.longAt(slots.originalPackets)
  }

  /** bytes of the original direction, exact up to 2^53 (CTA_COUNTERS_BYTES) */
  get originalBytes(): number | undefined {
    return this.longAt(slots.originalBytes)
  }

  /** packets of the reply direction, exact up to 2^53 (CTA_COUNTERS_PACKETS) */
  get replyPackets(): number | undefined {
    return this.longAt(slots.replyPackets)
  }

  /** bytes of the reply direction, exact up to 2^53 (CTA_COUNTERS_BYTES) */
  get replyBytes(): number | undefined {
    return this.longAt(slots.replyBytes)
  }

  /** When it began, in nanoseconds since 1970; needs net.netfilter.nf_conntrack_timestamp (CTA_TIMESTAMP_START). */
  startTime(): bigint | undefined {
    return this.has(slots.start) ? this.memory.data.getBigUint64(this.payloadAt(slots.start)) : undefined
  }

  /** When it ended, in nanoseconds since 1970 (CTA_TIMESTAMP_STOP). */
  stopTime(): bigint | undefined {
    return this.has(slots.stop) ? this.memory.data.getBigUint64(this.payloadAt(slots.stop)) : undefined
  }

  /** The name of its helper (CTA_HELP_NAME). */
  helper(): string | undefined {
    return this.textAt(slots.helper)
  }

  /** A copy of its labels, 128 bits in host order (CTA_LABELS). */
  labels(): Uint8Array | undefined {
    return this.bytesAt(slots.labels)
  }

  /** The security context, as the security module prints it (CTA_SECCTX_NAME). */
  securityContext(): string | undefined {
    return this.textAt(slots.securityContext)
  }

  /** Everything that the message holds, as owned values, unknown attributes included. Throws `DecodeError`. */
  attributes(): Conntrack {
    // Released memory has no length, which would be another error.
    void this.memory.data
    return readNfnetlinkAttributes(this.#message.wrap(this.memory, this.offset, this.length), conntrackAttributes)
  }
}
