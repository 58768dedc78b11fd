import { setImmediate } from 'node:timers/promises'
import { expect } from 'vitest'
import type { FrameBatch, Lease, Outbox, Transport } from '../transport.ts'
import type { Ability, OpenFixture, OpenFixtureOptions, Peer } from './fixture.ts'

/** The context of a case. */
export interface CaseContext {
  readonly transport: Transport
  readonly peer: Required<Peer>
  /** opens further transports */
  readonly open: OpenFixture
}

/** One sentence of the contract, and a test of it. */
export interface ConformanceCase {
  readonly title: string
  /** the sentence of transport.ts, or the part that is checked, word for word */
  readonly promise: string
  readonly needs?: readonly Ability[]
  readonly options?: OpenFixtureOptions
  run(context: CaseContext): Promise<void>
}

/** Runs one case on a fresh transport. Rejects when the transport breaks the contract. */
export async function runCase(testCase: ConformanceCase, open: OpenFixture): Promise<void> {
  const fixture = await open(testCase.options ?? {})
  try {
    const { transport } = fixture
    await testCase.run({ transport, peer: complete(fixture.peer), open })
  } finally {
    await fixture.close()
  }
}

function complete(peer: Peer): Required<Peer> {
  return new Proxy(peer, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value === 'function') return value.bind(target)
      throw new Error(`the fixture has no ${String(name)}(), and does not list it in \`cannot\``)
    },
  }) as Required<Peer>
}

/** A message that carries its index and differs in every byte from its neighbours. */
export function message(index: number, byteLength = 32): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: byteLength }, (_, at) => index * 37 + at * 11 + 1)
}

/** Messages `first` to `first + count - 1`. */
export function messages(count: number, first = 0, byteLength = 32): Uint8Array<ArrayBuffer>[] {
  return Array.from({ length: count }, (_, index) => message(first + index, byteLength))
}

/** Copies one frame. */
export function frameOf(batch: FrameBatch, index: number): Uint8Array {
  return batch.memory.copy(batch.offset(index), batch.byteLength(index))
}

/** Copies all frames. */
export function framesOf(batch: FrameBatch): Uint8Array[] {
  return Array.from({ length: batch.length }, (_, index) => frameOf(batch, index))
}

/** Copies a held frame. */
export function bytesOf(lease: Lease): Uint8Array {
  return lease.memory.copy(lease.offset, lease.byteLength)
}

/** Receives and releases until `count` frames came. Returns copies of them. */
export async function collect(transport: Transport, count: number): Promise<Uint8Array[]> {
  const received: Uint8Array[] = []
  while (received.length < count) {
    const batch = await transport.receive()
    received.push(...framesOf(batch))
    batch.release()
  }
  return received
}

/** Receives and releases until `last` came. Returns copies of all frames, and the sum of the losses. */
export async function collectUntil(
  transport: Transport,
  last: Uint8Array,
): Promise<{ frames: Uint8Array[]; lost: number }> {
  const frames: Uint8Array[] = []
  let lost = 0
  for (;;) {
    const batch = await transport.receive()
    lost += batch.lost
    frames.push(...framesOf(batch))
    batch.release()
    if (frames.some((frame) => sameBytes(frame, last))) return { frames, lost }
  }
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index])
}

/** Commits one message. */
export function commit(outbox: Outbox, bytes: Uint8Array): void {
  outbox.memory.u8.set(bytes, outbox.reserve(bytes.length))
  outbox.commit(bytes.length)
}

/** Sends one message. */
export function send(outbox: Outbox, bytes: Uint8Array): void {
  commit(outbox, bytes)
  outbox.flush()
}

/** Fails if there is anything to receive. */
export function expectNothing(transport: Transport): void {
  const batch = transport.poll()
  expect(batch === undefined ? [] : framesOf(batch)).toEqual([])
}

/** Fails unless `action` throws an error of code `code`. Returns the error. */
export function expectThrows(action: () => unknown, code: string): unknown {
  let result: unknown
  try {
    result = action()
  } catch (error) {
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ code })
    return error
  }
  return expect.fail(`expected ${code}, but it returned ${String(result)}`)
}

/** Fails unless `promise` has been rejected with an error of code `code`. */
export async function expectRejects(promise: Promise<unknown>, code: string): Promise<void> {
  const result = await settled(promise)
  if (result.status === 'fulfilled') expect.fail(`expected ${code}, but it was fulfilled`)
  else expect(result.reason).toMatchObject({ code })
}

/** Waits for some turns of the event loop, so that everything due has happened. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await setImmediate()
}

/** The same promise, whose rejection is not reported as unhandled when the case fails before it awaits it. */
export function guarded<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {})
  return promise
}

/** How a promise settled. Fails if it is still pending. */
export async function settled<Value>(promise: Promise<Value>): Promise<PromiseSettledResult<Value>> {
  let result: PromiseSettledResult<Value> | undefined
  promise.then(
    (value) => {
      result = { status: 'fulfilled', value }
    },
    (reason: unknown) => {
      result = { status: 'rejected', reason }
    },
  )
  for (let turn = 0; turn < 20 && result === undefined; turn++) await setImmediate()
  return result ?? expect.fail('the promise is still pending')
}

/** Expects that a lease is released, and that reading its memory throws. */
export function expectLeaseReleased(lease: Lease): void {
  expect(lease.released).toBe(true)
  expectDetached(lease)
}

/** Expects that every read of a released batch's or lease's memory throws. */
export function expectDetached({ memory }: { memory: FrameBatch['memory'] }): void {
  for (const name of ['buffer', 'u8', 'u16', 'u32', 'i32', 'data'] as const) {
    expectThrows(() => memory[name], 'RELEASED')
  }
  expectThrows(() => memory.copy(0, 4), 'RELEASED')
}
