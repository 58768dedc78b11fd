import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { integer, readArgument } from '@ringlink/codec/options'
import { HOST_BYTE_ORDER, messageId } from '../envelope.ts'
import { NatsError } from '../errors.ts'
import { explain, hasNoStream, type JetStreamServer, openServer, REQUEST_TIMEOUT } from '../server.ts'
import { MessageBuilder, noLosses, type PublisherIdentity } from './message.ts'
import { type CheckedPublishOptions, checkPublishOptions, MINIMUM_MESSAGE, type PublishOptions } from './options.ts'
import { type FrameSource, Publisher } from './publisher.ts'

const OPERATION = 'publish'
/**
 * Bytes, below the 128 KiB from which the C library maps new memory for each buffer: the NATS client makes one for each
 * message, and a mapped one costs twenty times as much (measured: 4.7 ns a byte instead of 0.23).
 */
const DEFAULT_MESSAGE = 120 * 1024
/** Bytes that the headers of a NATS message take. */
const NATS_HEADERS = 1024

/**
 * Publishes the frames that `source` delivers (a transport, or `log.frames()`) to a stream, many in each NATS message. The
 * source is not decoded, and is read as long as it delivers, whether or not the server answers: beyond `bufferSize` frames
 * are dropped and counted.
 *
 * First it publishes a message without frames, by which the server, the credentials and the stream are tried. Rejects with
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

function identityOf({ compression, host, protocol }: CheckedPublishOptions): PublisherIdentity {
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
  const { messageSize = Math.min(DEFAULT_MESSAGE, limit), bufferSize } = options
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
  identity: PublisherIdentity,
): Promise<void> {
  const builder = new MessageBuilder({ ...identity, compression: 'none' }, MINIMUM_MESSAGE)
  const message = builder.take(noLosses())
  const doing = `cannot publish to ${subject} in the stream ${stream}`
  try {
    const msgID = messageId(builder.envelopeOf(message))
    await client.publish(subject, builder.seal(message), {
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
