import { readArgument } from '@ringlink/codec/options'
import type { OpenTransport, Transport, TransportNeeds } from '@ringlink/transport'
import { ignoreNetlinkError } from './closing.ts'
import { notePort } from './refusal.ts'
import { openedTransport } from './transport-schema.ts'

/** The options that opening a queue, log or rules share. */
export interface Opening {
  /** the operation, for errors: `open queue` */
  readonly operation: string
  readonly signal?: AbortSignal | undefined
}

/**
 * The transport of an option: the given one, or the one that the given function opens for `needs`. Rejects with the
 * signal's reason when aborted before or during opening, and closes a transport that opens after that. Rejects with
 * code `ARGUMENT` when the function does not return a transport.
 */
export function openFor(
  opening: Opening,
  given: Transport | OpenTransport,
  needs: TransportNeeds,
): Transport | Promise<Transport> {
  opening.signal?.throwIfAborted()
  // Subscribe at once, or events that come before would be missed.
  return typeof given === 'function' ? open(opening, given, needs) : noted(given)
}

async function open({ operation, signal }: Opening, given: OpenTransport, needs: TransportNeeds): Promise<Transport> {
  const opened = Promise.resolve(given(signal === undefined ? needs : { ...needs, signal }))
  const transport = await unlessAborted(signal, opened, (late) => {
    if (typeof late?.close === 'function') void late.close().catch(ignoreNetlinkError)
  })
  return noted(readArgument(operation, 'what transport() returns', openedTransport, transport))
}

/** Notes the port id of a transport while it is open, by which errors tell sockets of this process from others. */
function noted(transport: Transport): Transport {
  transport.events.once('close', notePort(transport.portId))
  return transport
}

/**
 * Resolves as `work` does, or rejects with the signal's reason as soon as it is aborted; `abandon` then gets the late
 * result of `work`.
 */
async function unlessAborted<Value>(
  signal: AbortSignal | undefined,
  work: Promise<Value>,
  abandon: (late: Value) => void,
): Promise<Value> {
  if (signal === undefined) return work
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(
      (value) => {
        signal.removeEventListener('abort', onAbort)
        if (signal.aborted) abandon(value)
        else resolve(value)
      },
      (error: unknown) => {
        signal.removeEventListener('abort', onAbort)
        reject(error)
      },
    )
  })
}
