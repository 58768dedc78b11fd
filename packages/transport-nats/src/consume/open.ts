import { randomBytes } from 'node:crypto'
import { AckPolicy, type ConsumerConfig, type ConsumerInfo, DeliverPolicy, JetStreamApiError } from '@nats-io/jetstream'
import { NatsError } from '../errors.ts'
import { explain, type JetStreamServer, openServer } from '../server.ts'
import { createClaims } from './claims.ts'
import { type CheckedNatsOptions, checkNatsOptions, type NatsOptions } from './options.ts'
import { type EndConsumer, type NatsTransport, ReceivingTransport } from './transport.ts'

const OPERATION = 'open nats'
const MILLISECOND = 1_000_000
const CONSUMER_NOT_FOUND = 10014
/** Milliseconds after which the server removes the consumer of a program that died. */
const INACTIVE_THRESHOLD = 300_000
/** Messages of a consumer that may be without acknowledgement, over all programs that share it. */
const MAXIMUM_PENDING = 10_000

/**
 * Opens a transport that receives the frames that hosts have published to a stream. Releasing all frames of a NATS
 * message acknowledges it; a held frame is acknowledged when its lease ends. Delivery is at least once: a message that
 * was not acknowledged is delivered again, as a whole, to any program that shares the consumer; the same program is not
 * given it twice.
 *
 * Rejects with
 *
 * - `ARGUMENT` and `VALUE_RANGE` for an invalid option, before anything is opened
 * - `NATS_UNREACHABLE`, `NATS_REFUSED`, `STREAM_MISSING`, and `CONSUMER_UNUSABLE` for a consumer of another kind
 * - the reason of the signal
 *
 * When the connection breaks it is opened again, and receiving continues. When the stream or the consumer is deleted,
 * receiving rejects with `STREAM_MISSING` or `CONSUMER_UNUSABLE`.
 */
export async function openNats(given: NatsOptions): Promise<NatsTransport> {
  const options = checkNatsOptions(OPERATION, given)
  const server = await openServer(OPERATION, options, options.signal)
  try {
    const { consumer, end, acknowledgeTimeout } = await prepareConsumer(server, options)
    options.signal?.throwIfAborted()
    return new ReceivingTransport(server, consumer, { ...options, acknowledgeTimeout }, end)
  } catch (error) {
    await server.connection.close()
    throw error
  }
}

interface PreparedConsumer {
  readonly consumer: string
  readonly end: EndConsumer
  readonly acknowledgeTimeout: number
}

async function prepareConsumer(server: JetStreamServer, options: CheckedNatsOptions): Promise<PreparedConsumer> {
  const { stream, consumer, acknowledgeTimeout } = options
  const { manager } = server
  try {
    if (consumer === undefined) {
      const own = `ringlink-${randomBytes(8).toString('hex')}`
      await manager.consumers.add(stream, {
        ...configOf(own, options),
        inactive_threshold: INACTIVE_THRESHOLD * MILLISECOND,
      })
      const end = async () => {
        await manager.consumers.delete(stream, own)
      }
      return { consumer: own, end, acknowledgeTimeout }
    }
    if (options.exclusive) await createClaims(server, stream)
    const info =
      (await existing(server, stream, consumer)) ?? (await manager.consumers.add(stream, configOf(consumer, options)))
    checkKind(info)
    return {
      consumer,
      end: async () => {},
      acknowledgeTimeout: (info.config.ack_wait ?? acknowledgeTimeout * MILLISECOND) / MILLISECOND,
    }
  } catch (error) {
    throw explain(OPERATION, error, `cannot consume the stream ${stream}`)
  }
}

async function existing(
  { manager }: JetStreamServer,
  stream: string,
  consumer: string,
): Promise<ConsumerInfo | undefined> {
  try {
    return await manager.consumers.info(stream, consumer)
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === CONSUMER_NOT_FOUND) return undefined
    throw error
  }
}

function configOf(
  consumer: string,
  { subject, start, acknowledgeTimeout }: CheckedNatsOptions,
): Partial<ConsumerConfig> {
  return {
    ...{ durable_name: consumer, ack_policy: AckPolicy.Explicit, max_ack_pending: MAXIMUM_PENDING },
    ack_wait: Math.round(acknowledgeTimeout * MILLISECOND),
    ...(subject === undefined ? {} : { filter_subject: subject }),
    ...startOf(start),
  }
}

function startOf(start: CheckedNatsOptions['start']): Partial<ConsumerConfig> {
  if (start === 'all') return { deliver_policy: DeliverPolicy.All }
  if (start === 'new') return { deliver_policy: DeliverPolicy.New }
  return 'sequence' in start
    ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: start.sequence }
    : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: start.time.toISOString() }
}

function checkKind({ name, config }: ConsumerInfo): void {
  if (config.ack_policy === AckPolicy.Explicit && config.deliver_subject === undefined) return
  const kind =
    config.deliver_subject === undefined
      ? `a pull consumer with acknowledgements '${config.ack_policy}'`
      : 'a push consumer'
  throw new NatsError(
    'CONSUMER_UNUSABLE',
    OPERATION,
    `${name} must be a pull consumer with explicit acknowledgements, it is ${kind}`,
  )
}
