import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

let made = 0

/** A control group that limits the memory of the processes in it; the kernel kills one that takes more. */
export class MemoryCgroup implements Disposable {
  /** words before a command that run it inside */
  readonly wrap: readonly string[]
  readonly #path: string
  readonly #events: string

  /** @param bytes the limit, without swap */
  constructor(bytes: number) {
    const { path, isUnified } = hierarchy()
    // In the second version a group has limits of memory only where its parent allows them.
    if (isUnified) writeFileSync(join(path, 'cgroup.subtree_control'), '+memory')
    this.#events = isUnified ? 'memory.events' : 'memory.oom_control'
    this.#path = join(path, `ringlink-${process.pid}-${++made}`)
    mkdirSync(this.#path)
    const limits = isUnified
      ? { 'memory.max': bytes, 'memory.swap.max': 0 }
      : { 'memory.limit_in_bytes': bytes, 'memory.memsw.limit_in_bytes': bytes }
    for (const [name, value] of Object.entries(limits)) this.#write(name, value)
    this.wrap = ['sh', '-c', `echo $$ > ${join(this.#path, 'cgroup.procs')} && exec "$@"`, 'sh']
  }

  /** How many processes the kernel has killed in it. */
  killed(): number {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(join(this.#path, this.#events), 'utf8'))?.[1])
  }

  [Symbol.dispose](): void {
    rmdirSync(this.#path)
  }

  /** A kernel that does not account swap has no limit for it. */
  #write(name: string, value: number): void {
    try {
      writeFileSync(join(this.#path, name), `${value}`, { flag: 'r+' })
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'ENOENT' || !name.includes('sw')) throw error
    }
  }
}

/** Why this process cannot make one; `undefined`: it can. */
export function memoryCgroupUnavailable(): string | undefined {
  try {
    new MemoryCgroup(1 << 30)[Symbol.dispose]()
    return undefined
  } catch (error) {
    return `no memory cgroup can be made: ${(error as Error).message}`
  }
}

/** Where this machine has its groups: the first version, with a file system for memory alone, or the second. */
function hierarchy(): { path: string; isUnified: boolean } {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
  const first = mounts.find(([, , type, options]) => type === 'cgroup' && options?.split(',').includes('memory'))
  const found = first ?? mounts.find(([, , type]) => type === 'cgroup2')
  if (found?.[1] === undefined) throw new Error('no cgroup file system is mounted')
  return { path: found[1], isUnified: first === undefined }
}
