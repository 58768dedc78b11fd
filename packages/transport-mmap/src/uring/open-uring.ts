import { Errno, errnoName } from '@ringlink/codec/errors'
import { loadNative, type NativeBinding } from '@ringlink/native'
import { TransportError } from '@ringlink/transport'
import type { UringOptions } from './options.ts'
import { UringStep, UringTransport } from './uring-transport.ts'

/**
 * Opens a socket that io_uring receives from. Throws code `SYSTEM` with the errno when the system refuses (where io_uring itself
 * does, {@link probeUring} says so in words), `ARGUMENT` for an option out of bounds, and the codes of `@ringlink/native`.
 *
 * @param native the system calls; a test of what other kernels say gives its own
 */
export function openUring(options: UringOptions, native: NativeBinding = loadNative()): UringTransport {
  return new UringTransport(options, native)
}

/** What {@link probeUring} found. */
export type UringProbe =
  | { readonly works: true }
  | {
      readonly works: false
      /** what did not work: the `operation` of the error */
      readonly step: string
      /** the system's reason, positive; 0: it did nothing, and did not say why */
      readonly errno: number
      /** why, and what can be done about it */
      readonly reason: string
    }

const NETLINK_ROUTE = 0
/** An `nlmsghdr`: 16 bytes, type NLMSG_NOOP, flags NLM_F_REQUEST | NLM_F_ACK, which any kernel acknowledges. */
const NOOP = Uint32Array.of(16, 1 | (5 << 16), 0, 0)
/** The kernel has answered when the send returns; this is for a machine that is slow. */
const PATIENCE = 1000

/** Receives one message by io_uring, and says what is missing where that does not work. Throws the codes of `@ringlink/native`. */
export function probeUring(native: NativeBinding = loadNative()): UringProbe {
  let transport: UringTransport
  try {
    transport = openUring({ protocol: NETLINK_ROUTE, frames: 2, frameSize: 256, outboxSize: 256 }, native)
  } catch (error) {
    return refusal(error)
  }
  try {
    const { outbox } = transport
    outbox.memory.u32.set(NOOP, outbox.reserve(NOOP.byteLength) >> 2)
    outbox.commit(NOOP.byteLength)
    outbox.flush()
    if (transport.poll(PATIENCE) !== undefined) return { works: true }
    return { works: false, step: UringStep.Arm, errno: 0, reason: 'the ring brought no message' }
  } catch (error) {
    return refusal(error)
  } finally {
    // Done when it returns; the promise is for transports that need one.
    void transport.close()
  }
}

function refusal(error: unknown): UringProbe {
  if (!(error instanceof TransportError) || error.errno === undefined) throw error
  const { operation, errno } = error
  return { works: false, step: operation, errno, reason: `${errnoName(errno)}: ${explain(operation, errno)}` }
}

function explain(step: string, errno: number): string {
  switch (errno) {
    case Errno.EPERM:
    case Errno.EACCES:
      return 'io_uring is forbidden here, by the sysctl kernel.io_uring_disabled or a seccomp filter (containers have one)'
    case Errno.ENOSYS:
      return 'this kernel has no io_uring; it came with Linux 5.1, and what is needed of it with 6.0'
    case Errno.EINVAL:
      return 'the io_uring of this kernel is too old; what is needed of it came with Linux 6.0'
    case Errno.EOPNOTSUPP:
      if (step === UringStep.Map || step === UringStep.Provide) {
        return 'this JavaScript runtime allows no memory of the kernel in an ArrayBuffer (Electron does not)'
      }
      return 'the kernel does not support it'
    case Errno.ENOMEM:
      return 'there is not enough memory, or too little may be locked (ulimit -l)'
    default:
      return `${step} failed`
  }
}
