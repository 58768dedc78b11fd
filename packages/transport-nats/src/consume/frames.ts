import type { FrameBatch, FrameLease, IndexedBatch, Lease } from '@ringlink/transport'
import { SlabPool, type SlabSizes } from '@ringlink/transport'
import type { Delivery } from './delivery.ts'

/** The frames of the transport. It notes which message they belong to, and when its last user is released. */
export class NatsFrames extends SlabPool {
  // By slab.
  readonly #deliveries: (Delivery | undefined)[] = []
  readonly #leases = new Map<Lease, Delivery>()
  readonly #released: (delivery: Delivery) => void

  /** @param released called when a batch or a lease of a message is released */
  constructor(sizes: SlabSizes, released: (delivery: Delivery) => void) {
    super(sizes)
    this.#released = released
  }

  /** As `take`, for frames of `delivery`. */
  takeOf(delivery: Delivery, slab: number, length: number, lost: number): FrameBatch {
    this.#deliveries[slab] = delivery
    delivery.users++
    const batch = this.take(slab, length, lost)
    const { origin } = delivery
    ;(batch as IndexedBatch).origin = origin
    // The next batch of the message follows this one.
    if (origin?.continues === false) delivery.origin = { ...origin, continues: true }
    return batch
  }

  override hold(frame: number): Lease {
    const lease = super.hold(frame)
    const delivery = this.#deliveries[Math.floor(frame / this.sizes.batchSize)]
    if (delivery !== undefined) {
      delivery.users++
      this.#leases.set(lease, delivery)
    }
    return lease
  }

  override giveLease(lease: FrameLease): void {
    super.giveLease(lease)
    const delivery = this.#leases.get(lease)
    this.#leases.delete(lease)
    if (delivery !== undefined) this.#released(delivery)
  }

  protected override returnBatch(batch: IndexedBatch): void {
    super.returnBatch(batch)
    const delivery = this.#deliveries[(batch.list[0] as number) / this.sizes.batchSize]
    if (delivery !== undefined) this.#released(delivery)
  }
}
