import type { NativeHandle } from './handle.ts'

/**
 * The system calls of io_uring on an open socket of {@link NativeBinding.open}: what a receive ring is set up with, entered and
 * torn down. Everything between those calls happens in the memory that they map, and is JavaScript's. Results and errors as
 * in {@link NativeBinding}; nothing here knows what a message is.
 *
 * The calls come in this order, each once: {@link uringSetUp}, {@link uringMap}, {@link uringProvide}. From the first on
 * `wait` and `onReadable` of the handle are about the ring: with `DEFER_TASKRUN` the handle is readable while its socket is, which
 * lasts until the ring is entered; without, while the ring has completions. `close` of the handle cancels what the kernel still does, waits for its end, detaches the ArrayBuffers, unmaps and
 * closes; where the kernel could not be stopped, the memory is left to it. A handle that is collected without a close
 * keeps its memory until the ArrayBuffers are collected too.
 */
export interface UringBinding {
  /**
   * `io_uring_setup()`. `-EPERM`: forbidden (`kernel.io_uring_disabled`, a seccomp filter), `-ENOSYS`: absent, `-EINVAL`: a
   * flag that this kernel does not know, `-EBUSY`: the handle has a ring.
   *
   * @param submissions entries of the submission queue, a power of two
   * @param completions entries of the completion queue, a power of two (`IORING_SETUP_CQSIZE` has to be among the flags)
   * @param flags `IORING_SETUP_` flags. With `SINGLE_ISSUER` the ring is of this thread, as the handle is.
   * @param threadIdle milliseconds that the kernel's thread spins before it sleeps (`IORING_SETUP_SQPOLL`)
   */
  uringSetUp(handle: NativeHandle, submissions: number, completions: number, flags: number, threadIdle: number): number
  /**
   * Maps both queues; the memory, and where in it things are ({@link UringQueues}). Every entry of the submission queue then
   * is the one request that there is: a multishot `recvmsg(MSG_TRUNC)` on the socket into buffers of group 0, with the
   * sender's address. Submitting it is a store to the tail, and {@link uringEnter}.
   */
  uringMap(handle: NativeHandle): UringQueues | number
  /**
   * Maps `count` frames of `stride` bytes, and the ring by which they are provided to the kernel as the buffers 0 to `count -
   * 1` of group 0 (`IORING_REGISTER_PBUF_RING`); none of them is provided yet. `-EOPNOTSUPP`: this runtime allows no memory
   * of others in an ArrayBuffer. `-ENOMEM`: the user may lock no more memory; frames do not count, the rings do.
   *
   * @param entries of that ring, a power of two (`-EINVAL`): as many frames can be provided at one time
   */
  uringProvide(handle: NativeHandle, count: number, stride: number, entries: number): UringFrames | number
  /**
   * `io_uring_enter(IORING_ENTER_GETEVENTS)`: submits, has pending work run, wakes the kernel's thread where there is one. Blocks
   * for up to `timeout` milliseconds (0: not at all, negative: for ever) until there is a completion; 0 also when time is
   * over. A wait that was interrupted by a signal is repeated.
   */
  uringEnter(handle: NativeHandle, submit: number, timeout: number): number
}

/** The mapped queues: `rings` has both, and the numbers are offsets in it, in bytes, all multiples of four. */
export interface UringQueues {
  readonly rings: ArrayBuffer
  readonly submissionHead: number
  readonly submissionTail: number
  readonly submissionFlags: number
  readonly completionHead: number
  readonly completionTail: number
  /** where the completions are, 16 bytes each: user data (8), result (4), flags (4) */
  readonly completions: number
  readonly completionCount: number
  readonly completionOverflow: number
}

/** The mapped frames. */
export interface UringFrames {
  readonly frames: ArrayBuffer
  /**
   * the ring of provided buffers, 16 bytes each: address (8), length (4), id (2), and in the first one the ring's tail (2); the
   * lengths are set already
   */
  readonly bufferRing: ArrayBuffer
  /** where frame 0 is, as the low and the high word of its address */
  readonly addressLow: number
  readonly addressHigh: number
}
