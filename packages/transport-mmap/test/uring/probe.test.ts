import { constants } from 'node:os'
import { loadNative, type NativeBinding } from '@ringlink/native'
import { describe, expect, test, vi } from 'vitest'
import { openUring } from '../../src/uring/open-uring.ts'
import { probeUring, type UringProbe, UringProbes, uringRefusal } from '../../src/uring/probe.ts'
import { UringStep } from '../../src/uring/uring-transport.ts'
import { wakingOnly } from './support/waking.ts'

const { errno } = constants

/** The addon, with the system calls of a machine without a usable ring. */
function refusing(calls: Partial<NativeBinding>): NativeBinding {
  return { ...loadNative(), ...calls }
}

test.each([
  ['EPERM', errno.EPERM, 'forbidden'],
  ['ENOSYS', errno.ENOSYS, 'has no io_uring'],
  ['EINVAL', errno.EINVAL, 'too old'],
  ['ENOMEM', errno.ENOMEM, 'ulimit -l'],
  ['EMFILE', errno.EMFILE, 'ulimit -n'],
])('setting up that fails with %s is explained, and nothing stays open', async (name, number, words) => {
  const native = refusing({ uringSetUp: () => -number })
  const before = native.openHandles()
  const probe = await probeUring({}, native)
  expect(probe).toMatchObject({ works: false, step: 'set up io_uring', errno: number })
  expect(probe).toMatchObject({ reason: expect.stringContaining(name) })
  expect(probe).toMatchObject({ reason: expect.stringContaining(words) })
  expect(native.openHandles()).toBe(before)
  expect(() => openUring({ protocol: 0 }, native)).toThrow(
    expect.objectContaining({ code: 'SYSTEM', operation: 'set up io_uring', errno: number }),
  )
})

test('a runtime without external ArrayBuffers is distinguished from an old kernel', async () => {
  const native = refusing({ uringSetUp: () => 0, uringMap: () => -errno.EOPNOTSUPP })
  const probe = await probeUring({}, native)
  expect(probe).toMatchObject({ works: false, step: 'map io_uring', errno: errno.EOPNOTSUPP })
  expect(probe).toMatchObject({ reason: expect.stringContaining('JavaScript runtime') })
})

const here = await probeUring()
const breaking = 'a kernel that breaks wake-ups'

describe.skipIf(!here.works)(here.works ? breaking : `${breaking} (skipped: ${here.reason})`, () => {
  test.each([0, 1, 2])('after %i of them is detected within two seconds, and nothing stays open', async (times) => {
    const native = wakingOnly(loadNative(), times)
    const before = native.openHandles()
    const start = performance.now()
    expect(await probeUring({}, native)).toEqual({
      works: false,
      step: 'wake up by io_uring',
      errno: 0,
      reason: expect.stringContaining(`message ${times + 1} of 3 did not wake the event loop`),
    })
    expect(performance.now() - start).toBeLessThan(5000)
    expect(native.openHandles()).toBe(before)
  })

  test('is not assumed because this thread was busy when the wake-up came', async () => {
    const probing = probeUring()
    const end = performance.now() + 1500
    while (performance.now() < end);
    expect(await probing).toEqual({ works: true })
  })
})

describe('remembered probes', () => {
  const works: UringProbe = { works: true }
  const unwoken: UringProbe = { works: false, step: UringStep.Wake, errno: 0, reason: 'not woken' }
  const short: UringProbe = { works: false, step: UringStep.Provide, errno: errno.ENOMEM, reason: 'ENOMEM' }

  test('success and missing wake-ups are remembered; a limit is tried again', async () => {
    for (const [result, calls] of [
      [works, 1],
      [unwoken, 1],
      [short, 3],
    ] as const) {
      const probe = vi.fn(async () => result)
      const probes = new UringProbes(probe)
      for (let i = 0; i < 3; i++) expect(await probes.ask(false)).toBe(result)
      expect(probe).toHaveBeenCalledTimes(calls)
    }
  })

  test('each way of receiving is tried separately, and once for concurrent calls', async () => {
    const probe = vi.fn(async ({ kernelThread }: { kernelThread?: boolean | undefined }) =>
      kernelThread ? unwoken : works,
    )
    const probes = new UringProbes(probe)
    const asked = await Promise.all([probes.ask(false), probes.ask(true), probes.ask(false), probes.ask(true)])
    expect(asked).toEqual([works, unwoken, works, unwoken])
    expect(probe).toHaveBeenCalledTimes(2)
  })

  test('an error is passed on, and the next call tries again', async () => {
    const probe = vi.fn(async () => works)
    probe.mockRejectedValueOnce(new Error('no addon'))
    const probes = new UringProbes(probe)
    await expect(probes.ask(false)).rejects.toThrow('no addon')
    expect(await probes.ask(false)).toBe(works)
  })
})

test('an error of opening is a refusal only if it is about the ring', () => {
  const failing = (calls: Partial<NativeBinding>) => {
    try {
      openUring({ protocol: 0 }, refusing(calls))
    } catch (error) {
      return uringRefusal(error)
    }
    return expect.fail('it opened')
  }
  expect(failing({ uringProvide: () => -errno.ENOMEM })).toMatchObject({ step: 'provide frames to io_uring' })
  expect(failing({ uringEnter: () => -errno.ENOMEM })).toMatchObject({ step: 'receive with io_uring' })
  expect(failing({ bind: () => -errno.EADDRINUSE })).toBe(undefined)
  expect(failing({ open: () => -errno.EMFILE })).toBe(undefined)
  expect(uringRefusal(new Error('something else'))).toBe(undefined)
})
