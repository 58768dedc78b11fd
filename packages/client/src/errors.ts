import { type ClientErrorCode, type Message, NetlinkError } from '@ringlink/codec'
import { TransportError } from '@ringlink/transport'

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
