import {
  type ClientErrorCode,
  Errno,
  isNetlinkError,
  type KernelError,
  type Message,
  NetlinkError,
} from '@ringlink/codec'
import { TransportError } from '@ringlink/transport'
import { match } from 'ts-pattern'

/** A refusal of the client's own. */
export class ClientError extends NetlinkError {
  declare readonly code: ClientErrorCode

  constructor(code: ClientErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options)
    this.name = 'ClientError'
  }
}

/** A dump during which the table changed. {@link rows} are what came: some may be missing, or there twice. */
export class DumpInterruptedError extends ClientError {
  readonly rows: readonly Message[]

  constructor(what: string, rows: readonly Message[]) {
    super(
      'DUMP_INTERRUPTED',
      `${what}: the table changed while the kernel listed it; ask again, or use the ${rows.length} rows`,
    )
    this.name = 'DumpInterruptedError'
    this.rows = rows
  }
}

export function timeoutError(what: string, timeout: number): ClientError {
  return new ClientError('TIMEOUT', `${what}: no answer within ${timeout} ms`)
}

export function sessionClosed(): TransportError {
  return new TransportError('CLOSED', 'session', 'it was closed')
}

export function sessionBusy(): TransportError {
  return new TransportError('BUSY', 'receive', 'somebody is receiving from this session already; it has one consumer')
}

/** How a refused bind is explained. */
export interface Refusal {
  /** what was to be had: `queue 5`, `log group 5` */
  readonly what: string
  readonly refused: ClientErrorCode
  readonly unsupported: ClientErrorCode
  /** what the kernel is without, and how it is called there */
  readonly missing: string
}

/** The error of a bind in words that say what to do; an error that is not the kernel's stays as it is. */
export function explainRefusal(error: unknown, { what, refused, unsupported, missing }: Refusal): unknown {
  if (!(error instanceof Error) || !isNetlinkError(error, 'KERNEL')) return error
  const explain = (code: ClientErrorCode, message: string) => new ClientError(code, message, { cause: error })
  return match((error as KernelError).errno)
    .with(Errno.EPERM, () => explain(refused, `another process owns ${what}, or CAP_NET_ADMIN is missing`))
    .with(Errno.EBUSY, () => explain(refused, `this socket owns ${what} already`))
    .with(Errno.EINVAL, Errno.ENOSYS, () => explain(unsupported, `the kernel has ${missing}`))
    .with(Errno.EOPNOTSUPP, Errno.ENOTSUPP, Errno.EAGAIN, () =>
      explain(unsupported, `the kernel does not support an option asked for ${what}`),
    )
    .otherwise(() => error)
}
