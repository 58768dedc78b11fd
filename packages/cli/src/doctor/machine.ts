import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** What checks look at. A test has one of its own. */
export interface Machine {
  readonly platform: string
  readonly release: string
  readonly node: string
  readonly userId: number | undefined
  readonly environment: NodeJS.ProcessEnv
  /** The content of a file; undefined where it cannot be read. */
  read(path: string): string | undefined
  exists(path: string): boolean
  /** Names in a folder; empty where it cannot be read. */
  list(path: string): readonly string[]
  link(path: string): string | undefined
}

export const thisMachine: Omit<Machine, 'release'> = {
  platform: process.platform,
  node: process.version,
  userId: process.getuid?.(),
  environment: process.env,
  read: (path) => attempt(() => readFileSync(path, 'utf8')),
  exists: existsSync,
  list: (path) => attempt(() => readdirSync(path)) ?? [],
  link: (path) => attempt(() => readlinkSync(path)),
}

function attempt<Value>(work: () => Value): Value | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

/** A field of /proc/self/status. */
export function statusField(machine: Machine, name: string): string | undefined {
  const status = machine.read('/proc/self/status') ?? ''
  return new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]
}

/** CAP_NET_ADMIN, CAP_IPC_LOCK (uapi/linux/capability.h) */
export const Capability = { NetworkAdministration: 12, LockMemory: 14 } as const

/** Whether this process has a capability in its user namespace; undefined if unknown. */
export function hasCapability(machine: Machine, capability: number): boolean | undefined {
  const bits = statusField(machine, 'CapEff')
  if (bits === undefined || !/^[\da-f]+$/i.test(bits)) return undefined
  return ((BigInt(`0x${bits}`) >> BigInt(capability)) & 1n) === 1n
}
