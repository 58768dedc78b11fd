import {
  corrupt,
  delay,
  drop,
  duplicate,
  type Fault,
  overrun,
  reorder,
  shortSend,
  truncate,
  withFaults,
} from '../faults/index.ts'
import type { OpenFixture } from './fixture.ts'

const never = { probability: 0 }

/** One fault of each kind that never happens: a decorated transport must stay a transport. */
export const withoutEffect: Readonly<Record<string, Fault>> = {
  drop: drop(never),
  duplicate: duplicate(never),
  reorder: reorder(never),
  truncate: truncate(never),
  corrupt: corrupt(never),
  delay: delay({ ...never, batches: 2 }),
  overrun: overrun({ ...never, length: 3 }),
  'short send': shortSend(never),
}

/** The same fixture, with a decorated transport. */
export function decorated(open: OpenFixture, faults: readonly Fault[]): OpenFixture {
  return async (options) => {
    const { transport, peer, close } = await open(options)
    const faulty = withFaults(transport, faults, { seed: 1 })
    return {
      transport: faulty,
      peer,
      close: async () => {
        await faulty.close()
        await close()
      },
    }
  }
}

/** The same fixture, with a send that falls short when a case requests it. */
export function limitingSends(open: OpenFixture): OpenFixture {
  return async (options) => {
    const { transport, peer, close } = await open(options)
    let limit = Number.POSITIVE_INFINITY
    const takeLimit = () => {
      const taken = limit
      limit = Number.POSITIVE_INFINITY
      return taken
    }
    peer.limitSend = (commits) => {
      limit = commits
    }
    return { transport: withFaults(transport, [shortSend({ limit: takeLimit })], { seed: 1 }), peer, close }
  }
}
