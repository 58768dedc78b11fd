import { isNetlinkError } from '@ringlink/codec'
import { readArgument } from '@ringlink/codec/options'
import type { OpenTransport, Transport, TransportNeeds } from '@ringlink/transport'
import { notePort } from './refusal.ts'
import { openedTransport } from './transport-schema.ts'

/** What opening something works with. */
export interface Opening {
  /** what is being opened, for errors: `open queue` */
  readonly operation: string
  readonly signal?: AbortSignal | undefined
}

/**
 * The transport of an option: it, or what the function opens for `needs`. An abort before that, or while it is being opened, rejects with
 * the signal's reason, and closes what is opened nevertheless. Rejects with code `ARGUMENT` when the function gives something else.
 */
export function openFor(
  opening: Opening,
  given: Transport | OpenTransport,
  needs: TransportNeeds,
): Transport | Promise<Transport> {
  opening.signal?.throwIfAborted()
  // At once: what comes meanwhile would be missed.
  return typeof given === 'function' ? open(opening, given, needs) : noted(given)
}

async function open({ operation, signal }: Opening, given: OpenTransport, needs: TransportNeeds): Promise<Transport> {
  const opened = Promise.resolve(given(signal === undefined ? needs : { ...needs, signal }))
  const transport = await unlessAborted(signal, opened, (late) => {
    if (typeof late?.close === 'function') void late.close().catch(ignoreNetlinkError)
  })
  return noted(readArgument(operation, 'what transport() returns', openedTransport, transport))
}

/** Notes the port of a transport for as long as it is open: errors tell sockets of this process from others by it. */
function noted(transport: Transport): Transport {
  transport.events.once('close', notePort(transport.portId))
  return transport
}

/** `work`, or the signal's reason as soon as it is aborted; `abandon` is given what the work results in after that. */
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

function ignoreNetlinkError(error: unknown): void {
  if (!isNetlinkError(error)) throw error
}
