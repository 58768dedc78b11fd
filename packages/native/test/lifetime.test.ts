/** When sockets, waits and processes end: handle.h, readiness.c. */

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { descriptors, native, runFixture, turns } from './support.ts'

test('forgotten sockets are collected, waiting ones are not', () => {
  const { status, stderr } = runFixture('collect.mjs', '--expose-gc')
  expect(stderr).toBe('')
  expect(status).toBe(0)
})

test('a process ends by itself when nothing waits', () => {
  const { status, stdout } = runFixture('exit-idle.mjs')
  expect(status).toBe(0)
  expect(stdout).toBe('answered\n')
})

test('a wait keeps the process alive until it is answered', () => {
  const { status, stdout } = runFixture('exit-waiting.mjs')
  expect(status).toBe(0)
  expect(stdout).toBe('readable\n')
})

test('a process may end inside the call', () => {
  expect(runFixture('exit-inside.mjs').status).toBe(3)
})

test('an error of onReadable is an uncaught exception in the context of the opening', () => {
  const { status, stdout } = runFixture('throw.mjs')
  expect(status).toBe(0)
  expect(stdout.split('\n')).toEqual([
    ...['uncaught context 1', 'microtask', 'uncaught context 2', 'microtask', 'uncaught context 3', 'microtask'],
    '',
  ])
})

test('threads that are ended while they wait, idle and close leave nothing', { timeout: 60_000 }, async () => {
  const before = native.openHandles()
  let open = 0
  for (let round = 0; round < 25; round++) {
    const workers = [0, 1].map(() => new Worker(new URL('fixtures/worker.mjs', import.meta.url)))
    const received = await Promise.all(workers.map((worker) => once(worker, 'message')))
    expect(received).toEqual([[1], [1]])
    await Promise.all(workers.map((worker) => worker.terminate()))
    await turns()
    expect(native.openHandles()).toBe(before)
    if (round === 0) open = descriptors().length
  }
  expect(descriptors().length).toBe(open)
})
