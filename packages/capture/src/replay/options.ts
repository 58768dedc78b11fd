import type { DecodeError } from '@ringlink/codec/errors'
import {
  abortSignal,
  boolean,
  either,
  instance,
  integer,
  number,
  object,
  oneOf,
  readOptions,
  type Schema,
  text,
} from '@ringlink/codec/options'
import type { Transport, TransportError } from '@ringlink/transport'
import type { ReplayClock } from './clock.ts'

export interface ReplayOptions {
  /**
   * `recorded` (default): with the timing of the recording; a number: that many times as fast; `fast`: without waiting
   */
  readonly speed?: 'recorded' | 'fast' | number | undefined
  /** play only the packets of this interface: its number or name; default all of LINKTYPE_NETLINK and LINKTYPE_NFLOG */
  readonly interface?: number | string | undefined
  /** netlink protocol; packets of others are skipped. Default `NETLINK_NETFILTER` */
  readonly protocol?: number | undefined
  /**
   * Compare sent messages with those in the recording (which must have been made with `sent`): a flush that sends
   * anything else throws code `UNSUPPORTED`. A frame comes only after all messages that were sent before it in the
   * recording, so answers follow their requests. Default false: sent messages are discarded.
   */
  readonly expectSent?: boolean | undefined
  /**
   * what happens when more is requested after all frames: the transport closes (default), or waits as for a quiet
   * kernel
   */
  readonly atEnd?: 'close' | 'wait' | undefined
  /** bytes of the longest message; default 131072 */
  readonly frameSize?: number | undefined
  /** frames in a batch; default 16 */
  readonly batchSize?: number | undefined
  /** batches that can be live; default 4 */
  readonly liveBatches?: number | undefined
  readonly outboxSize?: number | undefined
  /** port id of the transport; default the one to which the recorded answers are addressed */
  readonly portId?: number | undefined
  /**
   * Answer each request that asks for an acknowledgement as if the kernel had accepted it: for clients that play a
   * recording without their own requests (packets of LINKTYPE_NFLOG have none). Default false.
   */
  readonly acknowledge?: boolean | undefined
  /** overwrite released frames, to expose code that still reads them; default false */
  readonly poison?: boolean | undefined
  /** clock; default the machine's */
  readonly clock?: ReplayClock | undefined
  /** one that is aborted: nothing is read, and its reason is thrown. Default none */
  readonly signal?: AbortSignal | undefined
}

/** A transport that plays a recording. */
export interface Replay extends Transport {
  /**
   * resolves when more was requested after all frames, or at close: the moment to close a client that plays a
   * recording. A receive reports a failure first, so the client's loop has rejected with it when this resolves
   */
  readonly ended: Promise<void>
  /** the error if the recording ends in the middle of a block */
  readonly truncated: DecodeError | undefined
  /** with `expectSent`: recorded messages that were not sent yet */
  readonly unsent: number
  /** with `expectSent`: the first difference from the recording */
  readonly sentProblem: TransportError | undefined
}

const clockMethods = ['now', 'setTimer', 'clearTimer', 'sleep'] as const
const clock: Schema<ReplayClock> = instance(`a clock (an object with ${clockMethods.join(', ')})`, (value) =>
  clockMethods.every((name) => name in value),
)
const size = integer(1, 0x7fffffff)

const replayOptions: Schema<ReplayOptions> = object<ReplayOptions>({
  speed: either(oneOf('recorded', 'fast'), number(Number.MIN_VALUE, Number.POSITIVE_INFINITY)),
  interface: either(integer(0, 0xffffffff), text(0, 0xffff)),
  protocol: integer(0, 0xffff),
  expectSent: boolean,
  atEnd: oneOf('close', 'wait'),
  frameSize: size,
  batchSize: size,
  liveBatches: size,
  outboxSize: size,
  portId: integer(1, 0xffffffff),
  acknowledge: boolean,
  poison: boolean,
  clock,
  signal: abortSignal,
})

/** A checked copy of the options of a replay. Throws `OptionError`, and the signal's reason. */
export function checkReplayOptions(given: ReplayOptions): ReplayOptions {
  const options = readOptions('open replay', replayOptions, given)
  options.signal?.throwIfAborted()
  return options
}
