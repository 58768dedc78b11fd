import type { NativeHandle } from './handle.ts'
import type { MappingBinding } from './mapping-binding.ts'
import type { UringBinding } from './uring-binding.ts'

/**
 * What the addon can do: system calls on netlink sockets and readiness on the event loop, and nothing else. It
 * parses no netlink and allocates nothing per call. Every function that can fail returns a number: zero or more is
 * the result, less than zero is the negative errno of the system call that failed. Arguments are checked by the
 * callers in TypeScript; the C side checks only what would otherwise be memory-unsafe: indexes and detached buffers
 * (`-EFAULT`), closed handles and objects that are none (`-EBADF`), arguments of another type (`-EINVAL`).
 */
export interface NativeBinding extends MappingBinding, UringBinding {
  /**
   * Opens `socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol)`, unbound. The first blocking receive makes it
   * a blocking one; every other call says `MSG_DONTWAIT`.
   *
   * @param protocol netlink protocol number (`NETLINK_NETFILTER` is 12)
   * @param networkNamespace where to create it: a path (`/proc/1234/ns/net`, `/run/netns/blue`), an open descriptor of
   *   one, or null for the calling thread's. Only the calling thread is moved, and moved back before the call returns; where
   *   it could not come back, `-EPERM`.
   * @param onReadable called from the event loop, at most once per {@link wait}; 0, or the negative errno of a failed poll
   */
  open(
    protocol: number,
    networkNamespace: string | number | null,
    onReadable: (status: number) => void,
  ): NativeHandle | number
  /** `bind()` with `nl_pid` (0: the kernel chooses) and the `nl_groups` mask; the port id that the socket then has. */
  bind(handle: NativeHandle, portId: number, groupMask: number): number
  /** `setsockopt()` with an int value. */
  setOption(handle: NativeHandle, level: number, name: number, value: number): number
  /** `getsockopt()` of an int value; it must not be negative. */
  getOption(handle: NativeHandle, level: number, name: number): number
  /** Asks for a receive buffer: `SO_RCVBUFFORCE`, or `SO_RCVBUF` where that is not permitted; the size in force, in bytes, as the kernel accounts it. */
  setReceiveBuffer(handle: NativeHandle, bytes: number): number
  /** The same for the send buffer. */
  setSendBuffer(handle: NativeHandle, bytes: number): number
  /** Messages that the kernel dropped at this socket since it was opened (`SK_MEMINFO_DROPS` of `SO_MEMINFO`). */
  drops(handle: NativeHandle): number
  /**
   * Gives the socket the memory that it receives into: `frameCount` frames of `frameSize` bytes from offset 0, and per
   * frame the four words of a frame (frame.h). Once per handle (`-EBUSY`); the buffers are referenced until close. Neither
   * may be a SharedArrayBuffer (`-EINVAL`).
   */
  attachFrames(
    handle: NativeHandle,
    frames: ArrayBuffer,
    frameSize: number,
    frameCount: number,
    words: Uint32Array,
  ): number
  /**
   * One `recvmmsg(MSG_DONTWAIT | MSG_TRUNC)` into frames `first` to `first + count - 1`; how many were filled, at least
   * one and at most 64, however large `count` is. `-EAGAIN`: nothing there. `-ENOBUFS`: messages were lost, call again
   * for those that were not. A call that was interrupted by a signal is repeated.
   */
  receive(handle: NativeHandle, first: number, count: number): number
  /**
   * As {@link receive}, but one `recvmmsg(MSG_WAITFORONE)` that blocks this thread until there is a message or `timeout`
   * milliseconds are over (rounded up to whole ones, negative: no limit); `-EAGAIN` when they are. Nothing else ends it: a
   * Worker that blocks here is not terminated before the call returns. A change of `timeout` costs a `setsockopt()`.
   */
  receiveBlocking(handle: NativeHandle, first: number, count: number, timeout: number): number
  /** Gives the socket the memory that it sends from. Once per handle (`-EBUSY`); referenced until close. */
  attachOutbox(handle: NativeHandle, outbox: ArrayBuffer): number
  /** One `sendto()` the kernel (port 0, no group) of `length` bytes at `offset` of the outbox; the bytes sent. */
  send(handle: NativeHandle, offset: number, length: number): number
  /**
   * Asks for one call of `onReadable` when the socket is readable (or has an error to report), and keeps the handle and
   * the process alive until then. Waiting already: 0, and still one call. The descriptor stays registered with the
   * event loop between waits, so that a busy loop costs no `epoll_ctl`; it is unregistered when it becomes readable and
   * nobody waits.
   */
  wait(handle: NativeHandle): number
  /** Takes the last {@link wait} back: no call comes, the process is no longer kept alive. */
  unwait(handle: NativeHandle): number
  /** The text of `/proc/net/<name>` in the network namespace of the socket, or a negative errno. A `name` that leads out of it (`..`, `/`) is `-EINVAL`. */
  readProcNet(handle: NativeHandle, name: string): string | number
  /** Unregisters, closes the descriptor and drops all references, now. Any later call with the handle gives `-EBADF`; closing again is 0. */
  close(handle: NativeHandle): number
  /** Handles open in this process, of all threads: for leak tests. */
  openHandles(): number
}
