import type { NativeHandle } from './handle.ts'

/**
 * The system calls of memory-mapped netlink rings (Linux 3.10 to 4.5), by the rules of {@link NativeBinding}: a
 * negative errno on failure, no allocation per call, checks only for memory safety. The contents of the memory are not
 * read.
 */
export interface MappingBinding {
  /** Bytes of a page (`sysconf(_SC_PAGESIZE)`). */
  pageSize(): number
  /**
   * `setsockopt(SOL_NETLINK, option, request)`, with the first four 32-bit words of `request` as `struct nl_mmap_req`
   * (a shorter one: `-EFAULT`). `option` is 6 (`NETLINK_RX_RING`) or 7 (`NETLINK_TX_RING`). `-ENOPROTOOPT`: this kernel
   * has no rings.
   */
  setRing(handle: NativeHandle, option: number, request: Uint32Array): number
  /**
   * `mmap(length, PROT_READ | PROT_WRITE, MAP_SHARED)` of the socket, and `MADV_DONTFORK`, because a child that
   * inherits the mapping keeps the socket open. Returns the memory. One mapping per handle (`-EBUSY`). `-ENODEV`: this
   * kernel has no rings, `-EINVAL`: the socket has none, or of another length. `-ENXIO`: `descriptor` is a file that is
   * shorter. `-EOPNOTSUPP`: this runtime does not allow external memory (an Electron with the V8 sandbox).
   *
   * @param descriptor a descriptor to map instead of the socket: if the kernel has no rings, a file in memory replaces
   * them
   */
  map(handle: NativeHandle, length: number, descriptor?: number): ArrayBuffer | number
  /**
   * Detaches the memory of {@link map}, so that stale references read nothing, then `munmap()`. Returns 0 without a
   * mapping. Closing the handle and the end of its thread do the same.
   */
  unmap(handle: NativeHandle): number
  /** `sendto(NULL, 0)` to the kernel, which makes it process the transmit ring. Returns the bytes taken from there. */
  trigger(handle: NativeHandle): number
  /**
   * `recvmsg(MSG_DONTWAIT | MSG_TRUNC)` into `capacity` bytes at `offset` of the mapped memory (beyond it: `-EFAULT`).
   * Returns 0 and writes the four words of frame.h from `index` of `words` on; or `-EAGAIN`, `-ENOBUFS`, as `receive`.
   */
  receiveMapped(handle: NativeHandle, offset: number, capacity: number, words: Uint32Array, index: number): number
  /**
   * `poll(POLLIN)`, blocking this thread for up to `timeout` milliseconds (0: not at all, negative: no limit; fractions
   * count): `POLLIN` (1), `POLLERR` (8) and others of poll.h, or 0 after the timeout. Continues after a signal.
   */
  poll(handle: NativeHandle, timeout: number): number
  /** `getsockopt(SO_ERROR)`, which clears it. Returns the pending errno of the socket (positive), or 0. */
  takeError(handle: NativeHandle): number
}
