import { Memory } from '@ringlink/codec'

/** What flyweights point at until they are aimed. */
export const EMPTY_MEMORY: Memory = new Memory(32)
