/** The codes of all errors that ringlink throws. */
import type { ClientErrorCode } from '@ringlink/client'
import type { CodecErrorCode } from '@ringlink/codec'
import type { TransportErrorCode } from '@ringlink/transport'
import type { NativeUnavailableCode } from '@ringlink/transport-socket'

/** Codes of fan-outs. */
export type FanOutErrorCode =
  /** a Worker of a fan-out failed or ended early; `queue`, `cause` */
  'WORKER_FAILED'

/**
 * Why an operation of ringlink failed. Codes are the interface: they are stable, messages are not. The README lists
 * them.
 */
export type ErrorCode = CodecErrorCode | TransportErrorCode | ClientErrorCode | NativeUnavailableCode | FanOutErrorCode
