import { Memory } from '@ringlink/codec'

/** The memory of flyweights before they are aimed. */
export const EMPTY_MEMORY: Memory = new Memory(32)
