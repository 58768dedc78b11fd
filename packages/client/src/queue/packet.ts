import {
  type Conntrack,
  type Expectation,
  NetlinkError,
  type QueueAttributes,
  QueuePacketView,
  queueAttributes,
  queuePacketAttributes,
  queuePacketConntrack,
  queuePacketExpectation,
  queuePacketVlan,
  queueVerdict,
  Verdict,
  type VerdictChanges,
} from '@ringlink/codec'
import { RELEASED_MEMORY } from '@ringlink/codec/internal'
import { describeValue } from '@ringlink/codec/options'
import { type PacketChanges, PacketEditor, PacketView } from '@ringlink/packet'
import type { Lease } from '@ringlink/transport'
import { connectionOf } from '../conntrack/connection.ts'
import type { Connection, ConnectionVerdict } from '../conntrack/types.ts'
import { connectionVerdict } from '../conntrack/verdict.ts'
import { aimHeaders } from '../headers.ts'
import type { OffloadBits } from '../rules/options.ts'
import { checkBypass, checkChanges, checkQueueNumber, checkVerdict, refuseDropOptions } from './verdict-check.ts'

/** Changes that go with a verdict: those that the kernel makes itself, and edits of the packet. */
export interface PacketVerdictChanges extends VerdictChanges {
  /**
   * new addresses, ports, hop limit or application payload; lengths and checksums are updated. `payload` replaces the
   * whole packet, so only one of the two can be given. `{}` sends the packet back unchanged, with a partial checksum
   * completed
   */
  readonly edit?: PacketChanges | undefined
  /**
   * changes of the connection that the packet belongs to: mark, labels, timeout, status, and a connection to expect.
   * The packet must carry its connection (queue option `conntrack`). What the kernel would ignore is refused with code
   * `ARGUMENT`
   */
  readonly connection?: ConnectionVerdict | undefined
}

/** Options of {@link QueuePacket.queue}. */
export interface RequeueOptions extends PacketVerdictChanges {
  /** accept the packet if that queue has no listener */
  readonly bypass?: boolean
}

/**
 * A packet that waits for its verdict: everything that `QueuePacketView` shows, and methods to give the verdict, once.
 * The verdict of a packet in a batch is sent when the batch ends (or at `flush`), that of a held packet at once.
 */
export abstract class QueuePacket extends QueuePacketView {
  #headers: PacketView | undefined
  #editor: PacketEditor | undefined

  /**
   * The packet's headers: addresses, ports, where its payload begins. Each batch has one such view, which each call
   * aims at the current packet; it is valid as long as the packet is.
   */
  headers(): PacketView {
    this.#headers ??= new PacketView()
    return aimHeaders(this.#headers, this)
  }

  /** Everything that the message holds, as owned values, unknown attributes included. Throws `DecodeError`. */
  attributes(): QueueAttributes {
    return queuePacketAttributes(this)
  }

  /**
   * The connection that it belongs to (NFQA_CT), as `Conntrack.list` gives it. Throws `DecodeError` if its attributes
   * are malformed.
   */
  conntrack(): Connection | undefined {
    const attributes = queuePacketConntrack(this)
    return attributes && connectionOf(attributes)
  }

  /**
   * The expected connection that the packet announces (NFQA_EXP). Throws `DecodeError` if its attributes are malformed.
   */
  expectation(): Expectation | undefined {
    return queuePacketExpectation(this)
  }

  /** The VLAN tag (NFQA_VLAN). Throws `DecodeError` if its attributes are malformed. */
  vlan(): ReturnType<typeof queuePacketVlan> {
    return queuePacketVlan(this)
  }

  /**
   * Gives any verdict, see `Verdict`. Throws code `VERDICT_GIVEN` if the packet already has one, `VALUE_RANGE` for an
   * invalid verdict or a payload shorter than its IP header, `ARGUMENT` for unknown changes, `RELEASED` after its
   * batch. After an error nothing is sent, and the packet still waits for its verdict.
   */
  abstract answer(verdict: number, changes?: VerdictChanges): void

  /** Keeps the packet beyond its batch. Give the verdict to the packet that this returns. */
  abstract hold(): HeldPacket

  /**
   * Accepts the packet, with changes if given: `accept({ edit: { destinationPort: 5353 } })`. Throws `VALUE_RANGE` for
   * an edit that is not possible on this packet, see `PacketEditor`; the packet then still waits for its verdict.
   *
   * A `payload` replaces the packet from where {@link payload} begins, and the caller must supply correct lengths and
   * checksums. With `segmentationOffload` the checksum in a packet of this machine is partial ({@link
   * isChecksumPartial}) and must be complete in bytes that are sent back: `edit` completes it, and `completeChecksums`
   * of @ringlink/packet completes it in a payload that you supply.
   */
  accept(changes?: PacketVerdictChanges): void {
    this.answer(Verdict.Accept, this.#applied(changes))
  }

  /**
   * Drops the packet. Takes no options: the errno of NF_DROP_ERR has no effect in a verdict from user space, because
   * the sender's call returned when the packet was queued, and the kernel reads only the kind of verdict.
   */
  drop(options?: undefined): void {
    if (options !== undefined) refuseDropOptions(options)
    this.answer(Verdict.Drop)
  }

  /**
   * Decides about this packet and all further ones of its connection: the kernel accepts or drops them without asking.
   * `changes` are those of {@link accept}, for this packet only. Throws code `ARGUMENT` where the queue's rule has no
   * `offload`.
   *
   * Packets that carry their connection (`conntrack: true`, on a kernel with CONFIG_NETFILTER_NETLINK_GLUE_CT) have it
   * marked by the verdict. The decision on others travels in the packet's mark to a later chain of the rule, which
   * saves it in the connection; a packet that is dropped by other rules before that takes its decision with it. So does
   * the first packet of a connection that is dropped: there is no connection yet, and the next attempt is asked about
   * again.
   */
  offload(verdict: 'accept' | 'drop', changes: PacketVerdictChanges = {}): void {
    const bits = this.offloadBits
    if (bits === undefined || (verdict !== 'accept' && verdict !== 'drop')) throw notOffloaded(verdict)
    const { accept, drop, ask } = bits
    if (this.has(queueAttributes.members.conntrack.number)) {
      const applied = this.#applied(changes) ?? {}
      const conntrack = withMark(applied.conntrack, bits[verdict], (accept | drop | ask) >>> 0)
      this.answer(verdict === 'accept' ? Verdict.Accept : Verdict.Drop, { ...applied, conntrack })
      return
    }
    const mark = (((changes.mark ?? this.mark ?? 0) & ~(accept | drop)) | bits[verdict]) >>> 0
    this.answer(Verdict.Accept, this.#applied({ ...changes, mark }))
  }

  /** the bits of marks of the queue, if its rule has `offload` */
  protected abstract get offloadBits(): OffloadBits | undefined

  /** Sends the packet through the same hook again. Mark it and let a rule match the mark, or it comes back here. */
  repeat(changes?: PacketVerdictChanges): void {
    this.answer(Verdict.Repeat, this.#applied(changes))
  }

  /** Passes the packet to another queue. */
  requeue(queueNumber: number, options: RequeueOptions = {}): void {
    checkQueueNumber(queueNumber)
    if (typeof options !== 'object' || options === null) checkChanges(options, this)
    const { bypass, ...changes } = options
    const applied = Object.keys(changes).length === 0 ? undefined : this.#applied(changes)
    this.answer(queueVerdict(queueNumber, checkBypass(bypass)), applied)
  }

  /** Releases the frame: later reads throw code `RELEASED`. Called by the batch. */
  protected letGo(): void {
    this.memory = RELEASED_MEMORY
    this.#headers?.release()
  }

  /**
   * The changes, with the edited packet as their payload. Valid until the next edit, because writing a verdict copies
   * it.
   */
  #applied(changes: PacketVerdictChanges | undefined): VerdictChanges | undefined {
    if (changes === undefined || changes === null) return changes
    if (changes.connection !== undefined) return this.#applied(this.#withConnection(changes))
    if (changes.edit === undefined) return changes
    const { edit, ...others } = changes
    if (others.payload !== undefined) {
      throw new NetlinkError(
        'ARGUMENT',
        'cannot give a verdict: edit and payload exclude each other, give only one of them',
      )
    }
    this.#editor ??= new PacketEditor()
    const { isChecksumPartial } = this
    return { ...others, payload: this.#editor.edit(this.headers(), edit, { isChecksumPartial }) }
  }

  /** The changes of the connection as the kernel takes them. */
  #withConnection({ connection, ...others }: PacketVerdictChanges): PacketVerdictChanges {
    if (connection === undefined) return others
    const { conntrack, expectation } = connectionVerdict(connection, () => queuePacketConntrack(this))
    return { expectation, ...others, conntrack: { ...conntrack, ...others.conntrack } }
  }
}

/** The changes of a connection, and some bits of its mark besides those that they set. */
function withMark(changes: Conntrack | undefined, value: number, mask: number): Conntrack {
  const { mark = 0, markMask = changes?.mark === undefined ? 0 : 0xffffffff } = changes ?? {}
  return { ...changes, mark: ((mark & ~mask) | value) >>> 0, markMask: (markMask | mask) >>> 0 }
}

function notOffloaded(verdict: unknown): NetlinkError {
  if (verdict !== 'accept' && verdict !== 'drop') {
    return new NetlinkError(
      'ARGUMENT',
      `cannot offload a connection: expected 'accept' or 'drop', got ${describeValue(verdict)}`,
    )
  }
  return new NetlinkError('ARGUMENT', "cannot offload a connection: give the queue's rule offload: { packets }")
}

/** What a held packet needs from its queue. */
export interface HeldPacketOwner {
  /** the bits of marks that offload connections */
  readonly offloadBits: OffloadBits | undefined
  /** Writes and sends a verdict; throws when it cannot be written. */
  answerHeld(packet: HeldPacket, verdict: number, changes: VerdictChanges | undefined): void
}

/**
 * A packet kept beyond its batch (NL_MMAP_STATUS_SKIP in memory-mapped rings). Closing the queue gives it the
 * `unanswered` verdict if it has none.
 */
export class HeldPacket extends QueuePacket implements Disposable {
  /** packet id; stays readable after the verdict */
  readonly heldId: number
  #owner: HeldPacketOwner
  #lease: Lease

  /** Called by {@link QueuePacket.hold}. */
  constructor(owner: HeldPacketOwner, lease: Lease, start: number, length: number) {
    super()
    this.#owner = owner
    this.#lease = lease
    this.wrap(lease.memory, start, length)
    this.heldId = this.id
  }

  answer(verdict: number, changes?: VerdictChanges): void {
    checkVerdict(verdict)
    if (changes !== undefined && this.memory !== RELEASED_MEMORY) checkChanges(changes, this)
    this.#owner.answerHeld(this, verdict, changes)
  }

  protected get offloadBits(): OffloadBits | undefined {
    return this.#owner.offloadBits
  }

  hold(): HeldPacket {
    return this
  }

  /**
   * Returns the frame to the transport; the packet can no longer be read. Called by the queue once the verdict is sent.
   */
  release(): void {
    this.letGo()
    this.#lease.release()
  }

  /** At the end of a `using` block: drops the packet if it has no verdict. */
  [Symbol.dispose](): void {
    if (this.memory !== RELEASED_MEMORY) this.drop()
  }
}
