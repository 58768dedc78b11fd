import type { probeNetlinkRing, probeUring } from '@ringlink/transport-mmap'
import type { Check } from './check.ts'
import { type Machine, statusField } from './machine.ts'

export interface RingProbes {
  readonly machine: Machine
  readonly probeUring: typeof probeUring
  readonly probeNetlinkRing: typeof probeNetlinkRing
}

/** Whether memory can be shared with the kernel. Without it a plain socket is used. */
export async function ringChecks(probes: RingProbes): Promise<Check[]> {
  const disabled = probes.machine.read('/proc/sys/kernel/io_uring_disabled')?.trim()
  const hints = [
    ...(disabled === undefined || disabled === '0' ? [] : [`kernel.io_uring_disabled is ${disabled}`]),
    // Docker's filter answers EPERM, Podman's ENOSYS, as if the kernel had none.
    ...(statusField(probes.machine, 'Seccomp') === '2' ? ['or the seccomp filter forbids it'] : []),
  ]
  const hint = hints.length === 0 ? '' : ` (${hints.join('; ')})`
  return [await uringCheck(probes, false, hint), await uringCheck(probes, true, hint), netlinkRingCheck(probes)]
}

async function uringCheck({ probeUring: probe }: RingProbes, kernelThread: boolean, hint: string): Promise<Check> {
  const id = kernelThread ? 'ring.io_uring-thread' : 'ring.io_uring'
  const title = kernelThread ? 'io_uring with a kernel thread' : 'io_uring'
  try {
    const result = await probe({ kernelThread })
    if (result.works) return { id, title, state: 'ok', found: 'a message woke the event loop three times' }
    const found = `${result.step}: ${result.reason}${hint}`
    return {
      id,
      title,
      state: 'warn',
      found,
      advice: 'not needed: a plain socket is used instead, with more system calls',
    }
  } catch (error) {
    return { id, title, state: 'unknown', found: error instanceof Error ? error.message : String(error) }
  }
}

function netlinkRingCheck({ probeNetlinkRing: probe }: RingProbes): Check {
  const base = { id: 'ring.netlink', title: "netlink's own rings" }
  try {
    const refusal = probe()
    if (refusal === undefined) return { ...base, state: 'ok', found: 'this kernel has them' }
    return { ...base, state: 'info', found: `not here: ${refusal.explanation}` }
  } catch (error) {
    return { ...base, state: 'unknown', found: error instanceof Error ? error.message : String(error) }
  }
}
