import {
  functionOf,
  integer,
  list,
  type Members,
  number,
  type OptionPlace,
  object,
  readOptions,
  required,
  type Schema,
} from '@ringlink/codec/options'
import { type Fault, type FaultFrame, frameOf, type ReceiveFault } from './fault.ts'
import type { Random } from './random.ts'

/** When a fault happens: give exactly one of these. */
export interface FaultOptions {
  /** from 0 (never) to 1 (always), decided for each message or flush */
  readonly probability?: number | undefined
  /**
   * the messages or flushes that it happens to, numbered from 1 since the transport was opened: `drop({ at: [3] })`
   * drops the third
   */
  readonly at?: readonly number[] | undefined
}

/** Options of {@link delay}. */
export interface DelayOptions extends FaultOptions {
  readonly batches: number
}

/** Options of {@link overrun}. */
export interface OverrunOptions extends FaultOptions {
  readonly length?: number | undefined
}

/** Options of {@link shortSend}. */
export interface LimitOptions {
  readonly limit: (commits: number) => number
}

const COUNT = integer(1, Number.MAX_SAFE_INTEGER)
const members: Members<FaultOptions> = { probability: number(0, 1), at: list(COUNT) }

function oneOfBoth({ probability, at }: FaultOptions, place: OptionPlace): void {
  if (probability === undefined && at === undefined) throw place.member('probability').missing('it, or at')
  if (probability !== undefined && at !== undefined) throw place.member('at').conflict('cannot go with probability')
}

const faultOptions: Schema<FaultOptions> = object<FaultOptions>(members, oneOfBoth)
const delayOptions: Schema<DelayOptions> = object<DelayOptions>({ ...members, batches: required(COUNT) }, oneOfBoth)
const overrunOptions: Schema<OverrunOptions> = object<OverrunOptions>({ ...members, length: COUNT }, oneOfBoth)
const limitOptions: Schema<LimitOptions> = object<LimitOptions>({
  limit: required(functionOf<LimitOptions['limit']>('a function')),
})

/** Decides whether a fault happens to the next message or flush. */
type Chooser = (random: Random) => boolean

/** The decision for one transport, which counts its messages. */
function chooser({ probability, at }: FaultOptions): Chooser {
  if (at === undefined) return (random) => random.chance(probability ?? 0)
  const numbers = new Set(at)
  let message = 0
  return () => numbers.has(++message)
}

/** Drops messages silently: only a gap in sequence numbers shows it. */
export function drop(options: FaultOptions): Fault {
  const fault = perTransport(
    readOptions('drop messages', faultOptions, options),
    (happens, frames, { random, stats }) =>
      frames.filter(() => {
        const dropped = happens(random)
        if (dropped) stats.dropped++
        return !dropped
      }),
  )
  return { ...fault, isSilent: true }
}

/** Delivers messages twice, consecutively. */
export function duplicate(options: FaultOptions): Fault {
  return perTransport(readOptions('duplicate messages', faultOptions, options), (happens, frames, { random, stats }) =>
    frames.flatMap((frame) => {
      if (!happens(random)) return [frame]
      stats.duplicated++
      return [frame, frame]
    }),
  )
}

/** Swaps messages with the following one of the same batch, each at most once. */
export function reorder(options: FaultOptions): Fault {
  const fault = perTransport(
    readOptions('reorder messages', faultOptions, options),
    (happens, frames, { random, stats }) => {
      const changed = [...frames]
      for (let index = 0; index + 1 < changed.length; index++) {
        if (!happens(random)) continue
        const [frame, next] = changed.slice(index, index + 2) as [FaultFrame, FaultFrame]
        changed[index] = next
        changed[index + 1] = frame
        stats.reordered++
        index++
      }
      return changed
    },
  )
  return { ...fault, reorders: true }
}

/** Truncates messages at a random place, as if their frame were too small: `fullLength` is larger. */
export function truncate(options: FaultOptions): Fault {
  return perTransport(readOptions('truncate messages', faultOptions, options), (happens, frames, { random, stats }) =>
    frames.map((frame) => {
      if (!happens(random) || frame.byteLength === 0) return frame
      stats.truncated++
      return frameOf(frame, frame.bytes().slice(0, random.below(frame.byteLength)))
    }),
  )
}

/** Flips one bit of a message. The kernel does not do this, but readers of its messages must survive it anyway. */
export function corrupt(options: FaultOptions): Fault {
  return perTransport(readOptions('corrupt messages', faultOptions, options), (happens, frames, { random, stats }) =>
    frames.map((frame) => {
      if (!happens(random) || frame.byteLength === 0) return frame
      const bytes = frame.bytes().slice()
      const at = random.below(bytes.length)
      bytes[at] = (bytes[at] as number) ^ (1 << random.below(8))
      stats.corrupted++
      return frameOf(frame, bytes)
    }),
  )
}

/**
 * Delays messages by `batches` batches; they come at the beginning of that batch. Time is counted in batches, so
 * messages that are delayed when the traffic ends never come; the counter `waiting` says how many.
 */
export function delay(options: DelayOptions): Fault {
  const checked = readOptions('delay messages', delayOptions, options)
  const { batches } = checked
  return {
    // What waits when the traffic ends does not come.
    isSilent: true,
    reorders: true,
    makeReceive: () => {
      const happens = chooser(checked)
      const waiting: FaultFrame[][] = []
      return (frames, { random, stats }) => {
        const delayed: FaultFrame[] = []
        const due = waiting.length === batches ? (waiting.shift() as FaultFrame[]) : []
        const others = frames.filter((frame) => {
          if (!happens(random)) return true
          delayed.push(frameOf(frame, frame.bytes().slice()))
          return false
        })
        waiting.push(delayed)
        stats.delayed += delayed.length
        stats.waiting += delayed.length - due.length
        return [...due, ...others]
      }
    },
  }
}

/**
 * Loses messages as a full receive buffer does: `length` of them at a time, counted in `lost` of the next batch and
 * reported by the event.
 */
export function overrun(options: OverrunOptions): Fault {
  const checked = readOptions('overrun messages', overrunOptions, options)
  const { length = 1 } = checked
  return {
    makeReceive: () => {
      const happens = chooser(checked)
      let left = 0
      return (frames, { random, stats, lose }) => {
        const kept = frames.filter(() => {
          const begins = happens(random)
          if (left === 0 && begins) left = length
          if (left === 0) return true
          left--
          return false
        })
        const lost = frames.length - kept.length
        stats.overrun += lost
        if (lost > 0) lose(lost)
        return kept
      }
    },
  }
}

/**
 * Makes a flush send only the first commits and fail: a random number from none to all but one, or `limit`.
 */
export function shortSend(options: FaultOptions | LimitOptions): Fault {
  const operation = 'send short'
  if (typeof options === 'object' && options !== null && 'limit' in options) {
    const { limit } = readOptions(operation, limitOptions, options)
    return { makeSend: () => limit }
  }
  const checked = readOptions(operation, faultOptions, options)
  return {
    makeSend: () => {
      const happens = chooser(checked)
      return (commits, { random }) => (happens(random) ? random.below(commits) : commits)
    },
  }
}

/** A fault whose only state is the number of messages so far. */
function perTransport(
  options: FaultOptions,
  receive: (happens: Chooser, ...given: Parameters<ReceiveFault>) => readonly FaultFrame[],
): Fault {
  return {
    makeReceive: () => {
      const happens = chooser(options)
      return (frames, context) => receive(happens, frames, context)
    },
  }
}
