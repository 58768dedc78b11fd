import type { NativeHandle } from './handle.ts'
import type { MappingBinding } from './mapping-binding.ts'
import type { UringBinding } from './uring-binding.ts'

/**
 * The functions of the addon: system calls on netlink sockets, and readiness on the event loop. It does not parse
 * netlink and allocates nothing per call. Every function that can fail returns a number: zero or more is the result,
 * less than zero the negative errno of the failed system call. The callers in TypeScript check arguments; the C side
 * checks only what would be memory-unsafe: indexes and detached buffers (`-EFAULT`), closed handles and other objects
 * (`-EBADF`), arguments of a wrong type (`-EINVAL`).
 */
export interface NativeBinding extends MappingBinding, UringBinding {
  /**
   * Opens `socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol)`, unbound. The first blocking receive
   * makes it blocking; every other call uses `MSG_DONTWAIT`.
   *
   * @param protocol netlink protocol number (`NETLINK_NETFILTER` is 12)
   * @param networkNamespace where to create it: a path (`/proc/1234/ns/net`, `/run/netns/blue`), an open descriptor of
   * one, or null for the calling thread's. Only the calling thread moves, and it moves back before the call returns;
   * `-EPERM` if it could not move back.
   * @param onReadable called from the event loop, at most once per {@link wait}; 0, or the negative errno of a failed
   * poll
   */
  open(
    protocol: number,
    networkNamespace: string | number | null,
    onReadable: (status: number) => void,
  ): NativeHandle | number
  /** `bind()` with `nl_pid` (0: the kernel chooses) and the `nl_groups` mask. Returns the resulting port id. */
  bind(handle: NativeHandle, portId: number, groupMask: number): number
  /** `setsockopt()` with an int value. */
  setOption(handle: NativeHandle, level: number, name: number, value: number): number
  /** `getsockopt()` of an int value; it must not be negative. */
  getOption(handle: NativeHandle, level: number, name: number): number
  /**
   * `SO_ATTACH_FILTER`: the kernel runs this program on each message for the socket and queues those that it keeps.
   * `program` is `struct sock_filter` after `struct sock_filter`, 1 to 4096 of them, copied; `-EINVAL` for a program
   * that the kernel does not take.
   */
  attachFilter(handle: NativeHandle, program: Uint8Array): number
  /**
   * Requests a receive buffer: `SO_RCVBUFFORCE`, or `SO_RCVBUF` if that is not permitted. Returns the resulting size in
   * bytes, as the kernel accounts it.
   */
  setReceiveBuffer(handle: NativeHandle, bytes: number): number
  /** The same for the send buffer. */
  setSendBuffer(handle: NativeHandle, bytes: number): number
  /**
   * The number of messages that the kernel dropped at this socket since it was opened (`SK_MEMINFO_DROPS` of
   * `SO_MEMINFO`).
   */
  drops(handle: NativeHandle): number
  /**
   * Attaches the memory that the socket receives into: `frameCount` frames of `frameSize` bytes from offset 0, and per
   * frame the four 32-bit words of frame.h. Once per handle (`-EBUSY`); the buffers are referenced until close. Neither
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
   * One `recvmmsg(MSG_DONTWAIT | MSG_TRUNC)` into frames `first` to `first + count - 1`. Returns how many were filled:
   * at least one, and at most 64 even if `count` is larger. `-EAGAIN`: nothing to receive. `-ENOBUFS`: messages were
   * lost; call again for the others. A call interrupted by a signal is repeated.
   */
  receive(handle: NativeHandle, first: number, count: number): number
  /**
   * As {@link receive}, but one `recvmmsg(MSG_WAITFORONE)` that blocks this thread until there is a message or
   * `timeout` milliseconds have passed (rounded up to whole ones, negative: no limit); then `-EAGAIN`. Nothing else
   * ends it: a Worker that blocks here is not terminated before the call returns. A change of `timeout` costs a
   * `setsockopt()`.
   */
  receiveBlocking(handle: NativeHandle, first: number, count: number, timeout: number): number
  /** Attaches the memory that the socket sends from. Once per handle (`-EBUSY`); referenced until close. */
  attachOutbox(handle: NativeHandle, outbox: ArrayBuffer): number
  /**
   * One `sendto()` to the kernel (port 0, no group) of `length` bytes at `offset` of the outbox. Returns the bytes
   * sent.
   */
  send(handle: NativeHandle, offset: number, length: number): number
  /**
   * Requests one call of `onReadable` when the socket is readable (or has an error to report), and keeps the handle and
   * the process alive until then. If it is waiting already: returns 0, and still makes one call. The descriptor stays
   * registered with the event loop between waits, so that a busy loop costs no `epoll_ctl`; it is unregistered when it
   * becomes readable without a wait.
   */
  wait(handle: NativeHandle): number
  /** Cancels the last {@link wait}: no call comes, and the process is no longer kept alive. */
  unwait(handle: NativeHandle): number
  /**
   * The text of `/proc/net/<name>` in the network namespace of the socket, or a negative errno. A `name` that leads out
   * of it (`..`, `/`) is `-EINVAL`.
   */
  readProcNet(handle: NativeHandle, name: string): string | number
  /**
   * Unregisters, closes the descriptor and drops all references, now. Any later call with the handle returns `-EBADF`;
   * closing again returns 0.
   */
  close(handle: NativeHandle): number
  /** The number of open handles in this process, of all threads, for leak tests. */
  openHandles(): number
}
