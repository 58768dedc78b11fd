/**
 * The memory that the kernel charges a socket for a message in its receive queue: that of its buffer, not its length.
 * Measured on Linux 6.18, x86_64, to the byte at every step up to 60 kB; the numbers are those of its structures.
 */

/** `sizeof(struct sk_buff)`, aligned to a cache line */
const BUFFER_HEAD = 256
/** `sizeof(struct skb_shared_info)`, aligned, which follows the data in the same block */
const SHARED_INFORMATION = 320
const CACHE_LINE = 64

/** The least that a receive buffer can be set to (`SOCK_MIN_RCVBUF`). */
export const MINIMUM_RECEIVE_BUFFER = 2304
/** The default receive buffer of a socket in bytes (`net.core.rmem_default`). */
export const DEFAULT_RECEIVE_BUFFER = 212992

/**
 * Bytes that an allocation of `size` bytes can really hold: blocks come in powers of two, and those of small messages
 * have `smallBlock` bytes.
 */
export function usableSize(size: number, smallBlock: number): number {
  const block = ((size + CACHE_LINE - 1) & -CACHE_LINE) + SHARED_INFORMATION
  if (block <= smallBlock) return smallBlock - SHARED_INFORMATION
  return 2 ** (32 - Math.clz32(block - 1)) - SHARED_INFORMATION
}

/** The charge for a block that was allocated for `size` bytes. */
export function blockCost(size: number, smallBlock: number): number {
  return usableSize(size, smallBlock) + SHARED_INFORMATION + BUFFER_HEAD
}

/**
 * The charge for a message of `length` bytes in a block that was allocated for `size`: a message in a mostly empty
 * block is moved to a smaller one before it is queued.
 */
export function messageCost(size: number, length: number, smallBlock: number): number {
  const cost = blockCost(size, smallBlock)
  return (usableSize(size, smallBlock) - length) * 2 < cost ? cost : blockCost(length, smallBlock)
}
