/** The package of the NATS transport, loaded only by commands that name a stream. */
import type { createStream, FrameSource, NatsTransport, Publisher } from '@ringlink/transport-nats'
import type { NatsSettings } from './settings.ts'

type NatsPackage = typeof import('@ringlink/transport-nats')

async function load(): Promise<NatsPackage> {
  try {
    return await import('@ringlink/transport-nats')
  } catch (error) {
    throw new Error('--to and --from need the package @ringlink/transport-nats: npm install @ringlink/transport-nats', {
      cause: error,
    })
  }
}

function serverOf({ servers, credentials, tls }: NatsSettings) {
  return { servers, credentials, tls }
}

/** Opens the transport of --from. */
export async function openFrom(settings: NatsSettings, signal: AbortSignal): Promise<NatsTransport> {
  const { openNats } = await load()
  const { stream, consumer, start } = settings
  return openNats({ ...serverOf(settings), stream, consumer, start, signal })
}

/** Publishes to --to. */
export async function publishTo(source: FrameSource, settings: NatsSettings, signal: AbortSignal): Promise<Publisher> {
  const nats = await load()
  const { stream, host, bufferSize, createStream: maximumBytes } = settings
  if (maximumBytes !== undefined) await ensureStream(nats.createStream, settings, maximumBytes)
  return nats.publish(source, { ...serverOf(settings), stream, host, bufferSize, signal })
}

async function ensureStream(create: typeof createStream, settings: NatsSettings, maximumBytes: number): Promise<void> {
  await create({ ...serverOf(settings), stream: settings.stream, maximumBytes })
}
