import { FRAME_WORDS, POISON, SlabPool } from '@ringlink/transport'

/** Frames that are overwritten when they are given back: those bytes that were used, so that large frames cost no more than small ones. */
export class PoisonedPool extends SlabPool {
  override give(slab: number): void {
    super.give(slab)
    const { memory, words, stride, sizes } = this
    const first = slab * sizes.batchSize
    for (let frame = first; frame < first + sizes.batchSize; frame++) {
      const length = words[frame * FRAME_WORDS] as number
      if (length > 0) memory.u8.fill(POISON, frame * stride, frame * stride + length)
      words[frame * FRAME_WORDS] = 0
    }
  }
}
