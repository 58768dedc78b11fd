import { join } from 'node:path'
import { BUILD, DIST } from './paths.ts'

/** Arguments for a handler, see bench/README.md. */
export type HandlerArguments = Readonly<Record<string, string | number>>

/** A program that answers a queue. */
export interface Implementation {
  readonly label: string
  readonly command: string
  /** the program, before its arguments */
  readonly first: readonly string[]
  readonly args?: HandlerArguments
  /** what has to be built or installed for it; nothing for ringlink itself */
  readonly peer?: string
  /** the longest queue that it can have: a drain of more is beyond it */
  readonly longestQueue?: number
}

const node = (name: string): Pick<Implementation, 'command' | 'first'> => ({
  command: process.execPath,
  first: [join(DIST, 'handlers', `${name}.js`)],
})

const c = (name: string): Pick<Implementation, 'command' | 'first' | 'peer'> => ({
  command: join(BUILD, name),
  first: [],
  peer: name,
})

/** Maximum packets for implementations that cannot have a larger receive buffer or a longer queue. */
const SMALL_QUEUE = 1024

export const implementations = {
  'c-nfq': { label: 'C, libnetfilter_queue', ...c('queue-nfq') },
  'c-mnl': { label: 'C, libmnl', ...c('queue-mnl') },
  'c-best': { label: 'C, recvmmsg and one send', ...c('queue-best') },
  'c-batch': { label: 'C, recvmmsg and batch verdicts', ...c('queue-best'), args: { batch: 64 } },
  ringlink: { label: 'ringlink', ...node('queue') },
  'ringlink-packets': { label: 'ringlink, packet by packet', ...node('queue'), args: { api: 'packets' } },
  'ringlink-async': { label: 'ringlink, async handler', ...node('queue'), args: { api: 'async' } },
  'ringlink-worker': {
    label: 'ringlink, blocking in a Worker',
    ...node('queue-workers'),
    args: { workers: 1, api: 'serve' },
  },
  'ringlink-workers': { label: 'ringlink, a Worker for each queue', ...node('queue-workers') },
  'ringlink-ring': { label: 'ringlink, ring', ...node('queue'), args: { transport: 'ring' } },
  'ringlink-ring-thread': {
    label: 'ringlink, ring with kernelThread',
    ...node('queue'),
    args: { transport: 'ring-kernel-thread' },
  },
  'npm-nfqueue': {
    label: 'npm nfqueue',
    ...node('npm-nfqueue'),
    peer: 'npm-nfqueue',
    longestQueue: SMALL_QUEUE,
  },
  'npm-netlink': {
    label: 'npm netlink',
    ...node('npm-netlink'),
    peer: 'npm-netlink',
    longestQueue: SMALL_QUEUE,
  },
  'npm-netlink-batch': {
    label: 'npm netlink, verdicts of a turn in one send',
    ...node('npm-netlink'),
    args: { sends: 'batch' },
    peer: 'npm-netlink',
    longestQueue: SMALL_QUEUE,
  },
} as const satisfies Record<string, Implementation>

export type ImplementationName = keyof typeof implementations

export function implementationOf(name: ImplementationName): Implementation {
  return implementations[name]
}

/** The same program from another folder of built programs. */
export function movedTo(dist: string, implementation: Implementation): Implementation {
  return { ...implementation, first: implementation.first.map((word) => word.replace(DIST, () => dist)) }
}
