import { DiscardPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream'
import {
  integer,
  milliseconds,
  number,
  object,
  oneOf,
  readOptions,
  required,
  type Schema,
} from '@ringlink/codec/options'
import { type NatsServer, name, serverMembers } from './options.ts'
import { explain, openServer } from './server.ts'

/** Options of {@link createStream}. */
export interface StreamOptions extends NatsServer {
  /** name of the stream; it takes the subjects that begin with it and a dot */
  readonly stream: string
  /** bytes that it keeps at most */
  readonly maximumBytes: number
  /** seconds after which a message is removed; default never */
  readonly maximumAge?: number | undefined
  /**
   * `limits` (default): messages stay until the limits remove them, and every consumer can have them; `work`: a message
   * is removed once it is acknowledged, and consumers cannot overlap
   */
  readonly retention?: 'limits' | 'work' | undefined
  /**
   * when the limit of bytes is reached: the oldest messages go (default), or new ones are refused and the hosts keep
   * them
   */
  readonly discard?: 'oldest' | 'new' | undefined
  /** default `file` */
  readonly storage?: 'file' | 'memory' | undefined
  /** servers of a cluster that have a copy, 1 to 5; default 1 */
  readonly replicas?: number | undefined
  /** milliseconds for which the server recognises a message that is sent again; default 120000 */
  readonly duplicateWindow?: number | undefined
}

const OPERATION = 'create stream'
const SECOND = 1_000_000_000
const MILLISECOND = 1_000_000
const MINIMUM_BYTES = 1 << 20

const schema: Schema<StreamOptions> = object<StreamOptions>({
  ...serverMembers,
  stream: required(name),
  maximumBytes: required(integer(MINIMUM_BYTES, Number.MAX_SAFE_INTEGER, 'bytes')),
  maximumAge: number(1, 1e9, 'seconds'),
  retention: oneOf('limits', 'work'),
  discard: oneOf('oldest', 'new'),
  storage: oneOf('file', 'memory'),
  replicas: integer(1, 5),
  duplicateWindow: milliseconds(100),
})

/**
 * Creates a stream for frames, or does nothing if the same one exists. Rejects with codes `ARGUMENT` and `VALUE_RANGE`,
 * `NATS_UNREACHABLE`, `NATS_REFUSED`, and `STREAM_MISSING` if the server does not create it: another stream has its
 * name or its subjects, or there is no room.
 */
export async function createStream(given: StreamOptions): Promise<void> {
  const options = readOptions(OPERATION, schema, given)
  const { stream, maximumBytes, maximumAge = 0, replicas = 1, duplicateWindow = 120_000 } = options
  const { connection, manager } = await openServer(OPERATION, options)
  try {
    await manager.streams.add({
      ...{ name: stream, subjects: [`${stream}.>`], num_replicas: replicas, max_bytes: maximumBytes },
      retention: options.retention === 'work' ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
      discard: options.discard === 'new' ? DiscardPolicy.New : DiscardPolicy.Old,
      storage: options.storage === 'memory' ? StorageType.Memory : StorageType.File,
      max_age: Math.round(maximumAge * SECOND),
      duplicate_window: Math.round(duplicateWindow * MILLISECOND),
    })
  } catch (error) {
    throw explain(OPERATION, error, `cannot create the stream ${stream}`)
  } finally {
    await connection.close()
  }
}

/** What a stream holds. */
export interface StreamState {
  /** NATS messages, and their bytes as the server counts them */
  readonly messages: number
  readonly bytes: number
  /** stream sequence numbers of the first and last message, 0 of an empty one */
  readonly first: number
  readonly last: number
}

/** Reads what a stream holds. Rejects with codes `NATS_UNREACHABLE`, `NATS_REFUSED` and `STREAM_MISSING`. */
export async function readStream(given: NatsServer & { readonly stream: string }): Promise<StreamState> {
  const operation = 'read stream'
  const options = readOptions(
    operation,
    object<NatsServer & { readonly stream: string }>({ ...serverMembers, stream: required(name) }),
    given,
  )
  const { connection, manager } = await openServer(operation, options)
  try {
    const { state } = await manager.streams.info(options.stream)
    return { messages: state.messages, bytes: state.bytes, first: state.first_seq, last: state.last_seq }
  } catch (error) {
    throw explain(operation, error, `cannot read the stream ${options.stream}`)
  } finally {
    await connection.close()
  }
}
