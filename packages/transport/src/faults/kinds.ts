import { TransportError } from '../errors.ts'
import { type Fault, type FaultFrame, frameOf, type ReceiveFault } from './fault.ts'

/** How often a fault happens. */
export interface FaultOptions {
  /** from 0, never, to 1, always; asked for each message, or each flush */
  readonly probability: number
}

/** Messages vanish, and nobody says so: what a gap in sequence numbers is for. */
export function drop(options: FaultOptions): Fault {
  const probability = checkProbability('drop', options)
  return stateless((frames, { random, stats }) =>
    frames.filter(() => {
      const dropped = random.chance(probability)
      if (dropped) stats.dropped++
      return !dropped
    }),
  )
}

/** Messages come twice, one behind the other. */
export function duplicate(options: FaultOptions): Fault {
  const probability = checkProbability('duplicate', options)
  return stateless((frames, { random, stats }) =>
    frames.flatMap((frame) => {
      if (!random.chance(probability)) return [frame]
      stats.duplicated++
      return [frame, frame]
    }),
  )
}

/** Messages change places with the one behind them in the same batch, each at the most once. */
export function reorder(options: FaultOptions): Fault {
  const probability = checkProbability('reorder', options)
  return stateless((frames, { random, stats }) => {
    const changed = [...frames]
    for (let index = 0; index + 1 < changed.length; index++) {
      if (!random.chance(probability)) continue
      const [frame, next] = changed.slice(index, index + 2) as [FaultFrame, FaultFrame]
      changed[index] = next
      changed[index + 1] = frame
      stats.reordered++
      index++
    }
    return changed
  })
}

/** Messages are cut at any place, as if their frame had been too small: `fullLength` tells. */
export function truncate(options: FaultOptions): Fault {
  const probability = checkProbability('truncate', options)
  return stateless((frames, { random, stats }) =>
    frames.map((frame) => {
      if (!random.chance(probability) || frame.byteLength === 0) return frame
      stats.truncated++
      return frameOf(frame, frame.bytes().slice(0, random.below(frame.byteLength)))
    }),
  )
}

/** One bit of a message is turned over. The kernel does not do that; what reads its messages must survive it all the same. */
export function corrupt(options: FaultOptions): Fault {
  const probability = checkProbability('corrupt', options)
  return stateless((frames, { random, stats }) =>
    frames.map((frame) => {
      if (!random.chance(probability) || frame.byteLength === 0) return frame
      const bytes = frame.bytes().slice()
      const at = random.below(bytes.length)
      bytes[at] = (bytes[at] as number) ^ (1 << random.below(8))
      stats.corrupted++
      return frameOf(frame, bytes)
    }),
  )
}

/**
 * Messages come later: in front of the batch that is received `batches` batches after their own. Time is counted in
 * batches alone, so what is delayed when the traffic ends does not come any more; `waiting` of the counters says how many.
 */
export function delay(options: FaultOptions & { readonly batches: number }): Fault {
  const probability = checkProbability('delay', options)
  const { batches } = options
  if (!Number.isInteger(batches) || batches < 1) {
    throw new TransportError('ARGUMENT', 'delay', `${batches} batches; a whole number from 1 is wanted`)
  }
  return {
    makeReceive: () => {
      const waiting: FaultFrame[][] = []
      return (frames, { random, stats }) => {
        const delayed: FaultFrame[] = []
        const due = waiting.length === batches ? (waiting.shift() as FaultFrame[]) : []
        const others = frames.filter((frame) => {
          if (!random.chance(probability)) return true
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

/** Messages are lost as they are when the receive buffer is full: `length` of them at a time, counted in `lost` of the next batch and by the event. */
export function overrun(options: FaultOptions & { readonly length?: number }): Fault {
  const probability = checkProbability('overrun', options)
  const { length = 1 } = options
  if (!Number.isInteger(length) || length < 1) {
    throw new TransportError('ARGUMENT', 'overrun', `${length} messages; a whole number from 1 is wanted`)
  }
  return {
    makeReceive: () => {
      let left = 0
      return (frames, { random, stats, lose }) => {
        const kept = frames.filter(() => {
          const begins = random.chance(probability)
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
 * A flush sends only some of the commits, the first ones, and fails: any number of them from none to all but one, or as
 * many as `limit` says.
 */
export function shortSend(options: FaultOptions | { readonly limit: (commits: number) => number }): Fault {
  if ('limit' in options) return { makeSend: () => options.limit }
  const probability = checkProbability('shortSend', options)
  return {
    makeSend:
      () =>
      (commits, { random }) =>
        random.chance(probability) ? random.below(commits) : commits,
  }
}

function stateless(receive: ReceiveFault): Fault {
  return { makeReceive: () => receive }
}

function checkProbability(name: string, { probability }: FaultOptions): number {
  if (probability >= 0 && probability <= 1) return probability
  throw new TransportError('ARGUMENT', name, `a probability of ${probability}; 0 to 1 is wanted`)
}
