import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Experiment, Outcome, Settings } from './experiment.ts'
import { loadBetween, markLoad } from './machine-load.ts'
import { BUILD, DIST } from './paths.ts'
import { Program } from './program.ts'
import { Port } from './rules.ts'
import { elementsOf } from './rules-elements.ts'

/** Packets of each connection that are queued. */
const FIRST = 20
const ELEMENTS = 100_000
const LOOK_UPS = 1_000_000
/** Seconds of a TCP connection that are not measured. */
const SKIP = 0.5

const queues: Readonly<Record<string, readonly string[] | undefined>> = {
  'no-queue': undefined,
  'offload-20': [`packets=${FIRST}`, 'gso=1'],
  'offload-20-segments': [`packets=${FIRST}`, 'gso=0'],
  'every-packet-gso': ['gso=1'],
  'every-packet-segments': ['gso=0'],
}

/** A TCP transfer whose first packets are queued, beside one that is queued whole, and one that is not. */
export const offloadExperiment: Experiment = {
  name: 'offload',
  group: 'rules',
  title: `one TCP connection over loopback: no queue, its first ${FIRST} packets queued, every packet queued`,
  unit: 'Gbit/s',
  better: 'more',
  contenders: Object.keys(queues),
  obstacle: () => undefined,
  run: (contender, settings) => transfer(queues[contender], settings),
}

function startOurs(mode: string, more: readonly string[]): Program {
  return new Program('ringlink', process.execPath, [join(DIST, 'rules-program.js'), `mode=${mode}`, ...more])
}

async function transfer(queue: readonly string[] | undefined, { window }: Settings): Promise<Outcome> {
  const handler = queue === undefined ? undefined : startOurs('queue', queue)
  const programs = [handler]
  try {
    await handler?.expect('READY')
    handler?.go()
    // It connects as soon as it listens.
    const sender = new Program('tcp', join(BUILD, 'tcp'), [`port=${Port.Rules}`, `skip=${SKIP}`, `seconds=${window}`])
    programs.push(sender)
    await sender.expect('READY')
    const pids = [sender, handler].flatMap((program) => program?.pid ?? [])
    const before = markLoad(pids)
    const { bytes = 0, seconds = 1 } = await sender.json<{ readonly bytes?: number; readonly seconds?: number }>()
    const load = loadBetween(before, markLoad(pids))
    handler?.go()
    const { queued = 0, handled = 0 } =
      (await handler?.json<{ readonly queued: number; readonly handled: number }>()) ?? {}
    return { value: (bytes * 8) / seconds / 1e9, details: { bytes, seconds, queued, handled }, load }
  } finally {
    await Promise.all(programs.map((program) => program?.stop()))
  }
}

/** 100,000 elements are added to a set. */
export const elementsExperiment: Experiment = {
  name: 'set-elements',
  group: 'rules',
  title: `${ELEMENTS.toLocaleString('en-US')} addresses are added to a set: nft -f with a file of them, and set.add with a list`,
  unit: 'ms',
  better: 'less',
  contenders: ['nft', 'ringlink'],
  obstacle: (contender) =>
    contender === 'ringlink' || spawnSync('nft', ['--version']).status === 0 ? undefined : 'nft is not installed',
  run: (contender) => (contender === 'nft' ? addByNft() : addByUs()),
}

async function addByUs(): Promise<Outcome> {
  const program = startOurs('add', [`count=${ELEMENTS}`])
  try {
    await program.expect('READY')
    program.go()
    const { seconds } = await program.json<{ readonly seconds: number }>()
    return { value: seconds * 1000, details: { elements: ELEMENTS } }
  } finally {
    await program.stop()
  }
}

async function addByNft(): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'ringlink-bench-'))
  const file = join(folder, 'elements.nft')
  const nft = (...words: string[]) => spawnSync('nft', words, { stdio: ['ignore', 'ignore', 'inherit'] }).status
  try {
    if (nft('add table ip bench; add set ip bench blocked { type ipv4_addr; }') !== 0)
      throw new Error('nft refused a set')
    writeFileSync(file, `add element ip bench blocked { ${elementsOf(ELEMENTS).join(', ')} }\n`)
    const start = performance.now()
    if (nft('-f', file) !== 0) throw new Error('nft refused the elements')
    return { value: performance.now() - start, details: { elements: ELEMENTS } }
  } finally {
    nft('delete table ip bench')
    rmSync(folder, { recursive: true })
  }
}

/** A million packets to addresses of a set are dropped, and a queue after that rule gets none of them. */
export const dropExperiment: Experiment = {
  name: 'set-drop',
  group: 'rules',
  title: `${LOOK_UPS.toLocaleString('en-US')} datagrams to addresses of a set of ${ELEMENTS.toLocaleString('en-US')} are dropped before a queue; no rules`,
  unit: 'packets/s',
  better: 'more',
  contenders: ['no-rules', 'ringlink'],
  obstacle: () => undefined,
  run: (contender) => flood(contender === 'ringlink'),
}

async function flood(hasRules: boolean): Promise<Outcome> {
  const handler = hasRules ? startOurs('drop', [`count=${ELEMENTS}`]) : undefined
  const words = [`port=${Port.Rules}`, 'mode=flood', 'size=64', 'addresses=64', `count=${LOOK_UPS}`]
  const programs: (Program | undefined)[] = [handler]
  try {
    await handler?.expect('READY')
    handler?.go()
    const sender = new Program('send', join(BUILD, 'send'), words)
    programs.push(sender)
    await sender.expect('READY')
    const { sent, seconds } = await sender.json<{ readonly sent: number; readonly seconds: number }>()
    handler?.go()
    const counted = await handler?.json<{
      readonly dropped: number
      readonly passed: number
      readonly queued: number
    }>()
    const details = { sent, ...counted }
    const isExact = counted === undefined || (counted.dropped === sent && counted.passed === 0 && counted.queued === 0)
    return {
      value: sent / seconds,
      details,
      ...(isExact ? {} : { problem: `not as sent: ${JSON.stringify(details)}` }),
    }
  } finally {
    await Promise.all(programs.map((program) => program?.stop()))
  }
}
