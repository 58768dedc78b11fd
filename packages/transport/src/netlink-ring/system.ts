import type { Memory } from '@ringlink/codec/memory'
import type { RingOption } from './layout.ts'

/** What poll reports (poll.h). */
export const PollEvent = {
  /** POLLIN: a VALID frame, or a message in the receive queue */
  Readable: 0x1,
  /** POLLERR: an error waits for {@link RingSystem.takeError} */
  Error: 0x8,
} as const

/**
 * The system calls that a ring transport is made of, on one netlink socket: the addon's on a kernel that has rings, the
 * simulator's elsewhere. Whatever returns a number returns zero or more when it worked, else a negative errno.
 *
 * They are called in this order: rings are set, then mapped, then the socket is bound; unmapped, then closed.
 */
export interface RingSystem {
  /** bytes of a page */
  readonly pageSize: number
  /** `setsockopt(SOL_NETLINK, option, request)` with the words of an `nl_mmap_req`. */
  setRing(option: RingOption, request: Uint32Array): number
  /** `mmap(length, PROT_READ | PROT_WRITE, MAP_SHARED)`, and `MADV_DONTFORK`: the memory of both rings. */
  map(length: number): ArrayBuffer | SharedArrayBuffer | number
  /** Detaches that memory, so that whoever still has it reads nothing, then `munmap()`. */
  unmap(): void
  /** `bind()`; the port id that the socket then has. 0 lets the kernel choose. */
  bind(portId: number): number
  joinGroup(group: number): number
  leaveGroup(group: number): number
  /** `sendto(NULL, 0)` to the kernel, which makes it look at the transmit ring. */
  trigger(): number
  /** An ordinary `sendto()` the kernel of `length` bytes at `offset`; the bytes sent. */
  send(memory: Memory, offset: number, length: number): number
  /**
   * `recvmsg(MSG_DONTWAIT | MSG_TRUNC)` into `capacity` bytes at `offset` of the mapped memory. On success (0) it writes
   * four words from `index` on: bytes stored, bytes that the message had, port id of the sender, its groups.
   */
  receive(offset: number, capacity: number, words: Uint32Array, index: number): number
  /** `poll()` for up to `timeout` milliseconds (negative: for ever); {@link PollEvent} bits. It also lets a dump go on. */
  poll(timeout: number): number
  /** `getsockopt(SO_ERROR)`: fetches and clears the error; a positive errno, or 0. */
  takeError(): number
  /** Messages that the kernel dropped at this socket since it was opened, or negative where that cannot be known. */
  drops(): number
  /**
   * Asks for one call of `onReadable` when the socket is readable or has an error. With a `delay`, for one after so many
   * milliseconds instead, whether or not there is anything: for when poll would return at once and in vain.
   */
  wait(delay: number): number
  /** Takes {@link wait} back. */
  stopWaiting(): void
  /** Milliseconds of a clock that does not jump. */
  now(): number
  /** Blocks this thread for so many milliseconds. */
  pause(milliseconds: number): void
  /** The text of `/proc/net/<name>`. */
  readProcNet(name: string): string | number
  close(): void
}

/** Opens the socket, unbound. `onReadable` is given 0, or the negative errno of a failed poll. */
export type OpenRingSystem = (onReadable: (status: number) => void) => RingSystem
