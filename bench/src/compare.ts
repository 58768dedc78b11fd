import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { implementationOf } from './implementations.ts'
import { BENCH } from './paths.ts'
import type { Results } from './results.ts'
import { detailOf, ratioOf } from './summary.ts'
import { spreadText } from './text-report.ts'
import type { Contender, Group, Workload } from './workload.ts'

/** Another state of this repository that is measured beside the working tree. */
export interface Reference {
  /** as the user named it, and the start of its commit */
  readonly label: string
  /** the built programs of the bench in it */
  readonly dist: string
}

/** The groups in which programs of ours run as processes of their own, so that another state can take part. */
export const COMPARABLE: readonly Group[] = ['queue', 'latency', 'gso', 'scaling', 'log', 'ring', 'ids', 'resting']

const ROOT = dirname(BENCH)
/** Outside of this repository, whose tools would take the other state's files for its own. */
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'ringlink', 'compare')
const SHORT = 10

/**
 * Checks out `ref` into a work tree of its own and builds it with the bench of the working tree: both states are
 * measured by the same handlers. Throws an Error that says what failed.
 */
export function prepareReference(ref: string, say: (text: string) => void): Reference {
  const commit = git('rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`)
  if (commit === undefined) throw new Error(`--compare: '${ref}' is not a commit of this repository`)
  const tree = join(CACHE, commit)
  mkdirSync(dirname(tree), { recursive: true })
  if (!existsSync(join(tree, 'package.json'))) {
    git('worktree', 'prune')
    if (git('worktree', 'add', '--detach', '--force', tree, commit) === undefined) {
      throw new Error(`--compare: git cannot check out ${commit} into ${tree}`)
    }
  }
  rmSync(join(tree, 'bench', 'src'), { recursive: true, force: true })
  cpSync(join(BENCH, 'src'), join(tree, 'bench', 'src'), { recursive: true })
  say(`building ${ref} (${commit.slice(0, SHORT)}) in ${tree}`)
  const { status } = spawnSync(process.execPath, [join('scripts', 'setup.mjs'), '--build'], {
    cwd: tree,
    stdio: ['ignore', 2, 2],
  })
  if (status !== 0) throw new Error(`--compare: ${ref} cannot be built in ${tree}; what it said is above`)
  return { label: `${ref} (${commit.slice(0, SHORT)})`, dist: join(tree, 'bench', 'dist') }
}

function git(...args: string[]): string | undefined {
  const { status, stdout } = spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

/** The name of a contender in the other state. */
export function earlier(name: string): string {
  return `${name}@`
}

/** A workload in which every program of ours has its counterpart of the other state, and nobody else takes part. */
export function comparedWorkload(workload: Workload, { dist }: Reference): Workload {
  const ours = workload.contenders.filter(({ implementation }) => {
    const { peer }: { peer?: string } = implementationOf(implementation)
    return peer === undefined
  })
  const both = ours.flatMap((contender): Contender[] => [
    contender,
    { ...contender, name: earlier(contender.name), dist },
  ])
  return { ...workload, contenders: both }
}

/** The ratios of the working tree to the other state, one line for each program and workload. */
export function compareText(results: Results, { label }: Reference): string {
  const lines = results.workloads.flatMap(({ name, contenders, better }) =>
    contenders
      .filter((contender) => contenders.includes(earlier(contender)))
      .map((contender) => {
        const ratio = ratioOf(results, name, contender, earlier(contender))
        const user = (who: string) =>
          detailOf(results, name, who, 'userMicrosecondsPerPacket')?.median.toFixed(2) ?? '-'
        const times = `user µs/packet ${user(contender)}, before ${user(earlier(contender))}`
        const what = `${name} ${contender}`.padEnd(48)
        return `${what} x ${spreadText(ratio, (value) => value.toFixed(3))}  (${better} is better)  ${times}`
      }),
  )
  return [`the working tree / ${label}, medians of paired ratios`, ...lines].join('\n')
}
