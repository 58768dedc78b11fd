import { Protocol } from '@ringlink/codec'
import {
  abortSignal,
  boolean,
  either,
  instance,
  integer,
  milliseconds,
  object,
  oneOf,
  readOptions,
  required,
  type Schema,
} from '@ringlink/codec/options'
import { type NatsServer, name, serverMembers, subjectFilter } from '../options.ts'

/** Where a new consumer begins in the stream. */
export type StreamStart = 'all' | 'new' | { readonly sequence: number } | { readonly time: Date }

/** Options of {@link openNats}. */
export interface NatsOptions extends NatsServer {
  readonly stream: string
  /**
   * name of a consumer that the server keeps: programs that give the same one share the work, and it continues where it
   * stopped. Without it this program has a consumer of its own, which ends with it, and sees everything
   */
  readonly consumer?: string | undefined
  /** only messages of this subject, by which hosts can be selected (`LOGS.web1`, `LOGS.*`); default all */
  readonly subject?: string | undefined
  /**
   * where a new consumer begins: with all messages of the stream (default), new ones, or those from a stream sequence
   * number or a time on. One that exists continues
   */
  readonly start?: StreamStart | undefined
  /** netlink protocol; messages of others are acknowledged and not delivered. Default `NETLINK_NETFILTER` */
  readonly protocol?: number | undefined
  /** bytes of the longest frame; default 131072 */
  readonly frameSize?: number | undefined
  /** frames in a batch, 1 to 1024; default 64 */
  readonly batchSize?: number | undefined
  /** batches that can be live; default 4 */
  readonly liveBatches?: number | undefined
  /** NATS messages that are fetched ahead, 1 to 1024; default 8 */
  readonly prefetch?: number | undefined
  /**
   * milliseconds after which the server delivers a message again that nobody has acknowledged or extended: how long the
   * work of a program that died is left undone. Default 30000; for a new consumer
   */
  readonly acknowledgeTimeout?: number | undefined
  /**
   * have programs that share `consumer` claim each message in a second stream (the stream's name and `_CLAIMS`, which
   * is created): a server that was killed then gives none of them what another one has or had. What a program that dies
   * had fetched is taken over after `acknowledgeTimeout`, and so is what a program holds for longer than that after the
   * server was killed. Default false
   */
  readonly exclusive?: boolean | undefined
  /** overwrite released frames, to expose code that still reads them; default false */
  readonly poison?: boolean | undefined
  /** aborts opening: `openNats` rejects with its reason, and nothing is left open */
  readonly signal?: AbortSignal | undefined
}

const start: Schema<StreamStart> = either(
  oneOf('all', 'new'),
  instance<{ readonly sequence: number } | { readonly time: Date }>(
    '{ sequence } from 1 on, or { time } with a Date',
    (value) => {
      if ('sequence' in value) return Number.isSafeInteger(value.sequence) && (value.sequence as number) > 0
      return 'time' in value && value.time instanceof Date && !Number.isNaN(value.time.getTime())
    },
  ),
)

const schema: Schema<NatsOptions> = object<NatsOptions>({
  ...serverMembers,
  stream: required(name),
  consumer: name,
  subject: subjectFilter,
  start,
  protocol: integer(0, 0xffff),
  frameSize: integer(64, 1 << 20),
  batchSize: integer(1, 1024),
  liveBatches: integer(1, 1024),
  prefetch: integer(1, 1024),
  acknowledgeTimeout: milliseconds(1000),
  exclusive: boolean,
  poison: boolean,
  signal: abortSignal,
})

export interface CheckedNatsOptions extends NatsOptions {
  readonly start: StreamStart
  readonly protocol: number
  readonly frameSize: number
  readonly batchSize: number
  readonly liveBatches: number
  readonly prefetch: number
  readonly acknowledgeTimeout: number
  readonly exclusive: boolean
}

/** Checks the options and fills in the defaults. Throws `OptionError`. */
export function checkNatsOptions(operation: string, given: NatsOptions): CheckedNatsOptions {
  const options = readOptions(operation, schema, given)
  return {
    ...options,
    start: options.start ?? 'all',
    protocol: options.protocol ?? Protocol.Netfilter,
    frameSize: options.frameSize ?? 131_072,
    batchSize: options.batchSize ?? 64,
    liveBatches: options.liveBatches ?? 4,
    prefetch: options.prefetch ?? 8,
    acknowledgeTimeout: options.acknowledgeTimeout ?? 30_000,
    exclusive: options.exclusive ?? false,
  }
}
