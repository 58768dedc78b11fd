import { errnoName, NetlinkError, type TransportErrorCode } from '@ringlink/codec/errors'

/** A transport's refusal or failure. `operation` is what was tried; `errno` is set (positive) where a system call failed. */
export class TransportError extends NetlinkError {
  declare readonly code: TransportErrorCode
  readonly operation: string
  readonly errno: number | undefined
  /** of a flush: messages that went out before the failure */
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

/** The error of using a transport after its close. */
export function closedError(operation: string): TransportError {
  return new TransportError('CLOSED', operation, 'the transport is closed')
}
