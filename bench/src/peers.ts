import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { BUILD, NPM_PEERS, PEERS } from './paths.ts'

/** The peers to compare with. */
export interface Peers {
  /** by name, why a peer is not there */
  readonly obstacles: ReadonlyMap<string, string>
}

interface Source {
  readonly name: string
  readonly libraries: readonly string[]
  /** the Debian package that has what it includes, and a header of it */
  readonly debian?: readonly [string, string]
}

const sources: readonly Source[] = [
  { name: 'send', libraries: [] },
  { name: 'tcp', libraries: ['-lpthread'] },
  { name: 'prices', libraries: ['-lpthread'] },
  { name: 'log', libraries: [] },
  {
    name: 'conntrack',
    libraries: ['-lmnl', '-lnetfilter_conntrack'],
    debian: ['libnetfilter-conntrack-dev', '/usr/include/libnetfilter_conntrack/libnetfilter_conntrack.h'],
  },
  { name: 'queue-best', libraries: ['-lpthread'] },
  { name: 'queue-mnl', libraries: ['-lmnl', '-lpthread'], debian: ['libmnl-dev', '/usr/include/libmnl/libmnl.h'] },
  {
    name: 'queue-nfq',
    libraries: ['-lnetfilter_queue', '-lpthread'],
    debian: ['libnetfilter-queue-dev', '/usr/include/libnetfilter_queue/libnetfilter_queue.h'],
  },
]

const npmPeers = [
  { name: 'npm-netlink', module: 'netlink', built: [] },
  // New npm versions run no install scripts, which is where this one would be built.
  { name: 'npm-nfqueue', module: 'nfqueue', built: ['build', 'Release', 'nfqueue.node'] },
]

/** Installs and builds all peers; an unavailable one is reported, never left out silently. */
export function preparePeers(say: (text: string) => void): Peers {
  const obstacles = new Map<string, string>()
  installDebianPackages(say)
  mkdirSync(BUILD, { recursive: true })
  for (const source of sources) {
    const problem = compile(source)
    if (problem !== undefined) obstacles.set(source.name, problem)
  }
  const installed = installNpmPeers(say)
  for (const { name, module, built } of npmPeers) {
    const problem = installed ?? (built.length === 0 ? undefined : rebuild(module, built, say))
    if (problem !== undefined) obstacles.set(name, problem)
  }
  for (const needed of ['send', 'tcp']) {
    const problem = obstacles.get(needed)
    if (problem !== undefined) throw new Error(`the sender cannot be built, and nothing can be measured: ${problem}`)
  }
  return { obstacles }
}

function installDebianPackages(say: (text: string) => void): void {
  const missing = sources.flatMap(({ debian }) => (debian === undefined || existsSync(debian[1]) ? [] : [debian[0]]))
  if (missing.length === 0 || process.getuid?.() !== 0) return
  say(`installing ${missing.join(' and ')}`)
  attempt('apt-get', ['update', '-qq'])
  attempt('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing])
}

function compile({ name, libraries, debian }: Source): string | undefined {
  const args = ['-O2', '-Wall', '-Wextra', '-o', join(BUILD, name), join(PEERS, `${name}.c`), ...libraries]
  const problem = attempt('cc', args)
  if (problem === undefined) return undefined
  return debian !== undefined && !existsSync(debian[1]) ? `Debian's ${debian[0]} is not installed` : problem
}

function installNpmPeers(say: (text: string) => void): string | undefined {
  if (npmPeers.every(({ module }) => existsSync(join(NPM_PEERS, 'node_modules', module)))) return undefined
  say('installing the npm peers')
  return attempt('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], NPM_PEERS)
}

function rebuild(module: string, built: readonly string[], say: (text: string) => void): string | undefined {
  const folder = join(NPM_PEERS, 'node_modules', module)
  if (existsSync(join(folder, ...built))) return undefined
  say(`building npm ${module}`)
  return attempt('npx', ['node-gyp', 'rebuild'], folder)
}

/** Runs a command; the end of what it said when it failed. */
function attempt(command: string, args: readonly string[], folder: string = BUILD): string | undefined {
  const { status, error, stderr } = spawnSync(command, args, {
    cwd: existsSync(folder) ? folder : PEERS,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (status === 0) return undefined
  return `${command}: ${error?.message ?? (stderr.trim().split('\n').at(-1) || `exit code ${status}`)}`
}
