import { Errno, errnoName } from '@ringlink/codec/errors'
import { loadNative, type NativeBinding } from '@ringlink/native'
import { type Transport, TransportError } from '@ringlink/transport'
import { openUring } from './open-uring.ts'
import { UringStep } from './uring-transport.ts'

/** The ring that {@link probeUring} tries. */
export interface UringProbeOptions {
  /** one with a kernel thread, which wakes the event loop in a different way; default false */
  readonly kernelThread?: boolean | undefined
}

/** The result for a ring that does not work. */
export interface UringRefusal {
  readonly works: false
  /** what failed: the `operation` of the error */
  readonly step: string
  /** the system's reason, positive; 0: the system reported none */
  readonly errno: number
  /** why, and what to do */
  readonly reason: string
}

/** The result of {@link probeUring}. */
export type UringProbe = { readonly works: true } | UringRefusal

const NETLINK_ROUTE = 0
/** An `nlmsghdr`: 16 bytes, type NLMSG_NOOP, flags NLM_F_REQUEST | NLM_F_ACK, which any kernel acknowledges. */
const NOOP = Uint32Array.of(16, 1 | (5 << 16), 0, 0)
/** Some kernels signal an eventfd once and never again (6.12.115, 6.12.117); the third wake-up is for similar ones. */
const WAKE_UPS = 3
/**
 * Milliseconds to wait for one wake-up. The kernel has answered before the wait begins, so this only allows for a busy
 * machine.
 */
const PATIENCE = 1000

/**
 * Tries a small ring: a message must wake the event loop three times, as in any later receive. Takes about a
 * millisecond, and at most one second for a missing wake-up. Rejects with the codes of `@ringlink/native`.
 *
 * @param native the system calls; a test of other kernels passes its own
 */
export async function probeUring(
  { kernelThread = false }: UringProbeOptions = {},
  native: NativeBinding = loadNative(),
): Promise<UringProbe> {
  let transport: Transport
  try {
    transport = openUring({ protocol: NETLINK_ROUTE, frames: 4, frameSize: 256, outboxSize: 256, kernelThread }, native)
  } catch (error) {
    return refusalOf(error)
  }
  try {
    for (let number = 1; number <= WAKE_UPS; number++) {
      if (!(await isWoken(transport))) return unwoken(number)
    }
    return { works: true }
  } catch (error) {
    return refusalOf(error)
  } finally {
    await transport.close()
  }
}

/**
 * Remembers probes, per way of receiving: a ring that worked continues to work, and a kernel that does not wake us is
 * not tried again, because that takes a second. Other refusals may go away: a limit is raised, a sysctl set.
 */
export class UringProbes {
  readonly #probe: (options: UringProbeOptions) => Promise<UringProbe>
  readonly #known: Map<boolean, Promise<UringProbe>> = new Map()

  constructor(probe: (options: UringProbeOptions) => Promise<UringProbe> = probeUring) {
    this.#probe = probe
  }

  /** The probe of this thread. Concurrent calls share one probe. */
  ask(kernelThread: boolean): Promise<UringProbe> {
    const known = this.#known.get(kernelThread)
    if (known !== undefined) return known
    const probe = this.#ask(kernelThread)
    this.#known.set(kernelThread, probe)
    return probe
  }

  async #ask(kernelThread: boolean): Promise<UringProbe> {
    let lasts = false
    try {
      const probe = await this.#probe({ kernelThread })
      lasts = probe.works || probe.step === UringStep.Wake
      return probe
    } finally {
      if (!lasts) this.#known.delete(kernelThread)
    }
  }
}

const steps: ReadonlySet<string> = new Set(Object.values(UringStep))

/** What an error of {@link openUring} means for io_uring; `undefined` if it has another cause. */
export function uringRefusal(error: unknown): UringRefusal | undefined {
  if (!(error instanceof TransportError) || error.errno === undefined || !steps.has(error.operation)) return undefined
  return refusalOf(error)
}

function refusalOf(error: unknown): UringRefusal {
  if (!(error instanceof TransportError) || error.errno === undefined) throw error
  const { operation, errno } = error
  return { works: false, step: operation, errno, reason: `${errnoName(errno)}: ${explain(operation, errno)}` }
}

function unwoken(number: number): UringRefusal {
  return {
    works: false,
    step: UringStep.Wake,
    errno: 0,
    reason:
      `message ${number} of ${WAKE_UPS} did not wake the event loop within ${PATIENCE} ms: wake-ups by io_uring are broken ` +
      'in this kernel (use a plain socket, and report its version)',
  }
}

/** Waits in the event loop, and only then makes the kernel send a message. Returns false if that did not wake us. */
async function isWoken(transport: Transport): Promise<boolean> {
  const giveUp = new AbortController()
  const received = transport.receive({ signal: giveUp.signal })
  received.catch(() => {}) // the close rejects it when the send fails
  const { outbox } = transport
  outbox.memory.u32.set(NOOP, outbox.reserve(NOOP.byteLength) >> 2)
  outbox.commit(NOOP.byteLength)
  outbox.flush()
  // Timers run before the loop polls: a thread that was busy for a second gets its wake-up in the same turn, after the
  // timer.
  const timer = setTimeout(() => setImmediate(() => setImmediate(() => giveUp.abort())), PATIENCE)
  try {
    const batch = await received
    batch.release()
    return true
  } catch (error) {
    if (giveUp.signal.aborted) return false
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function explain(step: string, errno: number): string {
  switch (errno) {
    case Errno.EPERM:
    case Errno.EACCES:
      return 'io_uring is forbidden here, by the sysctl kernel.io_uring_disabled or a seccomp filter (containers have one)'
    case Errno.ENOSYS:
      return 'this kernel has no io_uring; Linux 5.1 introduced it, and Linux 6.0 the features needed here'
    case Errno.EINVAL:
      return 'the io_uring of this kernel is too old; Linux 6.0 introduced the features needed here'
    case Errno.EOPNOTSUPP:
      if (step === UringStep.Map || step === UringStep.Provide) {
        return 'this JavaScript runtime does not allow external memory in an ArrayBuffer (for example Electron)'
      }
      return 'the kernel does not support it'
    case Errno.ENOMEM:
      return (
        'this user may lock no more memory (ulimit -l, which counts all rings of the user together), or this process may map no ' +
        'more (ulimit -v). Raise the limit (LimitMEMLOCK= or LimitAS= of systemd, limits.conf), grant CAP_IPC_LOCK, use fewer ' +
        'frames, or use a plain socket'
      )
    case Errno.EMFILE:
      return 'too many descriptors are open, and a ring needs one more than a socket; raise the limit (ulimit -n)'
    default:
      return `${step} failed`
  }
}
