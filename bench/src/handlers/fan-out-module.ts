// The module of the Workers of a fan-out: the same work as every other handler.
import type { FanOutContext, PacketBatch } from 'ringlink'
import { Arguments } from './arguments.ts'
import { answerBatch } from './loops.ts'
import type { Pace } from './pace.ts'
import { SharedClock, SharedPace } from './shared-pace.ts'
import { Work } from './work.ts'

interface State {
  readonly work: Work
  readonly pace: Pace
}

/** The data from the measuring thread. */
export interface FanOutData {
  readonly first: number
  readonly threads: number
  readonly buffer: SharedArrayBuffer
  readonly list: readonly string[]
}

export function setup(context: FanOutContext<State>): void {
  const { first, threads, buffer, list } = context.data as FanOutData
  const work = new Work(new Arguments(list))
  const clock = new SharedClock(threads, buffer)
  // Its transport is not accessible here, so its system calls are not counted.
  const pace = new SharedPace(
    clock,
    context.number - first,
    () => Number.NaN,
    () => work.checksum,
  )
  context.state = { work, pace }
}

export function onPackets(packets: PacketBatch, { state }: FanOutContext<State>): void {
  answerBatch(packets, state.work, state.pace)
}
