import { NetlinkError } from '@ringlink/codec/errors'

/** Why frames could not go to a NATS server, or come from one. */
export type NatsErrorCode =
  /** no server answers at the given addresses, or it has no JetStream */
  | 'NATS_UNREACHABLE'
  /** the server refused the credentials, the certificate, or the permission for a subject */
  | 'NATS_REFUSED'
  /** the stream does not exist, was deleted, or takes messages of other subjects only */
  | 'STREAM_MISSING'
  /** the stream is full and set to refuse new messages */
  | 'STREAM_FULL'
  /**
   * the consumer was deleted, or is of a kind that cannot be used: it must be a pull consumer with explicit
   * acknowledgements
   */
  | 'CONSUMER_UNUSABLE'
  /**
   * a message of the stream that ringlink did not write, or whose bytes are damaged; it is counted and not delivered
   * again
   */
  | 'ENVELOPE_FOREIGN'
  /**
   * a message in another version of the envelope, or with a compression that this Node.js lacks; another consumer may
   * read it
   */
  | 'ENVELOPE_VERSION'
  /**
   * frames of a host with the other byte order, of a protocol other than netfilter; a consumer with that order may read
   * them
   */
  | 'BYTE_ORDER'

/** An error of the NATS transport. `operation` is what was tried. */
export class NatsError extends NetlinkError {
  declare readonly code: NatsErrorCode
  readonly operation: string

  constructor(code: NatsErrorCode, operation: string, message: string, options?: ErrorOptions) {
    super(code, `${operation}: ${message}`, options)
    this.name = 'NatsError'
    this.operation = operation
  }
}
