import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { integer, readArgument } from '@ringlink/codec/options'
import { type EnvelopeIdentity, HOST_BYTE_ORDER } from '../envelope.ts'
import { NatsError } from '../errors.ts'
import { explain, hasNoStream, type JetStreamServer, openServer, REQUEST_TIMEOUT } from '../server.ts'
import { MessageBuilder, noLosses } from './message.ts'
import { type CheckedPublishOptions, checkPublishOptions, MINIMUM_MESSAGE, type PublishOptions } from './options.ts'
import { type FrameSource, Publisher } from './publisher.ts'

const OPERATION = 'publish'
/**
 * Bytes: nearly what a server takes by default, and some 7000 records of small packets, so that what a message costs
 * besides its bytes is little, here, in the server and at the consumer.
 */
const DEFAULT_MESSAGE = 960 * 1024
/** Messages that a small buffer holds at least. */
const LEAST_BUFFERED = 8
/** Bytes that the headers of a NATS message take. */
const NATS_HEADERS = 1024

/**
 * Publishes the frames that `source` delivers (a transport, or `log.frames()`) to a stream, many in each NATS message.
 * The source is not decoded, and is read as long as it delivers, whether or not the server answers: beyond `bufferSize`
 * frames are dropped and counted.
 *
 * First it publishes a message without frames, by which the server, the credentials and the stream are tried. Rejects
 * with
 *
 * - `ARGUMENT` and `VALUE_RANGE` for an invalid option, before anything is opened
 * - `NATS_UNREACHABLE`, `NATS_REFUSED`, `STREAM_MISSING` and `STREAM_FULL`
 * - the reason of the signal
 *
 * After that nothing is fatal: a server that is gone, or a stream that is full, is tried again (event `trouble`).
 */
export async function publish(source: FrameSource, given: PublishOptions): Promise<Publisher> {
  const options = checkPublishOptions(OPERATION, given)
  const server = await openServer(OPERATION, options, options.signal)
  try {
    const capacity = messageSizeFor(server, options)
    const identity = identityOf(options)
    await sendFirstMessage(server, options, identity)
    options.signal?.throwIfAborted()
    return new Publisher(source, server, options, identity, capacity)
  } catch (error) {
    await server.connection.close()
    throw error
  }
}

function identityOf({ compression, host, protocol }: CheckedPublishOptions): EnvelopeIdentity {
  const run = randomBytes(8).toString('hex')
  return { byteOrder: HOST_BYTE_ORDER, compression, protocol, host, bootId: readBootId(), run }
}

/** The kernel's id of this boot. */
function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().toLowerCase()
  } catch {
    // Not Linux: the run's own number makes messages unique anyway.
    return randomUUID()
  }
}

function messageSizeFor({ connection }: JetStreamServer, options: CheckedPublishOptions): number {
  const limit = (connection.info?.max_payload ?? DEFAULT_MESSAGE) - NATS_HEADERS
  const { bufferSize } = options
  const usual = Math.min(DEFAULT_MESSAGE, limit, Math.floor(bufferSize / LEAST_BUFFERED))
  const { messageSize = Math.max(MINIMUM_MESSAGE, usual) } = options
  const maximum = Math.min(limit, bufferSize)
  return readArgument(
    OPERATION,
    'messageSize',
    integer(MINIMUM_MESSAGE, maximum, 'bytes, as the server and bufferSize allow'),
    messageSize,
  )
}

async function sendFirstMessage(
  { client, manager }: JetStreamServer,
  { stream, subject }: CheckedPublishOptions,
  identity: EnvelopeIdentity,
): Promise<void> {
  const builder = new MessageBuilder({ ...identity, compression: 'none' }, MINIMUM_MESSAGE)
  const message = builder.take(noLosses())
  const doing = `cannot publish to ${subject} in the stream ${stream}`
  try {
    const msgID = builder.seal(message)
    await client.publish(subject, message.payload, {
      msgID,
      timeout: REQUEST_TIMEOUT,
      expect: { streamName: stream },
    })
  } catch (error) {
    if (!hasNoStream(error)) throw explain(OPERATION, error, doing)
    const info = await manager.streams.info(stream).catch((problem: unknown) => {
      throw explain(OPERATION, problem, doing)
    })
    const subjects = info.config.subjects.join(', ')
    throw new NatsError('STREAM_MISSING', OPERATION, `${doing}: the stream takes only ${subjects}`, { cause: error })
  }
}
