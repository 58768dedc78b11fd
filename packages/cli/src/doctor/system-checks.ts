import type { Check } from './check.ts'
import { Capability, hasCapability, type Machine, statusField } from './machine.ts'

const MEBIBYTE = 1024 * 1024
/** A receive buffer that a burst of some thousand packets fits in. */
const COMFORTABLE_BUFFER = 4 * MEBIBYTE
/** Rings of the default size for one queue. */
const COMFORTABLE_LOCK = 8 * MEBIBYTE
const FEW_DESCRIPTORS = 256

/** What can be read of the system without asking netlink. */
export function systemChecks(machine: Machine): Check[] {
  return [
    kernel(machine),
    privileges(machine),
    ...userNamespaces(machine),
    container(machine),
    seccomp(machine),
    receiveBuffer(machine),
    lockedMemory(machine),
    descriptors(machine),
  ]
}

function kernel({ platform, release, node }: Machine): Check {
  const base = { id: 'system.kernel', title: 'system', isRequired: true } as const
  if (platform !== 'linux') {
    const advice = 'use Linux; the simulated kernel runs here: ringlink queue --queue 0 --transport sim'
    return { ...base, state: 'fail', found: `${platform} has no netlink`, advice }
  }
  const [major = 0, minor = 0] = release.split('.').map(Number)
  const found = `Linux ${release}, Node ${node}`
  if (major > 3 || (major === 3 && minor >= 10)) return { ...base, state: 'ok', found }
  return { ...base, state: 'warn', found, advice: 'ringlink is made for Linux 3.10 and newer' }
}

function privileges(machine: Machine): Check {
  const base = { id: 'system.privileges', title: 'privileges', isRequired: true } as const
  const who = machine.userId === 0 ? 'root' : `user ${machine.userId ?? '?'}`
  const where = inNamespace(machine)
  switch (hasCapability(machine, Capability.NetworkAdministration)) {
    case true:
      return { ...base, state: 'ok', found: `${who} with CAP_NET_ADMIN${where}` }
    case false:
      return {
        ...base,
        state: 'fail',
        found: `${who} without CAP_NET_ADMIN${where}`,
        advice:
          'run as root; or in a network namespace of your own: unshare -Urn COMMAND; or in a container: --cap-add NET_ADMIN; or for a ' +
          'service: AmbientCapabilities=CAP_NET_ADMIN',
      }
    default:
      return { ...base, state: 'unknown', found: `${who}; /proc/self/status does not say` }
  }
}

/** In a user namespace the ids of all users are not mapped to themselves. */
function inNamespace(machine: Machine): string {
  const map = machine.read('/proc/self/uid_map')?.trim().split(/\s+/)
  return map === undefined || map[2] === '4294967295' ? '' : ', in a user namespace'
}

function userNamespaces(machine: Machine): Check[] {
  if (machine.userId === 0) return []
  const limit = machine.read('/proc/sys/user/max_user_namespaces')?.trim()
  const clone = machine.read('/proc/sys/kernel/unprivileged_userns_clone')?.trim()
  const restricted = machine.read('/proc/sys/kernel/apparmor_restrict_unprivileged_userns')?.trim()
  const base = { id: 'system.user-namespaces', title: 'user namespaces' }
  const refusal =
    limit === '0'
      ? 'user.max_user_namespaces is 0'
      : clone === '0'
        ? 'kernel.unprivileged_userns_clone is 0'
        : restricted === '1'
          ? 'kernel.apparmor_restrict_unprivileged_userns is 1'
          : undefined
  if (refusal === undefined)
    return [{ ...base, state: 'ok', found: 'allowed: unshare -Urn gives a network of your own' }]
  return [
    { ...base, state: 'warn', found: refusal, advice: 'tests without root need them: sysctl that to another value' },
  ]
}

function container(machine: Machine): Check {
  const signs = [
    machine.exists('/.dockerenv') ? 'Docker' : undefined,
    machine.exists('/run/.containerenv') ? 'Podman' : undefined,
    machine.environment.KUBERNETES_SERVICE_HOST === undefined ? undefined : 'Kubernetes',
    machine.environment.container,
    /(docker|kubepods|containerd|lxc|libpod)/.exec(machine.read('/proc/1/cgroup') ?? '')?.[1],
  ].filter((sign) => sign !== undefined)
  const base = { id: 'system.container', title: 'container' }
  if (signs.length === 0) return { ...base, state: 'info', found: 'no sign of one' }
  return {
    ...base,
    state: 'info',
    found: `in a container: ${[...new Set(signs)].join(', ')}`,
    advice: 'it sees its own network: for that of the host, run with --network host; modules are loaded on the host',
  }
}

function seccomp(machine: Machine): Check {
  const base = { id: 'system.seccomp', title: 'seccomp' }
  const mode = statusField(machine, 'Seccomp')
  if (mode === undefined) return { ...base, state: 'unknown', found: '/proc/self/status does not say' }
  if (mode !== '2') return { ...base, state: 'ok', found: 'no filter' }
  const found = 'a filter decides which system calls are allowed; those of containers forbid io_uring'
  return { ...base, state: 'info', found, advice: 'with Docker: --security-opt seccomp=PROFILE that allows io_uring_*' }
}

function receiveBuffer(machine: Machine): Check {
  const base = { id: 'limits.receive-buffer', title: 'receive buffer' }
  if (hasCapability(machine, Capability.NetworkAdministration) === true && inNamespace(machine) === '') {
    return { ...base, state: 'ok', found: 'of any size (CAP_NET_ADMIN overrides net.core.rmem_max)' }
  }
  const maximum = Number(machine.read('/proc/sys/net/core/rmem_max') ?? Number.NaN)
  if (Number.isNaN(maximum)) return { ...base, state: 'unknown', found: 'net.core.rmem_max cannot be read here' }
  const found = `net.core.rmem_max is ${size(maximum)}`
  if (maximum >= COMFORTABLE_BUFFER) return { ...base, state: 'ok', found }
  const advice = `bursts are lost beyond it: sysctl -w net.core.rmem_max=${COMFORTABLE_BUFFER}`
  return { ...base, state: 'warn', found, advice }
}

function lockedMemory(machine: Machine): Check {
  const base = { id: 'limits.locked-memory', title: 'locked memory' }
  const limit = limitOf(machine, 'Max locked memory')
  if (limit === undefined) return { ...base, state: 'unknown', found: '/proc/self/limits does not say' }
  if (limit === Number.POSITIVE_INFINITY) return { ...base, state: 'ok', found: 'unlimited' }
  const found = `up to ${size(limit)} (ulimit -l)`
  const isEnough = limit >= COMFORTABLE_LOCK || hasCapability(machine, Capability.LockMemory) === true
  if (isEnough) return { ...base, state: 'ok', found }
  return {
    ...base,
    state: 'warn',
    found,
    advice: 'rings may not fit: raise it (ulimit -l, LimitMEMLOCK=, limits.conf)',
  }
}

function descriptors(machine: Machine): Check {
  const base = { id: 'limits.descriptors', title: 'open files' }
  const limit = limitOf(machine, 'Max open files')
  if (limit === undefined) return { ...base, state: 'unknown', found: '/proc/self/limits does not say' }
  const found = limit === Number.POSITIVE_INFINITY ? 'unlimited' : `up to ${limit} (ulimit -n)`
  if (limit >= FEW_DESCRIPTORS) return { ...base, state: 'ok', found }
  return { ...base, state: 'warn', found, advice: 'a queue takes up to three: raise it (ulimit -n)' }
}

/** The soft limit of that name. */
function limitOf(machine: Machine, name: string): number | undefined {
  const limits = machine.read('/proc/self/limits') ?? ''
  const [, soft] = new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(limits) ?? []
  if (soft === undefined) return undefined
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
}

function size(bytes: number): string {
  if (bytes >= MEBIBYTE) return `${Math.round((bytes / MEBIBYTE) * 10) / 10} MiB`
  return `${Math.round((bytes / 1024) * 10) / 10} KiB`
}
