/** Reading what a replay delivers. */

import type { FrameBatch } from '@ringlink/transport'

export function bytesOf(batch: FrameBatch | undefined): number[] {
  if (batch === undefined) return []
  const bytes = Array.from({ length: batch.length }, (_, index) => batch.memory.u8[batch.offset(index)] as number)
  batch.release()
  return bytes
}
