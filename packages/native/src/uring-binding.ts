import type { NativeHandle } from './handle.ts'

/**
 * The system calls of io_uring on an open socket of {@link NativeBinding.open}: setting up a receive ring, entering it
 * and tearing it down. Everything in between happens in mapped memory, in JavaScript. Results and errors are as in
 * {@link NativeBinding}; messages are not parsed.
 *
 * Call each once, in this order: {@link uringSetUp}, {@link uringMap}, {@link uringProvide}. From the first on, `wait`
 * and `onReadable` of the handle are about the ring: with `DEFER_TASKRUN` the handle is readable while its socket is,
 * that is, until the ring is entered; without it, while the ring has completions. `close` of the handle cancels the
 * kernel's work, waits for its end, detaches the ArrayBuffers, unmaps and closes; if the kernel cannot be stopped, it
 * keeps the memory. A handle that is garbage collected without a close keeps its memory until the ArrayBuffers are
 * collected too.
 */
export interface UringBinding {
  /**
   * `io_uring_setup()`. `-EPERM`: forbidden (`kernel.io_uring_disabled`, a seccomp filter), `-ENOSYS`: absent,
   * `-EINVAL`: a flag unknown to this kernel, `-EBUSY`: the handle has a ring.
   *
   * @param submissions entries of the submission queue, a power of two
   * @param completions entries of the completion queue, a power of two (requires the flag `IORING_SETUP_CQSIZE`)
   * @param flags `IORING_SETUP_` flags. With `SINGLE_ISSUER` the ring belongs to this thread, as the handle does.
   * @param threadIdle milliseconds that the kernel thread spins before it sleeps (`IORING_SETUP_SQPOLL`)
   */
  uringSetUp(handle: NativeHandle, submissions: number, completions: number, flags: number, threadIdle: number): number
  /**
   * Maps both queues. Returns the memory and the offsets in it ({@link UringQueues}). Every entry of the submission
   * queue then is the only request: a multishot `recvmsg(MSG_TRUNC)` on the socket into buffers of group 0, with the
   * sender's address. Submitting it is a store to the tail, and {@link uringEnter}.
   */
  uringMap(handle: NativeHandle): UringQueues | number
  /**
   * Maps `count` frames of `stride` bytes, and the ring that provides them to the kernel as buffers 0 to `count - 1` of
   * group 0 (`IORING_REGISTER_PBUF_RING`); none is provided yet. `-EOPNOTSUPP`: this runtime does not allow external
   * memory in an ArrayBuffer. `-ENOMEM`: the user may not lock more memory; rings count, frames do not.
   *
   * @param entries entries of that ring, a power of two (`-EINVAL`): the maximum number of frames provided at one time
   */
  uringProvide(handle: NativeHandle, count: number, stride: number, entries: number): UringFrames | number
  /**
   * `io_uring_enter(IORING_ENTER_GETEVENTS)`: submits, runs pending work, wakes the kernel thread if there is one.
   * Blocks for up to `timeout` milliseconds (0: not at all, negative: indefinitely) until there is a completion;
   * returns 0 also after the timeout. A wait interrupted by a signal is repeated.
   */
  uringEnter(handle: NativeHandle, submit: number, timeout: number): number
  /**
   * `close` for a ring with a kernel thread, which takes milliseconds to stop: a thread of the pool waits for it, not
   * this one. When this returns, the handle is closed and its ArrayBuffers have length 0; when the promise resolves,
   * the kernel has stopped, and the socket, its port id and its queues are gone. `-EINVAL`: a ring without a kernel
   * thread, or with the flag `SINGLE_ISSUER`, which only the thread that opened it can end.
   */
  uringClose(handle: NativeHandle): Promise<void> | number
}

/** The mapped queues: `rings` holds both, and the numbers are byte offsets in it, all multiples of four. */
export interface UringQueues {
  readonly rings: ArrayBuffer
  readonly submissionHead: number
  readonly submissionTail: number
  readonly submissionFlags: number
  readonly completionHead: number
  readonly completionTail: number
  /** offset of the completions, 16 bytes each: user data (8), result (4), flags (4) */
  readonly completions: number
  readonly completionCount: number
  readonly completionOverflow: number
}

/** The mapped frames. */
export interface UringFrames {
  readonly frames: ArrayBuffer
  /**
   * the ring of provided buffers, 16 bytes each: address (8), length (4), id (2), and in the first one the ring's tail
   * (2); the lengths are set already
   */
  readonly bufferRing: ArrayBuffer
  /** the address of frame 0, as its low and high 32-bit word */
  readonly addressLow: number
  readonly addressHigh: number
}
