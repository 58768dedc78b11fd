import { Memory } from '@ringlink/codec/memory'
import { FrameStatus, RingFrames, type RingGeometry, RingOption, ringSize, writeRingRequest } from './layout.ts'
import type { OpenRingSystem, RingSystem } from './system.ts'

const FRAMES = 4
/** A request that has no effect and is acknowledged: `NLMSG_NOOP`, `NLM_F_REQUEST | NLM_F_ACK`. */
const NOOP = { length: 16, type: 1, flags: 5 } as const

/**
 * Whether this kernel steps over a kept frame (SKIP) when it builds messages in the ring: 4.3 and newer do, older ones
 * stop there and lose messages. Tries it on a separate socket with a ring of four frames: the kernel answers at most
 * twelve requests, each within the send. Also false if it cannot be tried.
 */
export function stepsOverSkip(open: OpenRingSystem): boolean {
  const system = open(() => {})
  try {
    const { pageSize } = system
    const geometry = { blockSize: pageSize, blockCount: 1, frameSize: pageSize / FRAMES, frameCount: FRAMES }
    if (system.setRing(RingOption.Receive, writeRingRequest(geometry)) < 0) return false
    const buffer = system.map(ringSize(geometry))
    if (typeof buffer === 'number' || system.bind(0) < 0) return false
    return tryOut(system, new Memory(buffer), geometry)
  } finally {
    system.unmap()
    system.close()
  }
}

function tryOut(system: RingSystem, memory: Memory, geometry: RingGeometry): boolean {
  const frames = new RingFrames(memory, geometry)
  const request = new Memory(NOOP.length)
  request.u32[0] = NOOP.length
  request.u16.set([NOOP.type, NOOP.flags], 2)
  /** Whether the next answer arrives in this frame. */
  const isAnsweredIn = (frame: number, leave: FrameStatus = FrameStatus.Unused) => {
    if (system.send(request, 0, NOOP.length) !== NOOP.length) return false
    if (frames.status(frame) !== FrameStatus.Valid) return false
    frames.setStatus(frame, leave)
    return true
  }
  const areAnsweredIn = (...expected: number[]) => expected.every((frame) => isAnsweredIn(frame))
  // One lap, which leaves the kernel before the kept frame; one past it; and one in which the frame is released after
  // the kernel has passed it.
  if (!isAnsweredIn(0, FrameStatus.Skip) || !areAnsweredIn(1, 2, 3)) return false
  if (!areAnsweredIn(1, 2, 3, 1)) return false
  frames.setStatus(0, FrameStatus.Unused)
  return areAnsweredIn(2, 3, 0, 1)
}
