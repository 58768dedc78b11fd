import { probeUring } from '@ringlink/transport-mmap'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { NativeBinding } from '../../native/src/index.ts'
import { wakingOnly } from '../../transport-mmap/test/uring/support/waking.ts'
import { openTransport, RingUnsupportedError } from '../src/index.ts'

const machine = vi.hoisted(() => ({ change: undefined as ((native: NativeBinding) => NativeBinding) | undefined }))
vi.mock('../../native/src/index.ts', async (original) => {
  const real = await original<typeof import('../../native/src/index.ts')>()
  return { ...real, loadNative: () => machine.change?.(real.loadNative()) ?? real.loadNative() }
})
afterEach(() => {
  machine.change = undefined
})

const ROUTE = 0
const ENOMEM = 12
const here = await probeUring()
const title = 'a machine whose ring does not work out'

describe.skipIf(!here.works)(here.works ? title : `${title} (skipped: ${here.reason})`, () => {
  const options = { protocol: ROUTE }

  test('because the kernel locks no more memory gets a socket, and an explanation where a ring was asked for', async () => {
    // As `ulimit -l 64` does: enough for the ring of a probe.
    machine.change = (native) => ({
      ...native,
      uringProvide: (handle, count, ...sizes) => (count > 4 ? -ENOMEM : native.uringProvide(handle, count, ...sizes)),
    })
    await using transport = await openTransport(options)
    expect(transport.capabilities.kind).toBe('socket')
    const error = await openTransport({ ...options, ring: true }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(RingUnsupportedError)
    expect(error).toMatchObject({ code: 'RING_UNSUPPORTED' })
    expect((error as Error).message).toMatch(/uring: provide frames to io_uring: ENOMEM: .*ulimit -l/)
    machine.change = undefined
    await using ring = await openTransport(options)
    expect(ring.capabilities.kind).toBe('uring')
  })

  test('because it is not what failed keeps its own error', async () => {
    machine.change = (native) => ({ ...native, bind: () => -ENOMEM })
    await expect(openTransport(options)).rejects.toMatchObject({ code: 'SYSTEM', operation: 'bind' })
  })
})

describe.skipIf(!here.works)('a kernel that wakes a ring once and never again', () => {
  test('gets a socket that works, within a second the first time and at once then', async () => {
    vi.resetModules()
    const fresh = await import('../src/index.ts')
    machine.change = (native) => wakingOnly(native, 1)
    for (const most of [5000, 500]) {
      const start = performance.now()
      await using transport = await fresh.openTransport({ protocol: ROUTE })
      expect(performance.now() - start).toBeLessThan(most)
      expect(transport.capabilities.kind).toBe('socket')
    }
    await expect(fresh.openTransport({ protocol: ROUTE, ring: true })).rejects.toMatchObject({
      code: 'RING_UNSUPPORTED',
      message: expect.stringContaining('uring: wake up by io_uring: message 2 of 3 did not wake the event loop'),
    })
  })
})
