import type { Memory } from '@ringlink/codec/memory'
import type { RingOption } from './layout.ts'

/** Events of poll (poll.h). */
export const PollEvent = {
  /** POLLIN: a VALID frame, or a message in the receive queue */
  Readable: 0x1,
  /** POLLERR: an error waits for {@link RingSystem.takeError} */
  Error: 0x8,
} as const

/**
 * The system calls of a ring transport, on one netlink socket: the addon's on a kernel with rings, otherwise the
 * simulator's. Functions that return a number return zero or more on success, otherwise a negative errno.
 *
 * The order of calls: set rings, map them, bind the socket; unmap, close.
 */
export interface RingSystem {
  /** bytes of a page */
  readonly pageSize: number
  /** `setsockopt(SOL_NETLINK, option, request)` with the 32-bit words of an `nl_mmap_req`. */
  setRing(option: RingOption, request: Uint32Array): number
  /** `mmap(length, PROT_READ | PROT_WRITE, MAP_SHARED)`, and `MADV_DONTFORK`: the memory of both rings. */
  map(length: number): ArrayBuffer | SharedArrayBuffer | number
  /** Detaches that memory, so that stale references read nothing, then `munmap()`. */
  unmap(): void
  /** `bind()`. Returns the resulting port id; 0 lets the kernel choose one. */
  bind(portId: number): number
  joinGroup(group: number): number
  leaveGroup(group: number): number
  /** `sendto(NULL, 0)` to the kernel, which makes it process the transmit ring. */
  trigger(): number
  /** An ordinary `sendto()` of `length` bytes at `offset` to the kernel. Returns the bytes sent. */
  send(memory: Memory, offset: number, length: number): number
  /**
   * `recvmsg(MSG_DONTWAIT | MSG_TRUNC)` into `capacity` bytes at `offset` of the mapped memory. On success (0) it
   * writes four 32-bit words from `index` on: bytes stored, length of the whole message, port id of the sender, its
   * groups.
   */
  receive(offset: number, capacity: number, words: Uint32Array, index: number): number
  /**
   * `poll()` for up to `timeout` milliseconds (negative: indefinitely). Returns {@link PollEvent} bits. Also lets a
   * dump continue.
   */
  poll(timeout: number): number
  /** `getsockopt(SO_ERROR)`: fetches and clears the error; a positive errno, or 0. */
  takeError(): number
  /** The number of messages that the kernel dropped at this socket since it was opened, or negative if unknown. */
  drops(): number
  /**
   * Requests one call of `onReadable` when the socket is readable or has an error. With a `delay`, requests it after
   * that many milliseconds instead, unconditionally: for when poll would return at once without a reason.
   */
  wait(delay: number): number
  /** Cancels {@link wait}. */
  stopWaiting(): void
  /** Time in milliseconds of a monotonic clock. */
  now(): number
  /** Blocks this thread for that many milliseconds. */
  pause(milliseconds: number): void
  /** The text of `/proc/net/<name>`. */
  readProcNet(name: string): string | number
  close(): void
}

/** Opens an unbound socket. `onReadable` is called with 0, or with the negative errno of a failed poll. */
export type OpenRingSystem = (onReadable: (status: number) => void) => RingSystem
