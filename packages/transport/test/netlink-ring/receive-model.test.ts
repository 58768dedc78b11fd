/** Both ends of a receive ring, driven at random and compared with a model. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameStatus, NoFrame, RING_FULL } from '../../src/netlink-ring/index.ts'
import { BothEnds, message, numberOf } from './support.ts'

/** The possible next steps at either end; numbers select one of the available frames. */
type Step =
  | { kind: 'direct' | 'reserve' | 'copied' | 'beginCopied'; size: number }
  | { kind: 'deliver' | 'abort' | 'finishCopied' | 'release' | 'hold' | 'releaseHeld'; which: number }
  | { kind: 'dump'; size: number }
  | { kind: 'take' | 'takeBeyond' | 'wake' | 'park' }

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constantFrom('direct', 'direct', 'reserve', 'copied', 'beginCopied', 'dump') as fc.Arbitrary<'direct'>,
        size: fc.integer({ min: 16, max: 60 }),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constantFrom(
          'deliver',
          'abort',
          'finishCopied',
          'release',
          'release',
          'hold',
          'releaseHeld',
        ) as fc.Arbitrary<'deliver'>,
        which: fc.nat(20),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constantFrom('take', 'take', 'takeBeyond', 'wake', 'park') as fc.Arbitrary<'take'>,
      }),
    },
  ) as fc.Arbitrary<Step>,
  { maxLength: 150, size: 'max' },
)

interface Options {
  frameCount: number
  skip: 'forwards' | 'broken'
  readable: 'any' | 'previous'
  dumpTrim: boolean
  poison: boolean
  skips: boolean
  /** copies are announced at once, never after a later message */
  atomicCopies: boolean
}

const options: fc.Arbitrary<Options> = fc.record({
  frameCount: fc.integer({ min: 1, max: 9 }),
  skip: fc.constantFrom('forwards' as const, 'broken' as const),
  readable: fc.constantFrom('any' as const, 'previous' as const),
  dumpTrim: fc.boolean(),
  poison: fc.boolean(),
  skips: fc.boolean(),
  atomicCopies: fc.boolean(),
})

class Model {
  readonly ends: BothEnds
  readonly options: Options
  next = 1
  lost = 0
  aborted = 0
  readonly accepted: number[] = []
  readonly delivered: number[] = []
  readonly reserved: { frame: number; number: number; size: number }[] = []
  readonly begun: { frame: number; length: number }[] = []
  readonly borrowed: { frame: number; bytes: Uint8Array }[] = []
  readonly held: { frame: number; bytes: Uint8Array }[] = []
  /** the kernel may have stepped over a frame */
  mayHaveStepped = false
  #fruitless = 0

  constructor(options: Options) {
    this.options = options
    const { frameCount, skip, readable, dumpTrim, poison, skips } = options
    const geometry = { blockSize: 4096, blockCount: frameCount, frameSize: 4096, frameCount }
    this.ends = new BothEnds(geometry, { skip, readable, dumpTrim }, { poison, skips })
  }

  step(step: Step): void {
    const { kernel, user, queue } = this.ends
    // The kernel's own gap (section 5, path B): a whole lap while one copy waits to be announced uses its frame twice.
    if ('size' in step && this.begun.some(({ frame }) => frame === this.#nextFrame())) return
    switch (step.kind) {
      case 'direct':
        this.#count(this.ends.direct(message(this.next, step.size)))
        break
      case 'dump': {
        const frame = kernel.reserve(3776)
        if (frame >= 0) this.ends.complete(frame, message(this.next, step.size), kernel.dumpData(frame, 3776))
        this.#count(frame)
        break
      }
      case 'reserve': {
        const number = this.next
        const frame = kernel.reserve(step.size)
        if (this.#count(frame)) this.reserved.push({ frame, number, size: step.size })
        break
      }
      case 'deliver': {
        const chosen = takeFrom(this.reserved, step.which)
        if (chosen !== undefined) this.ends.complete(chosen.frame, message(chosen.number, chosen.size))
        break
      }
      case 'abort': {
        const chosen = takeFrom(this.reserved, step.which)
        if (chosen === undefined) break
        kernel.abort(chosen.frame)
        this.aborted++
        this.accepted.splice(this.accepted.indexOf(chosen.number), 1)
        break
      }
      case 'copied':
      case 'beginCopied': {
        if (step.kind === 'copied' || this.options.atomicCopies) {
          this.#count(this.ends.copied(message(this.next, step.size)))
          break
        }
        const frame = kernel.beginCopied()
        if (frame !== RING_FULL) {
          queue.push(message(this.next, step.size))
          this.begun.push({ frame, length: step.size })
        }
        this.#count(frame)
        break
      }
      case 'finishCopied': {
        const chosen = takeFrom(this.begun, step.which)
        if (chosen !== undefined) kernel.finishCopied(chosen.frame, { length: chosen.length })
        break
      }
      case 'take':
        this.take()
        break
      case 'takeBeyond':
        this.take(true)
        break
      case 'wake':
        if (this.ends.readable() && !this.take() && ++this.#fruitless > 1 && user.resynchronise()) this.take()
        break
      case 'park':
        for (const { frame } of this.borrowed) user.park(frame)
        this.mayHaveStepped ||= this.options.skip === 'forwards' && this.options.skips
        break
      case 'hold': {
        const chosen = takeFrom(this.borrowed, step.which)
        if (chosen === undefined) break
        user.hold(chosen.frame)
        this.mayHaveStepped ||= this.options.skip === 'forwards'
        this.held.push(chosen)
        break
      }
      case 'release':
        this.#release(takeFrom(this.borrowed, step.which))
        break
      case 'releaseHeld':
        this.#release(takeFrom(this.held, step.which))
        break
    }
    expect(user.borrowed).toBe(this.borrowed.length)
    expect(user.held).toBe(this.held.length)
  }

  take(isBeyond = false): boolean {
    const { user } = this.ends
    const { empty } = user
    const frame = isBeyond ? user.takeBeyond() : user.take()
    // A frame beyond an incomplete one was released: it has a message, or the kernel left it empty.
    this.mayHaveStepped ||= isBeyond && (frame >= 0 || user.empty > empty)
    if (frame < 0) return false
    this.#fruitless = 0
    const bytes = this.ends.read(frame)
    expect(bytes).toEqual(message(numberOf(bytes), bytes.length))
    this.delivered.push(numberOf(bytes))
    this.borrowed.push({ frame, bytes })
    return true
  }

  /** Runs to the end: the kernel completes, the user releases and reads, and scans only where allowed. */
  finish(mayScan = true): void {
    while (this.reserved.length > 0) this.step({ kind: 'deliver', which: 0 })
    while (this.begun.length > 0) this.step({ kind: 'finishCopied', which: 0 })
    while (this.borrowed.length > 0) this.step({ kind: 'release', which: 0 })
    while (this.held.length > 0) this.step({ kind: 'releaseHeld', which: 0 })
    const { user } = this.ends
    // Each round of a reader that poll wakes must yield something; after a scan, the next round must.
    for (let fruitless = 0; this.hasMessages(); ) {
      if (this.take()) {
        fruitless = 0
        this.#release(this.borrowed.pop())
      } else if (this.hasMessages()) {
        expect((mayScan || this.mayHaveStepped) && ++fruitless <= 3).toBe(true)
        user.resynchronise()
      }
    }
    expect(user.freeFrames()).toBe(user.frames.count)
  }

  /**
   * Every accepted message was delivered once, and in order, unless the kernel has stepped over a frame that was then
   * released: it may fill the following one first, and nothing in the ring shows which it was.
   */
  expectDelivered(isOrdered: boolean): void {
    const { delivered, accepted } = this
    const ordered = isOrdered && !this.mayHaveStepped
    expect(ordered ? delivered : [...delivered].sort((a, b) => a - b)).toEqual(accepted)
  }

  hasMessages(): boolean {
    const { user, queue } = this.ends
    for (let frame = 0; frame < user.frames.count; frame++) if (user.frames.status(frame) !== 0) return true
    return queue.length > 0
  }

  #nextFrame(): number {
    const { head, frames } = this.ends.kernel
    let next = head
    for (let i = 0; i < frames.count && frames.status(next) === FrameStatus.Skip; i++) next = frames.next(next)
    return next
  }

  #count(frame: number): boolean {
    const number = this.next++
    if (frame >= 0) this.accepted.push(number)
    else this.lost++
    return frame >= 0
  }

  #release(kept: { frame: number; bytes: Uint8Array } | undefined): void {
    if (kept === undefined) return
    expect(this.ends.read(kept.frame)).toEqual(kept.bytes)
    this.ends.user.release(kept.frame)
  }
}

function takeFrom<T>(list: T[], which: number): T | undefined {
  return list.length === 0 ? undefined : list.splice(which % list.length, 1)[0]
}

/** An empty frame is released while an earlier one is being filled: the kernel passes it, and fills the next first. */
const emptyBeyondReserved: [Options, Step[]] = [
  {
    frameCount: 2,
    skip: 'forwards',
    readable: 'any',
    dumpTrim: false,
    poison: false,
    skips: false,
    atomicCopies: true,
  },
  [
    { kind: 'reserve', size: 16 },
    { kind: 'reserve', size: 16 },
    { kind: 'abort', which: 1 },
    { kind: 'takeBeyond' },
    { kind: 'deliver', which: 0 },
    { kind: 'take' },
    { kind: 'release', which: 0 },
    { kind: 'direct', size: 16 },
    { kind: 'direct', size: 16 },
  ],
]

describe('both ends of a receive ring', () => {
  it('lose nothing silently, deliver nothing twice, keep held frames, and finish', () => {
    fc.assert(
      fc.property(options, steps, (chosen, list) => {
        const model = new Model(chosen)
        for (const step of list) model.step(step)
        model.finish()
        model.expectDelivered(chosen.atomicCopies)
        expect(model.accepted.length + model.lost + model.aborted).toBe(model.next - 1)
      }),
      { numRuns: 500, examples: [emptyBeyondReserved] },
    )
  })

  it('need no scan as long as they take turns and the kernel steps over nothing', () => {
    fc.assert(
      fc.property(options, steps, (chosen, list) => {
        const model = new Model({ ...chosen, atomicCopies: true })
        for (const step of list) if (step.kind !== 'wake' && step.kind !== 'takeBeyond') model.step(step)
        model.finish(false)
        model.expectDelivered(true)
      }),
      { numRuns: 300 },
    )
  })

  it('never claim all frames while one of them could be filled', () => {
    fc.assert(
      fc.property(options, steps, (chosen, list) => {
        const model = new Model({ ...chosen, atomicCopies: true, skip: 'forwards' })
        for (const step of list) model.step(step)
        if (model.ends.user.take() !== NoFrame.Ours) return
        expect(model.ends.kernel.reserve(16)).toBe(RING_FULL)
      }),
      { numRuns: 300 },
    )
  })
})
