import { hostname } from 'node:os'
import { Protocol } from '@ringlink/codec'
import {
  abortSignal,
  integer,
  milliseconds,
  object,
  oneOf,
  readOptions,
  required,
  type Schema,
  text,
} from '@ringlink/codec/options'
import { hasCompression } from '../compression.ts'
import { type Compression, MAXIMUM_HOST_LENGTH } from '../envelope.ts'
import { type NatsServer, name, serverMembers, subject } from '../options.ts'
import type { Overflow } from './outgoing.ts'

/** Options of {@link publish}. */
export interface PublishOptions extends NatsServer {
  /** the stream, which must exist: see {@link createStream} */
  readonly stream: string
  /** the subject to publish to, one of the stream's; default the stream's name, a dot, and the host name */
  readonly subject?: string | undefined
  /** name of this host for consumers, up to 255 bytes; default that of the system */
  readonly host?: string | undefined
  /** netlink protocol of the frames; default `NETLINK_NETFILTER` */
  readonly protocol?: number | undefined
  /** bytes of a NATS message, 4096 to 8 MiB; default 983040, an eighth of `bufferSize`, or what the server takes */
  readonly messageSize?: number | undefined
  /** milliseconds that the first frame of a message waits for others; default 100 */
  readonly delay?: number | undefined
  /** bytes that messages take until the server has stored them; default 64 MiB */
  readonly bufferSize?: number | undefined
  /** what is dropped when these are full: messages that have waited longest (default), or frames that come */
  readonly overflow?: Overflow | undefined
  /** default `none`; `zstd` needs Node.js 22.15, on both sides */
  readonly compression?: Compression | undefined
  /** aborts opening: `publish` rejects with its reason, and nothing is left open */
  readonly signal?: AbortSignal | undefined
}

const MEBIBYTE = 1 << 20
export const MINIMUM_MESSAGE = 4096

const schema: Schema<PublishOptions> = object<PublishOptions>({
  ...serverMembers,
  stream: required(name),
  subject,
  host: text(1, MAXIMUM_HOST_LENGTH),
  protocol: integer(0, 0xffff),
  messageSize: integer(MINIMUM_MESSAGE, 8 * MEBIBYTE, 'bytes'),
  delay: milliseconds(0),
  bufferSize: integer(MINIMUM_MESSAGE, 1 << 30, 'bytes'),
  overflow: oneOf('oldest', 'newest'),
  compression: oneOf('none', 'deflate', 'zstd'),
  signal: abortSignal,
})

export interface CheckedPublishOptions extends PublishOptions {
  readonly subject: string
  readonly host: string
  readonly protocol: number
  readonly delay: number
  readonly bufferSize: number
  readonly overflow: Overflow
  readonly compression: Compression
}

/** Checks the options and fills in the defaults. Throws `OptionError`. */
export function checkPublishOptions(operation: string, given: PublishOptions): CheckedPublishOptions {
  const options = readOptions(operation, schema, given)
  const { host = hostname(), stream, compression = 'none' } = options
  if (!hasCompression(compression)) {
    readOptions(operation, object<{ compression?: string | undefined }>({ compression: oneOf('none', 'deflate') }), {
      compression,
    })
  }
  return {
    ...options,
    ...{ host, compression },
    subject: options.subject ?? defaultSubject(stream, host),
    protocol: options.protocol ?? Protocol.Netfilter,
    delay: options.delay ?? 100,
    bufferSize: options.bufferSize ?? 64 * MEBIBYTE,
    overflow: options.overflow ?? 'oldest',
  }
}

/** `LOGS.web1_example_org`: a host name as one part of a subject. */
export function defaultSubject(stream: string, host: string): string {
  return `${stream}.${host.replaceAll(/[\s.*>\p{Cc}]/gu, '_')}`
}
