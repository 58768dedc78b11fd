import { dropVerdict, EncodeError, QueuePacketView, queueVerdict, Verdict, type VerdictChanges } from '@ringlink/codec'
import { RELEASED_MEMORY } from '@ringlink/codec/internal'
import type { Lease } from '@ringlink/transport'

/** How a packet is dropped. */
export interface DropOptions {
  /** errno (positive) that a local sender gets; default none, it sees success */
  readonly errno?: number
}

/** How a packet goes to another queue. */
export interface RequeueOptions extends VerdictChanges {
  /** accept it when nobody listens to that queue */
  readonly bypass?: boolean
}

/**
 * A packet that waits for its verdict: everything that `QueuePacketView` shows of it, and the verdict, to be given once.
 * The verdict of a packet in a batch is sent when the batch ends (or at `flush`), that of a held one at once.
 */
export abstract class QueuePacket extends QueuePacketView {
  /**
   * Gives any verdict, see `Verdict`. Throws code `VERDICT_GIVEN` if the packet has one, `VALUE_RANGE` for what is none,
   * `RELEASED` after its batch; nothing is sent then.
   */
  abstract answer(verdict: number, changes?: VerdictChanges): void

  /** Keeps the packet beyond its batch; the verdict is then given to what this returns. */
  abstract hold(): HeldPacket

  /** Lets it go on, changed as given. A payload replaces the packet from its network header on; lengths and checksums in it are the caller's. */
  accept(changes?: VerdictChanges): void {
    this.answer(Verdict.Accept, changes)
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
  repeat(changes?: VerdictChanges): void {
    this.answer(Verdict.Repeat, changes)
  }

  /** Hands it to another queue. */
  requeue(queueNumber: number, options: RequeueOptions = {}): void {
    if (!Number.isInteger(queueNumber) || queueNumber < 0 || queueNumber > 0xffff) {
      throw new EncodeError('VALUE_RANGE', `requeue: a queue number from 0 to 65535 wanted, not ${queueNumber}`)
    }
    const { bypass, ...changes } = options
    this.answer(queueVerdict(queueNumber, bypass), Object.keys(changes).length === 0 ? undefined : changes)
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
    this.memory = RELEASED_MEMORY
    this.#lease.release()
  }

  /** At the end of a `using` block: drops the packet if it has no verdict. */
  [Symbol.dispose](): void {
    if (this.memory !== RELEASED_MEMORY) this.drop()
  }
}
