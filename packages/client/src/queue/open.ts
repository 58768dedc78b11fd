import { readOptions } from '@ringlink/codec/options'
import { prepareQueueRules } from '../rules/feed.ts'
import { bindQueue } from './bind.ts'
import type { QueueOptions } from './options.ts'
import type { Queue } from './queue.ts'
import { queueOptions } from './schema-rules.ts'

/**
 * Binds queue `options.number` and configures it, with one request. Rejects with
 *
 * - `ARGUMENT` and `VALUE_RANGE` for an invalid option, before anything is opened: an `OptionError` whose `path` names
 *   it
 * - `QUEUE_REFUSED` when the kernel refuses to bind the queue to this socket; the message says why
 * - `QUEUE_UNSUPPORTED` when the kernel has no packet queue, or does not support an option; the message names the
 *   option
 * - `RULES_REFUSED` and `RULES_UNSUPPORTED` when the kernel refuses the `rule`, see `installRules`
 * - `KERNEL` for any other refusal, the signal's reason, and any error of the transport
 *
 * Nothing is left open after a rejection.
 */
export async function openQueue(given: QueueOptions): Promise<Queue> {
  const operation = 'open queue'
  const options = readOptions(operation, queueOptions, given)
  const installFeed = prepareQueueRules(options.number, options.rule, { ...options, operation })
  return bindQueue(operation, options, installFeed)
}
