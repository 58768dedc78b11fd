import { release } from 'node:os'
import { Errno, isNetlinkError } from '@ringlink/codec'
import { loadNative } from '@ringlink/native'
import { probeNetlinkRing, probeUring } from '@ringlink/transport-mmap'
import type { ExitCode } from '../command-line/command.ts'
import type { DoctorArguments } from '../commands/doctor.ts'
import { output } from '../terminal/output.ts'
import { type Answers, askKernel } from './ask.ts'
import type { Check } from './check.ts'
import { kernelChecks } from './kernel-checks.ts'
import { type Machine, thisMachine } from './machine.ts'
import { logOwners, lostMessages, queueOwners } from './owners.ts'
import { formatReport, type Report } from './report.ts'
import { ringChecks } from './ring-checks.ts'
import { systemChecks } from './system-checks.ts'

/** What finds out about the machine; a test has probes of its own. */
export interface Probes {
  readonly machine: Machine
  readonly loadAddon: () => void
  readonly ask: () => Promise<Answers>
  readonly probeUring: typeof probeUring
  readonly probeNetlinkRing: typeof probeNetlinkRing
}

/** Checks the machine and prints what was found. */
export async function runDoctor({ values }: DoctorArguments): Promise<ExitCode> {
  const machine: Machine = { ...thisMachine, release: release() }
  const report = await diagnose({ machine, loadAddon: loadNative, ask: askKernel, probeUring, probeNetlinkRing })
  if (values.json) printJson(report)
  else for (const line of formatReport(report)) output.line(line)
  return report.worksForQueues ? 0 : 1
}

/** Runs all checks. Never rejects: what fails is one of them. */
export async function diagnose(probes: Probes): Promise<Report> {
  const { machine } = probes
  const checks = [...systemChecks(machine), addonCheck(probes)]
  if (machine.platform === 'linux' && checks.at(-1)?.state === 'ok') {
    checks.push(...(await askedChecks(probes)), ...(await ringChecks(probes)))
  }
  const queues = queueOwners(machine)
  const logs = logOwners(machine)
  checks.push(lossCheck(machine, queues))
  const hasFailed = checks.some(({ isRequired, state }) => isRequired === true && state === 'fail')
  // What the kernel does not say, for lack of privileges, does not work either.
  const worksForQueues = !hasFailed && checks.some(({ id, state }) => id === 'queue.subsystem' && state === 'ok')
  return { checks, queues, logs, worksForQueues }
}

function addonCheck({ loadAddon }: Probes): Check {
  const base = { id: 'system.addon', title: 'addon', isRequired: true } as const
  try {
    loadAddon()
    return { ...base, state: 'ok', found: 'loaded' }
  } catch (error) {
    const advice = isNetlinkError(error, 'ADDON_MISSING')
      ? 'reinstall with optional dependencies, or build it: npx ringlink-native build'
      : 'see the README of @ringlink/native'
    return { ...base, state: 'fail', found: messageOf(error), advice }
  }
}

async function askedChecks({ ask }: Probes): Promise<Check[]> {
  try {
    return kernelChecks(await ask())
  } catch (error) {
    const base = { id: 'system.netlink', title: 'netlink of netfilter', isRequired: true } as const
    return [{ ...base, state: 'fail', found: messageOf(error), advice: adviceOn(error) }]
  }
}

/** What to do if a netfilter socket cannot be opened. */
function adviceOn(error: unknown): string {
  if (isNetlinkError(error) && 'errno' in error && error.errno === Errno.EPROTONOSUPPORT) {
    return 'load the modules on this machine (for a container: on its host): modprobe nfnetlink_queue nfnetlink_log nf_tables'
  }
  return 'find out what forbids netlink sockets: seccomp, RestrictAddressFamilies= of systemd, or SELinux'
}

function lossCheck(machine: Machine, queues: Report['queues']): Check {
  const base = { id: 'loss', title: 'packets lost by open queues' }
  const messages = lostMessages(machine)
  if (queues === undefined) {
    const found = 'the list of queues cannot be read'
    return {
      ...base,
      state: 'unknown',
      found,
      advice: 'run as root; without it in a container: the module is not loaded',
    }
  }
  const lost = queues.reduce((sum, { queueDropped, userDropped }) => sum + queueDropped + userDropped, 0)
  const sockets = messages === undefined || messages === 0 ? '' : `; ${messages} messages by netfilter sockets`
  if (lost === 0) return { ...base, state: 'ok', found: `none${sockets}` }
  const advice = 'full queues: raise --max-length, or --fail-open; full buffers: lower --copy-range, or several queues'
  return { ...base, state: 'warn', found: `${lost}${sockets}`, advice }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function printJson({ checks, queues, logs, worksForQueues }: Report): void {
  for (const { isRequired = false, ...check } of checks) output.json({ event: 'check', ...check, isRequired })
  for (const queue of queues ?? []) output.json({ event: 'queue', ...queue })
  for (const log of logs ?? []) output.json({ event: 'log', ...log })
  const failed = checks.filter(({ state }) => state === 'fail').map(({ id }) => id)
  output.json({ event: 'summary', worksForQueues, failed })
}
