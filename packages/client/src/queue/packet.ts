import {
  type Conntrack,
  dropVerdict,
  EncodeError,
  type Expectation,
  NetlinkError,
  type QueueAttributes,
  QueuePacketView,
  queuePacketAttributes,
  queuePacketConntrack,
  queuePacketExpectation,
  queuePacketVlan,
  queueVerdict,
  Verdict,
  type VerdictChanges,
} from '@ringlink/codec'
import { RELEASED_MEMORY } from '@ringlink/codec/internal'
import { type PacketChanges, PacketEditor, PacketView } from '@ringlink/packet'
import type { Lease } from '@ringlink/transport'
import { aimHeaders } from '../headers.ts'

/** How a packet is dropped. */
export interface DropOptions {
  /** errno (positive) that a local sender gets; default none, it sees success */
  readonly errno?: number
}

/** What a verdict changes: what the kernel can change itself, and edits of the packet. */
export interface PacketVerdictChanges extends VerdictChanges {
  /**
   * other addresses, ports or hop limit, another payload for the application: lengths and checksums follow. `payload` beside it would
   * replace the whole packet, so that only one of the two can be given. `{}` sends the packet back as it is, a partial checksum completed
   */
  readonly edit?: PacketChanges | undefined
}

/** How a packet goes to another queue. */
export interface RequeueOptions extends PacketVerdictChanges {
  /** accept it when nobody listens to that queue */
  readonly bypass?: boolean
}

/**
 * A packet that waits for its verdict: everything that `QueuePacketView` shows of it, and the verdict, to be given once.
 * The verdict of a packet in a batch is sent when the batch ends (or at `flush`), that of a held one at once.
 */
export abstract class QueuePacket extends QueuePacketView {
  #headers: PacketView | undefined
  #editor: PacketEditor | undefined

  /**
   * The packet's headers: addresses, ports, where its payload begins. One view for each batch, aimed at the packet anew by each call; it
   * is valid as long as the packet is.
   */
  headers(): PacketView {
    this.#headers ??= new PacketView()
    return aimHeaders(this.#headers, this)
  }

  /** Everything that the message holds, as owned values, unknown attributes included. Throws `DecodeError`. */
  attributes(): QueueAttributes {
    return queuePacketAttributes(this)
  }

  /** The connection that it belongs to (NFQA_CT). Throws `DecodeError` where its attributes are malformed. */
  conntrack(): Conntrack | undefined {
    return queuePacketConntrack(this)
  }

  /** The connection that it makes expected (NFQA_EXP). Throws `DecodeError` where its attributes are malformed. */
  expectation(): Expectation | undefined {
    return queuePacketExpectation(this)
  }

  /** The VLAN tag (NFQA_VLAN). Throws `DecodeError` where its attributes are malformed. */
  vlan(): ReturnType<typeof queuePacketVlan> {
    return queuePacketVlan(this)
  }

  /**
   * Gives any verdict, see `Verdict`. Throws code `VERDICT_GIVEN` if the packet has one, `VALUE_RANGE` for what is none,
   * `RELEASED` after its batch; nothing is sent then.
   */
  abstract answer(verdict: number, changes?: VerdictChanges): void

  /** Keeps the packet beyond its batch; the verdict is then given to what this returns. */
  abstract hold(): HeldPacket

  /**
   * Lets it go on, changed as given: `accept({ edit: { destinationPort: 5353 } })`. Throws `VALUE_RANGE` for an edit that the packet
   * cannot take, see `PacketEditor`; it keeps waiting for its verdict then.
   *
   * A `payload` replaces the packet from where {@link payload} begins, and lengths and checksums in it are the caller's. Under
   * `segmentationOffload` the checksum in a packet of this machine is partial ({@link isChecksumPartial}), and whoever sends bytes back
   * must complete it: `edit` does, `completeChecksums` of @ringlink/packet does so for bytes of your own.
   */
  accept(changes?: PacketVerdictChanges): void {
    this.answer(Verdict.Accept, this.#applied(changes))
  }

  /** It vanishes. */
  drop(options?: DropOptions): void {
    const errno = options?.errno ?? 0
    if (!Number.isInteger(errno) || errno < 0 || errno > 4095) {
      throw new EncodeError('VALUE_RANGE', `drop: an errno from 1 to 4095 wanted, not ${errno}`)
    }
    this.answer(errno === 0 ? Verdict.Drop : dropVerdict(errno))
  }

  /** Sends it through the same hook again; mark it, or it comes back here. */
  repeat(changes?: PacketVerdictChanges): void {
    this.answer(Verdict.Repeat, this.#applied(changes))
  }

  /** Hands it to another queue. */
  requeue(queueNumber: number, options: RequeueOptions = {}): void {
    if (!Number.isInteger(queueNumber) || queueNumber < 0 || queueNumber > 0xffff) {
      throw new EncodeError('VALUE_RANGE', `requeue: a queue number from 0 to 65535 wanted, not ${queueNumber}`)
    }
    const { bypass, ...changes } = options
    const applied = Object.keys(changes).length === 0 ? undefined : this.#applied(changes)
    this.answer(queueVerdict(queueNumber, bypass), applied)
  }

  /** Lets go of the frame: what is read from then on throws code `RELEASED`. The batch does this. */
  protected letGo(): void {
    this.memory = RELEASED_MEMORY
    this.#headers?.release()
  }

  /** The changes with the edited packet as their payload, valid until the next edit: a verdict copies it. */
  #applied(changes: PacketVerdictChanges | undefined): VerdictChanges | undefined {
    if (changes?.edit === undefined) return changes
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
}

/** What a held packet asks of its queue. */
export interface HeldPacketOwner {
  /** Writes and sends a verdict; throws when it cannot be written. */
  answerHeld(packet: HeldPacket, verdict: number, changes: VerdictChanges | undefined): void
}

/** A packet kept beyond its batch (the SKIP of memory-mapped rings). It must have its verdict before its queue is closed, or has it then. */
export class HeldPacket extends QueuePacket implements Disposable {
  /** its id, also once it has its verdict */
  readonly heldId: number
  #owner: HeldPacketOwner
  #lease: Lease

  /** Made by {@link QueuePacket.hold}. */
  constructor(owner: HeldPacketOwner, lease: Lease, start: number, length: number) {
    super()
    this.#owner = owner
    this.#lease = lease
    this.wrap(lease.memory, start, length)
    this.heldId = this.id
  }

  answer(verdict: number, changes?: VerdictChanges): void {
    this.#owner.answerHeld(this, verdict, changes)
  }

  hold(): HeldPacket {
    return this
  }

  /** Gives the frame back; the packet can no longer be read. The queue does that once the verdict is on its way. */
  release(): void {
    this.letGo()
    this.#lease.release()
  }

  /** At the end of a `using` block: drops the packet if it has no verdict. */
  [Symbol.dispose](): void {
    if (this.memory !== RELEASED_MEMORY) this.drop()
  }
}
