import type { FrameOrigin } from '@ringlink/transport'
import type { ReadEnvelope } from '../envelope.ts'

/** What came from one run of a publisher. */
export interface HostStats {
  readonly host: string
  readonly bootId: string
  readonly run: string
  /** frames, and netlink messages in them */
  readonly frames: number
  readonly messages: number
  /** datagrams that its kernel dropped */
  readonly lost: number
  /** frames that its publisher dropped, and netlink messages in them */
  readonly droppedFrames: number
  readonly droppedMessages: number
}

type HostCounts = { -readonly [Count in keyof HostStats]: HostStats[Count] } & { next: number }

/** Runs that are remembered; with more, the one that was heard of least recently is forgotten. */
const MAXIMUM_HOSTS = 65_536

/** The runs of publishers that a transport has heard of, and where each of them continues. */
export class Hosts {
  readonly #runs = new Map<string, HostCounts>()

  /** by the id of the run */
  get all(): ReadonlyMap<string, HostStats> {
    return this.#runs
  }

  /** Counts a message that begins to be given out. Returns the origin of its frames. */
  note({ host, bootId, run, first, last, messages, lost, droppedFrames, droppedMessages }: ReadEnvelope): FrameOrigin {
    const before = this.#runs.get(run)
    const counts = before ?? newHost({ host, bootId, run })
    // What the publisher dropped leaves a gap that is explained.
    const continues = before === undefined ? first - droppedFrames === 0 : first - droppedFrames === counts.next
    counts.next = last + 1
    counts.frames += last - first + 1
    counts.messages += messages
    counts.lost += lost
    counts.droppedFrames += droppedFrames
    counts.droppedMessages += droppedMessages
    this.#runs.delete(run)
    this.#runs.set(run, counts)
    if (this.#runs.size > MAXIMUM_HOSTS) this.#forgetOldest()
    return { host, bootId, run, continues }
  }

  #forgetOldest(): void {
    for (const run of this.#runs.keys()) {
      this.#runs.delete(run)
      return
    }
  }
}

function newHost(identity: Pick<HostStats, 'host' | 'bootId' | 'run'>): HostCounts {
  return { ...identity, frames: 0, messages: 0, lost: 0, droppedFrames: 0, droppedMessages: 0, next: 0 }
}
