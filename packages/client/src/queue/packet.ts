import {
  type Conntrack,
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
import { checkBypass, checkChanges, checkQueueNumber, checkVerdict, refuseDropOptions } from './verdict-check.ts'

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
   * The packet's headers: addresses, ports, where its payload begins. One view for each batch, aimed at the packet again by each call; it
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
   * Gives any verdict, see `Verdict`. Throws code `VERDICT_GIVEN` if the packet has one, `VALUE_RANGE` for what is no verdict, or a payload
   * shorter than its IP header, `ARGUMENT` for changes that there are not, `RELEASED` after its batch. Nothing is sent then, and the packet
   * keeps waiting for its verdict.
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

  /**
   * It vanishes. Takes no options: the errno of NF_DROP_ERR has no effect in a verdict from user space, because the sender's call returned
   * when the packet was queued, and the kernel looks at nothing but the kind of verdict when it comes back.
   */
  drop(options?: undefined): void {
    if (options !== undefined) refuseDropOptions(options)
    this.answer(Verdict.Drop)
  }

  /** Sends it through the same hook again; mark it, or it comes back here. */
  repeat(changes?: PacketVerdictChanges): void {
    this.answer(Verdict.Repeat, this.#applied(changes))
  }

  /** Hands it to another queue. */
  requeue(queueNumber: number, options: RequeueOptions = {}): void {
    checkQueueNumber(queueNumber)
    if (typeof options !== 'object' || options === null) checkChanges(options, this.protocol)
    const { bypass, ...changes } = options
    const applied = Object.keys(changes).length === 0 ? undefined : this.#applied(changes)
    this.answer(queueVerdict(queueNumber, checkBypass(bypass)), applied)
  }

  /** Lets go of the frame: what is read from then on throws code `RELEASED`. The batch does this. */
  protected letGo(): void {
    this.memory = RELEASED_MEMORY
    this.#headers?.release()
  }

  /** The changes with the edited packet as their payload, valid until the next edit: a verdict copies it. */
  #applied(changes: PacketVerdictChanges | undefined): VerdictChanges | undefined {
    if (changes === undefined || changes === null || changes.edit === undefined) return changes
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
    checkVerdict(verdict)
    if (changes !== undefined && this.memory !== RELEASED_MEMORY) checkChanges(changes, this.protocol)
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
