/**
 * The communication between a fan-out and its Workers: counters in shared memory, which the Worker stores after every
 * batch and the fan-out reads on request, and a few messages.
 */
import { newQueueStats, type QueueCounters, type QueueStats } from '@ringlink/client'
import { errorBrand, isNetlinkError } from '@ringlink/codec'
import type { QueueOptions } from '../open.ts'

/** The data with which a Worker starts. */
export interface FanOutWorkerData {
  readonly number: number
  readonly module: string
  readonly data: unknown
  readonly queueOptions: Omit<QueueOptions, 'number' | 'signal'>
  /** the buffer of a `StopFlag` */
  readonly stop: SharedArrayBuffer
  /** {@link COUNTERS_SIZE} bytes */
  readonly counters: SharedArrayBuffer
}

/** How often events happened since the last report. */
export interface FanOutIncidents {
  overrun: number
  late: number
  truncated: number
  malformed: number
}

export type FanOutMessage =
  | { readonly type: 'open'; readonly transport: string }
  | { readonly type: 'incidents'; readonly incidents: FanOutIncidents }
  | { readonly type: 'closed'; readonly counters: QueueCounters | undefined }
  | { readonly type: 'failed'; readonly error: PackedError }

/** An error in a form that can be sent between threads, which would keep only the message of an Error. */
export interface PackedError {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  /** its properties with plain values: `code`, `errno`, … */
  readonly details: Readonly<Record<string, unknown>>
  /** it is an error of ringlink */
  readonly isOurs: boolean
}

const statNames = Object.keys(newQueueStats()) as (keyof QueueStats)[]

/**
 * Length in bytes of the counters of one queue: a Float64 each, which holds integers up to 2^53 and is stored
 * atomically.
 */
export const COUNTERS_SIZE: number = statNames.length * Float64Array.BYTES_PER_ELEMENT

/** Stores counters, once per batch, without allocating. */
export function storeStats(words: Float64Array, stats: Readonly<QueueStats>): void {
  for (let index = 0; index < statNames.length; index++) words[index] = stats[statNames[index] as keyof QueueStats]
}

/** The sum of counters. */
export function sumStats(all: readonly Float64Array[]): QueueStats {
  const sum = newQueueStats()
  for (const words of all) {
    for (const [index, name] of statNames.entries()) sum[name] += words[index] as number
  }
  return sum
}

/** Converts any thrown value. */
export function packError(error: unknown): PackedError {
  if (!(error instanceof Error)) {
    return { name: 'Error', message: `${String(error)} was thrown`, stack: undefined, details: {}, isOurs: false }
  }
  const plain = Object.entries(error).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
  const { name, message, stack } = error
  const details = Object.fromEntries(plain.filter(([key]) => key !== 'name'))
  return { name, message, stack, details, isOurs: isNetlinkError(error) }
}

/** Restores the error on the other side, recognised by its code like all others. */
export function unpackError({ name, message, stack, details, isOurs }: PackedError): Error {
  const error = Object.assign(new Error(message), details)
  Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true })
  if (stack !== undefined) error.stack = stack
  // A symbol cannot be sent to another thread, so the brand is set again.
  if (isOurs) Object.defineProperty(error, errorBrand, { value: true })
  return error
}
