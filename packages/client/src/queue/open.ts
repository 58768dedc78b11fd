import { Errno, MAXIMUM_COPY_RANGE, Protocol, QueueCommand } from '@ringlink/codec'
import { readOptions } from '@ringlink/codec/options'
import { openFor } from '../opening.ts'
import { explainRefusal, isNotSupported } from '../refusal.ts'
import { prepareQueueRules } from '../rules/feed.ts'
import { Session } from '../session.ts'
import { QUEUE_COUNTERS_FILE } from './counters.ts'
import { checkFrameSize, flagOptions, type QueueOptions, queueConfig, queueTransportNeeds } from './options.ts'
import { Queue } from './queue.ts'
import { configRequest } from './request.ts'
import { queueOptions } from './schema.ts'

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
  const { number, unanswered = 'drop', verdictBatching, requestTimeout, signal } = options
  const installFeed = prepareQueueRules(number, options.rule, { ...options, operation })
  const needs = queueTransportNeeds(options, Protocol.Netfilter)
  const opened = openFor({ operation, signal }, options.transport, needs)
  const transport = opened instanceof Promise ? await opened : opened
  const session = new Session(transport, {
    requestTimeout,
    open: typeof options.transport === 'function' ? options.transport : undefined,
  })
  try {
    checkFrameSize(options, transport, operation)
    await bindQueue(session, options)
    return new Queue(number, session, unanswered, verdictBatching, await installFeed(), options.failOpen)
  } catch (error) {
    await session.close()
    throw error
  }
}

async function bindQueue(session: Session, options: QueueOptions): Promise<void> {
  const { number, signal } = options
  const settings = { ...options, copyRange: options.copyRange ?? MAXIMUM_COPY_RANGE }
  const command = { command: QueueCommand.Bind, family: 0 }
  // One message for all settings: packets that came while the queue was bound and had no copy mode would be dropped.
  const config = { command, ...queueConfig(settings) }
  try {
    await session.request(configRequest(`bind queue ${number}`, number, config, Errno.EBUSY), { signal })
  } catch (error) {
    throw explainRefusal(error, {
      what: `queue ${number}`,
      number,
      refused: 'QUEUE_REFUSED',
      unsupported: 'QUEUE_UNSUPPORTED',
      missing: 'no packet queue (CONFIG_NETFILTER_NETLINK_QUEUE, module nfnetlink_queue)',
      owners: QUEUE_COUNTERS_FILE,
      option: isNotSupported(error) ? await unsupportedOption(session, options) : undefined,
      session,
    })
  }
}

/**
 * Finds the option that the kernel does not support, by requesting each flag separately on a queue that is not bound.
 */
async function unsupportedOption(session: Session, options: QueueOptions): Promise<string | undefined> {
  const given = flagOptions(options)
  if (given.length < 2) return given[0]?.[0]
  for (const [name, bit] of given) {
    const request = configRequest(`ask for ${name}`, options.number, { mask: bit, flags: bit })
    const error = await session.request(request, { signal: options.signal }).then(
      () => undefined,
      (reason) => reason,
    )
    if (isNotSupported(error)) return name
  }
  return undefined
}
