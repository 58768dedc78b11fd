// npm run profile: see HELP, or --help.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Experiment, Settings } from './experiment.ts'
import { experimentsOf } from './experiments.ts'
import { runInNamespace } from './namespace.ts'
import { BUILD, DOCS } from './paths.ts'
import { preparePeers } from './peers.ts'
import { flameGraph, percent } from './profile/flame-graph.ts'
import { type Row, rows } from './profile/rows.ts'
import { Sampler } from './profile/sampler.ts'
import { type FrameKind, hottest, sharesOf, treeOf } from './profile/stacks.ts'
import { makeNetwork } from './rules.ts'
import { GROUPS } from './workload.ts'

const HELP = `Samples programs of the bench with Linux's perf while they are measured, and draws flame graphs with the frames of the
kernel, of native code and of JavaScript: docs/performance/flame/WORKLOAD-CONTENDER.svg. The shares go to standard output.

  npm run profile -- ROW ...       of ${rows.map(({ workload }) => workload).join(', ')}
  npm run profile -- --all         all of these; eight minutes of a quiet machine
  npm run profile -- WORKLOAD:CONTENDER ...  any other program of the bench
  --help

It needs root and Debian's package linux-perf, which it installs.`

const FLAMES = join(DOCS, 'performance', 'flame')
const OBSTACLES = join(BUILD, 'obstacles.json')
/** Functions that are named on standard output. */
const NAMED = 12

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: 'boolean', default: false },
    inside: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

try {
  if (values.help || (positionals.length === 0 && !values.all)) process.stdout.write(`${HELP}\n`)
  else if (values.inside) await profileRows(values.all ? rows : positionals.map(rowOf))
  else prepare()
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}

function say(text: string): void {
  process.stderr.write(`profile: ${text}\n`)
}

function prepare(): void {
  for (const text of positionals) rowOf(text)
  writeFileSync(OBSTACLES, JSON.stringify([...preparePeers(say).obstacles]))
  runInNamespace(import.meta.url)
}

function rowOf(text: string): Row {
  const [workload = '', contender] = text.split(':')
  const known = rows.find((row) => row.workload === workload)
  if (contender !== undefined) return { workload, contenders: [contender], repetitions: known?.repetitions ?? 1 }
  if (known === undefined)
    throw new Error(`there is no row ${workload}; expected ${rows.map((row) => row.workload).join(', ')}`)
  return known
}

async function profileRows(all: readonly Row[]): Promise<void> {
  makeNetwork()
  // Node writes files of its own to the working directory when it says where its code is.
  process.chdir(tmpdir())
  for (const row of all) await profileRow(row)
}

async function profileRow({ workload, contenders, repetitions }: Row): Promise<void> {
  const obstacles = new Map<string, string>(JSON.parse(readFileSync(OBSTACLES, 'utf8')))
  const experiment = experimentsOf(GROUPS, false, { obstacles }).find(({ name }) => name === workload)
  if (experiment === undefined) throw new Error(`the bench has no workload ${workload}`)
  mkdirSync(FLAMES, { recursive: true })
  for (const contender of contenders) await profile(experiment, contender, repetitions)
}

async function profile(experiment: Experiment, contender: string, repetitions: number): Promise<void> {
  const reason = experiment.obstacle(contender)
  if (reason !== undefined) throw new Error(`${experiment.name} ${contender}: ${reason}`)
  const sampler = new Sampler()
  try {
    const isWhole = experiment.group === 'resting'
    const settings: Settings = {
      ...{ repetitions, window: 3, scale: 1, patience: 0, redos: 0, warm: 120_000, limit: Number.POSITIVE_INFINITY },
      sampling: isWhole ? { prefix: () => sampler.prefix() } : { attach: (pid: number) => sampler.attach(pid) },
    }
    // Node says where it put the code of each function; while it starts, also of those that are interpreted.
    process.env.NODE_OPTIONS = `--perf-basic-prof${isWhole ? ' --interpreted-frames-native-stack' : ''}`
    for (let repetition = 0; repetition < repetitions; repetition++) {
      await experiment.run(contender, settings)
      await sampler.detach()
    }
    report(experiment, contender, sampler.stacks())
  } finally {
    await sampler.close()
    delete process.env.NODE_OPTIONS
    removeMaps()
  }
}

function report({ name, title }: Experiment, contender: string, stacks: string): void {
  const tree = treeOf(stacks)
  if (tree.samples === 0) throw new Error(`${name} ${contender}: perf has taken no samples`)
  const shares = sharesOf(tree)
  const path = join(FLAMES, `${name}-${contender}.svg`)
  writeFileSync(path, flameGraph(tree, `${contender}: ${title}`, shares))
  const parts = (Object.keys(shares) as FrameKind[]).map((kind) => `${kind} ${percent(shares[kind])}`)
  process.stdout.write(`${name} ${contender}: ${parts.join(', ')}; ${tree.samples} samples, ${path}\n`)
  for (const { frame, share } of hottest(tree, NAMED))
    process.stdout.write(`  ${percent(share)} ${frame.kind} ${frame.name}\n`)
}

/** The files in which Node has said where its code is. */
function removeMaps(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = /^(?:perf-(\d+)\.map|isolate-0x[0-9a-f]+-(\d+)-v8\.log)$/
      .exec(name)
      ?.slice(1)
      .find((found) => found)
    if (pid !== undefined && !isAlive(pid)) rmSync(join(tmpdir(), name), { force: true })
  }
}

function isAlive(pid: string): boolean {
  return readdirSync('/proc').includes(pid)
}
