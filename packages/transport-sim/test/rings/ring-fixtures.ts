/** A small ring, and what is read from it. */

import type { FrameBatch } from '@ringlink/transport'

export const receive = { blockSize: 4096, blockCount: 8, frameSize: 4096, frameCount: 8 }

export function bytesOf(batch: FrameBatch, index: number): number[] {
  return [...batch.memory.copy(batch.offset(index), batch.byteLength(index))]
}

/** Polls and releases until there is nothing; the first bytes of the messages. */
export function drain(transport: { poll(): FrameBatch | undefined }): number[] {
  const seen: number[] = []
  for (let batch = transport.poll(); batch !== undefined; batch = transport.poll()) {
    for (let index = 0; index < batch.length; index++) seen.push(bytesOf(batch, index)[0] as number)
    batch.release()
  }
  return seen
}

export const packet = (number: number) => Uint8Array.of(number, 1, 2, 3, 4, 5, 6, 7)
