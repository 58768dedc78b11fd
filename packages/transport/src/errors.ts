import { Errno, errnoName, NetlinkError } from '@ringlink/codec/errors'

/** Why a transport refused or failed. */
export type TransportErrorCode =
  /** a system call failed; `errno` and `operation` say which and how */
  | 'SYSTEM'
  /** the transport is closed */
  | 'CLOSED'
  /** another consumer is already receiving */
  | 'BUSY'
  /** all frames are in live batches or held */
  | 'NO_FREE_FRAMES'
  /** the outbox has no room for the message; flush it */
  | 'OUTBOX_FULL'
  /** a reservation without commit, or a commit without reservation */
  | 'OUTBOX_STATE'
  /** a packet, batch, lease or view used after its end */
  | 'RELEASED'
  /** an invalid argument of a method */
  | 'ARGUMENT'
  /** this platform, kernel or transport does not support it */
  | 'UNSUPPORTED'
  /** no memory-mapped ring is available here; `probes` lists what was tried, and how each attempt failed */
  | 'RING_UNSUPPORTED'

/** An error of a transport. `operation` is what was tried; `errno` is set (positive) if a system call failed. */
export class TransportError extends NetlinkError {
  declare readonly code: TransportErrorCode
  readonly operation: string
  readonly errno: number | undefined
  /** of a flush: commits that were sent before the failure */
  readonly sent: number | undefined

  constructor(
    code: TransportErrorCode,
    operation: string,
    message: string,
    details: { errno?: number; sent?: number } = {},
  ) {
    super(code, `${operation}: ${message}`)
    this.name = 'TransportError'
    this.operation = operation
    this.errno = details.errno
    this.sent = details.sent
  }
}

/** The error of a system call that failed with `errno` (positive). */
export function systemError(operation: string, errno: number, hint?: string): TransportError {
  const text = hint === undefined ? errnoName(errno) : `${errnoName(errno)} (${hint})`
  return new TransportError('SYSTEM', operation, text, { errno })
}

/**
 * What opening a transport throws: code `SYSTEM` with ENOMEM where JavaScript could not allocate its memory, which is a
 * RangeError of the language, and any other error as it is.
 */
export function openingError(operation: string, error: unknown): unknown {
  if (!(error instanceof RangeError) || error instanceof NetlinkError) return error
  const hint = `${error.message}: this process may have no more memory (ulimit -v); raise the limit, or use fewer or smaller frames`
  return systemError(operation, Errno.ENOMEM, hint)
}

/** A second receive beside one that is pending. */
export function busyError(): TransportError {
  return new TransportError(
    'BUSY',
    'receive',
    'another receive from this transport is pending; a transport has one consumer',
  )
}

/** The error of using a transport after its close. */
export function closedError(operation: string): TransportError {
  return new TransportError('CLOSED', operation, 'the transport is closed')
}

/** A reservation of a length that no outbox of `maximum` bytes can have. */
export function reservationError(byteLength: unknown, maximum: number): TransportError {
  const problem = `the length must be from 1 to ${maximum} bytes, got ${String(byteLength)}`
  return new TransportError('ARGUMENT', 'reserve', problem)
}

/** A reservation that does not fit before the next flush. */
export function outboxFullError(byteLength: number, available: number): TransportError {
  return new TransportError(
    'OUTBOX_FULL',
    'reserve',
    `no room for ${byteLength} bytes, ${available} are free: flush first`,
  )
}

/** A commit of other bytes than were reserved; `reserved` is below 0 if nothing was. */
export function commitError(byteLength: number, reserved: number): TransportError {
  const reservation = reserved < 0 ? 'nothing' : `${reserved} bytes`
  return new TransportError('OUTBOX_STATE', 'commit', `${byteLength} bytes committed, ${reservation} reserved`)
}
