/** What the processes of the demo say to each other. */
import type { PublisherStats } from '@ringlink/transport-nats'
import type { SeenRange } from './ranges.ts'

/** The stream, the consumer that both programs share, and the address in the namespace of the demo. */
export const STREAM = 'LOGS'
export const CONSUMER = 'demo'
export const SERVER = 'nats://127.0.0.1:4222'
export const STREAM_BYTES = 2_000_000_000

export const GROUP = 5
export const PORT = 4100
export const THRESHOLD = 64

/** How much is sent and kept. */
export interface Plan {
  /** datagrams of a host in each part; there are two, and two more for each time that the server is killed */
  readonly perPart: number
  /** how often the server is killed: between two parts each */
  readonly kills: number
  /** bytes that each host keeps while the server is away */
  readonly buffers: Readonly<Record<string, number>>
}

const MEBIBYTE = 1 << 20
/** The third host has too little memory for what it logs while the server is away. */
const buffers = { web1: 64 * MEBIBYTE, web2: 64 * MEBIBYTE, web3: 2 * MEBIBYTE }
const patient = { web1: 256 * MEBIBYTE, web2: 256 * MEBIBYTE, web3: 256 * MEBIBYTE }

export const PLANS: Readonly<Record<string, Plan>> = {
  whole: { perPart: 10_000, kills: 1, buffers: { ...buffers, web3: MEBIBYTE } },
  quick: { perPart: 1000, kills: 1, buffers: { ...buffers, web3: 96 * 1024 } },
  million: { perPart: 55_556, kills: 2, buffers: patient },
}

/** To a host: send datagrams, say how often it found the server again, or finish. */
export type HostCommand = { readonly send: number } | { readonly reconnects: true } | { readonly finish: true }

/** From a host: it is ready, has sent so many, or has finished. */
export type HostAnswer =
  | { readonly ready: true }
  | { readonly sent: number }
  | { readonly reconnects: number }
  | { readonly report: HostReport }
  | { readonly problem: string }

/** What a host did. */
export interface HostReport {
  /** packets that its rule counted */
  readonly logged: number
  readonly stats: PublisherStats
}

/** What a consumer saw. */
export interface ConsumerReport {
  /** the numbers of records that it was given, by host */
  readonly ranges: Readonly<Record<string, readonly SeenRange[]>>
  /** what the messages say that hosts have dropped, in records */
  readonly dropped: Readonly<Record<string, number>>
  readonly records: number
}
