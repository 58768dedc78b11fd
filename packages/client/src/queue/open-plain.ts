/** Opens queues whose options have no rules, with none of the code of rules. */
import { readOptions } from '@ringlink/codec/options'
import { bindQueue } from './bind.ts'
import type { Queue } from './queue.ts'
import { type PlainQueueOptions, plainQueueMembers, plainQueueOptions } from './schema.ts'

/** Whether these are options of {@link openPlainQueue}: an object with no other members. */
export function isPlainQueue(given: unknown): given is PlainQueueOptions {
  if (typeof given !== 'object' || given === null) return false
  // Includes inherited keys, because they would be read.
  for (const key in given) if (!Object.hasOwn(plainQueueMembers, key)) return false
  return true
}

/** As `openQueue`, for options that {@link isPlainQueue} recognises, with the same errors. */
export async function openPlainQueue(given: PlainQueueOptions): Promise<Queue> {
  const operation = 'open queue'
  return bindQueue(operation, readOptions(operation, plainQueueOptions, given))
}
