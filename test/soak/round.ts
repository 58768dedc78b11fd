import { installRules, type Rules } from '@ringlink/client'
import type { Namespace } from '@ringlink/test-support/namespace'
import type { OpenTransport } from '@ringlink/transport'
import type { Random } from '@ringlink/transport/faults'
import { openUring, probeUring } from '@ringlink/transport-mmap'
import { openSocket } from '@ringlink/transport-socket'
import { type LoadedKernel, loadLog, loadQueue } from '../counters/load.ts'

export const PORT = 9000
const QUEUE = 5
const GROUP = 5
/** Milliseconds for packets that were accepted to pass the last rule. */
const PATIENCE = 5000

/** What a round was, and what it found. */
export interface Round {
  readonly what: string
  readonly packets: number
  /** of these, lost in a full buffer, as counted */
  readonly lost: number
  /** faults that were injected */
  readonly faults: number
  /** changes of rules and sets during the traffic */
  readonly changes: number
  /** sums that are to be 0 and are not, by their names */
  readonly differences: Readonly<Record<string, number>>
}

type OpenIn = (networkNamespace: string) => OpenTransport

/** The transports of this kernel. */
export async function soakTransports(): Promise<readonly (readonly [string, OpenIn])[]> {
  const sockets: (readonly [string, OpenIn])[] = [
    ['socket', (networkNamespace) => (needs) => openSocket({ ...needs, networkNamespace })],
  ]
  if (!(await probeUring()).works) return sockets
  return [
    ...sockets,
    ['ring', (networkNamespace) => (needs) => openUring({ ...needs, networkNamespace })],
    [
      'ring with a kernel thread',
      (networkNamespace) => (needs) => openUring({ ...needs, networkNamespace, kernelThread: true }),
    ],
  ]
}

/** Opens a queue or a log, loads it while rules change, closes it and adds up. */
export async function runRound(
  namespace: Namespace,
  [name, openIn]: readonly [string, OpenIn],
  random: Random,
): Promise<Round> {
  const isLog = random.chance(0.25)
  const trouble = random.chance(0.5) ? 'none' : 'lossy'
  const packets = 1 + random.below(4000)
  const seed = random.next()
  await using rules = await install(namespace, isLog, random)
  const changing = new RuleChanges(rules, random)
  const kernel: LoadedKernel = {
    open: openIn(namespace.path),
    send: async (count) => {
      const sent = namespace.send({ port: PORT, count })
      await changing.until(sent)
    },
    passed: (expected) => passed(rules, expected),
  }
  const sums = isLog ? await loadLog(kernel, packets, trouble, seed) : await loadQueue(kernel, packets, trouble, seed)
  const { lost, faults, differences } = sums
  return {
    what: `a ${isLog ? 'log' : 'queue'} over a ${name}, faults: ${trouble}, ${packets} packets, seed ${seed}`,
    packets,
    lost,
    faults: Object.values(faults).reduce((sum, count) => sum + count, 0),
    changes: changing.count,
    differences: Object.fromEntries(Object.entries(differences).filter(([, difference]) => difference !== 0)),
  }
}

/** Rules of one of several forms, and one that counts what passes. */
async function install(namespace: Namespace, isLog: boolean, random: Random): Promise<Rules> {
  const action = isLog ? { log: { group: GROUP } } : { queue: QUEUE }
  const priority = random.chance(0.5) ? 'raw' : 'filter'
  const destinationPort = random.chance(0.5) ? PORT : ({ in: 'ports' } as const)
  const rules = await installRules(
    [
      { hook: 'output', priority, match: { protocol: 'udp', destinationPort }, ...action },
      { hook: 'input', match: { protocol: 'udp', destinationPort: PORT } },
    ],
    {
      sets: { ports: { type: 'port' } },
      transport: (needs) => openSocket({ ...needs, networkNamespace: namespace.path }),
    },
  )
  await rules.set('ports').add([PORT])
  return rules
}

/** The packets that the last rule has counted, once they are as many as expected. */
async function passed(rules: Rules, expected: number): Promise<number> {
  for (const end = performance.now() + PATIENCE; ; ) {
    const { packets = Number.NaN } = (await rules.counters())[1] ?? {}
    if (packets >= expected || performance.now() > end) return packets
    await new Promise(setImmediate)
  }
}

/** Changes a set that the rules look up, without touching the port of the traffic, until something else has ended. */
class RuleChanges {
  count = 0
  readonly #rules: Rules
  readonly #random: Random

  constructor(rules: Rules, random: Random) {
    this.#rules = rules
    this.#random = random
  }

  async until(ended: Promise<unknown>): Promise<void> {
    const state = { isOver: false }
    const over = ended.finally(() => {
      state.isOver = true
    })
    const ports = this.#rules.set('ports')
    while (!state.isOver) {
      const first = 10_000 + this.#random.below(1000)
      const some = Array.from({ length: 1 + this.#random.below(20) }, (_, index) => first + index)
      await ports.add(some)
      await ports.delete(some)
      this.count += 2
      await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 20))])
    }
    await over
  }
}
