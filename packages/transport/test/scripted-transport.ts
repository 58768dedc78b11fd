/** A transport that does what a test tells it. */

import { expect, type Mock, vi } from 'vitest'
import type { Capabilities, FrameBatch, TransportStats } from '../src/index.ts'
import { BaseTransport, describeFrame, OutboxBuffer, SlabPool } from '../src/index.ts'

/** A transport whose implementation is a list of steps; `undefined` means that nothing is ready. */
export class Scripted extends BaseTransport {
  readonly capabilities = { batchSize: 1 } as Capabilities
  readonly stats = {} as TransportStats
  readonly portId = 1
  readonly outbox = new OutboxBuffer(64, (_, length) => length)
  readonly pool = new SlabPool({ frameSize: 4, batchSize: 1, slabs: 40, poison: true })
  clock = 0
  drops = -1
  readonly steps: (() => FrameBatch | undefined)[] = []
  readonly doWait: Mock<() => void> = vi.fn()
  readonly doStopWaiting: Mock<() => void> = vi.fn()
  readonly doClose = vi.fn(() => this.pool.close())
  readonly doJoinGroup: Mock<(group: number) => void> = vi.fn()
  readonly doLeaveGroup: Mock<(group: number) => void> = vi.fn()
  readonly doReadProcNet = vi.fn((name: string) => `text of ${name}`)
  readonly doReceiveBlocking = vi.fn((_: number) => this.doReceive())

  doReceive(): FrameBatch | undefined {
    return this.steps.shift()?.()
  }

  /** Adds batches of one byte each. */
  add(...values: number[]): void {
    for (const value of values) this.steps.push(() => this.batch(value))
  }

  batch(value: number): FrameBatch {
    const slab = this.pool.next()
    this.pool.memory.u8[slab * this.pool.stride] = value
    describeFrame(this.pool.words, slab, 1, 1, 0, 0)
    return this.pool.take(slab, 1, this.countBatch(1))
  }

  lose(count: number): void {
    this.loss.note(count)
  }

  protected override doReadDrops(): number {
    return this.drops
  }

  protected override now(): number {
    return this.clock
  }

  overrun(): undefined {
    this.loss.noteOverrun()
  }

  wakeUp(turn?: 'new' | 'same'): void {
    this.wake(turn)
  }

  failWith(error: unknown): void {
    this.fail(error)
  }
}

export const value = (batch: FrameBatch | undefined) => batch?.memory.u8[batch.offset(0)]

export const code = (name: string) => expect.objectContaining({ code: name })
