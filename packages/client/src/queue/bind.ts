import { Errno, MAXIMUM_COPY_RANGE, Protocol, QueueCommand } from '@ringlink/codec'
import { openFor } from '../opening.ts'
import { explainRefusal, isNotSupported } from '../refusal.ts'
import type { InstallFeed } from '../rules/feed.ts'
import { Session } from '../session.ts'
import { QUEUE_COUNTERS_FILE } from './counters.ts'
import { checkFrameSize, flagOptions, queueConfig, queueTransportNeeds } from './options.ts'
import { Queue } from './queue.ts'
import { configRequest } from './request.ts'
import type { PlainQueueOptions } from './schema.ts'

/**
 * Binds and configures a queue with checked options, and then installs its rules, if there are any. Rejects as
 * `openQueue`, and then leaves nothing open.
 */
export async function bindQueue(
  operation: string,
  options: PlainQueueOptions,
  installFeed?: InstallFeed,
): Promise<Queue> {
  const { number, unanswered = 'drop', verdictBatching, requestTimeout, signal } = options
  const needs = queueTransportNeeds(options, Protocol.Netfilter)
  const opened = openFor({ operation, signal }, options.transport, needs)
  const transport = opened instanceof Promise ? await opened : opened
  const session = new Session(transport, {
    requestTimeout,
    open: typeof options.transport === 'function' ? options.transport : undefined,
  })
  try {
    checkFrameSize(options, transport, operation)
    await configureQueue(session, options)
    return new Queue(number, session, unanswered, verdictBatching, await installFeed?.(), options.failOpen)
  } catch (error) {
    await session.close()
    throw error
  }
}

async function configureQueue(session: Session, options: PlainQueueOptions): Promise<void> {
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
async function unsupportedOption(session: Session, options: PlainQueueOptions): Promise<string | undefined> {
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
