/**
 * Every function that opens something takes a signal: one that is aborted has it refuse with the signal's reason,
 * nothing opened.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as client from '@ringlink/client'
import type { Transport } from '@ringlink/transport'
import * as mmap from '@ringlink/transport-mmap'
import * as sim from '@ringlink/transport-sim'
import * as socket from '@ringlink/transport-socket'
import * as ringlink from 'ringlink'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as capture from '../../packages/capture/src/index.ts'

const packages = { client, mmap, sim, socket, ringlink, capture }
// openLinkLayer looks into bytes; nothing is open after it.
const opens = /^(open(?!LinkLayer)[A-Z]|fanOut$|installRules$|readCapture$)/

let folder: string
let opened = 0

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringlink-signal-'))
  opened = 0
})

afterEach(() => rmSync(folder, { recursive: true }))

const countingTransport = (): Transport => {
  opened++
  return new sim.SimKernel().open({ protocol: 12 })
}
const file = () => join(folder, 'file')
const needs = { protocol: 12 }
const transport = countingTransport
const family = { name: 'absent', protocol: 16, operations: {}, groups: {} } as never

/** How each is called with a signal. */
const calls: Record<string, (signal: AbortSignal) => unknown> = {
  openQueue: (signal) => client.openQueue({ number: 1, transport, signal }),
  openConntrack: (signal) => client.openConntrack({ transport, signal }),
  'openConntrack of ringlink': (signal) => ringlink.openConntrack({ signal }),
  openFamily: (signal) => client.openFamily(family, { transport, signal }),
  'openFamily of ringlink': (signal) => ringlink.openFamily(family, { signal }),
  openLog: (signal) => client.openLog({ group: 1, transport, signal }),
  installRules: (signal) => client.installRules([{ hook: 'output', queue: 0 }], { transport, signal }),
  openRing: (signal) => mmap.openRing({ ...needs, signal }),
  openNetlinkRing: (signal) => mmap.openNetlinkRing({ ...needs, signal }),
  openUring: (signal) => mmap.openUring({ ...needs, signal }),
  openSocket: (signal) => socket.openSocket({ ...needs, signal }),
  openTransport: (signal) => ringlink.openTransport({ ...needs, signal }),
  fanOut: (signal) => ringlink.fanOut({ queues: '0', module: file(), signal }),
  openCapture: (signal) => capture.openCapture(file(), { signal }),
  openRotatingCapture: (signal) => capture.openRotatingCapture(file(), { signal, fileName: file }),
  openReplay: (signal) => capture.openReplay(new Uint8Array(0), { signal }),
  readCapture: async (signal) => {
    for await (const _ of capture.readCapture(file(), { signal })) throw new Error('there is no file')
  },
  'SimKernel.open': (signal) => new sim.SimKernel().open({ ...needs, signal }),
  'SimKernel.open with a ring': (signal) => new sim.SimKernel().open({ ...needs, ring: {}, signal }),
  'openQueue of ringlink': (signal) => ringlink.openQueue({ number: 1, signal }),
  'openLog of ringlink': (signal) => ringlink.openLog({ group: 1, signal }),
  'installRules of ringlink': (signal) => ringlink.installRules([{ hook: 'output', queue: 0 }], { signal }),
}

test('the list is whole', () => {
  const exported = Object.values(packages).flatMap((names) => Object.keys(names).filter((name) => opens.test(name)))
  expect(exported.filter((name) => !(name in calls))).toEqual([])
  expect(exported.length).toBeGreaterThan(10)
})

describe('a signal that is aborted', () => {
  test.each(Object.entries(calls))('%s', async (_, call) => {
    const reason = new Error('enough')
    await expect((async () => call(AbortSignal.abort(reason)))()).rejects.toBe(reason)
    expect(opened).toBe(0)
    expect(existsSync(file())).toBe(false)
  })
})

describe('a signal of the wrong type', () => {
  test.each(Object.entries(calls))('%s', async (_, call) => {
    const failed = (async () => call('abort' as never))()
    await expect(failed).rejects.toMatchObject({ code: 'ARGUMENT', path: 'signal' })
    expect(opened).toBe(0)
    expect(existsSync(file())).toBe(false)
  })
})
