import { Errno } from '@ringlink/codec/errors'
import type { Transport } from '@ringlink/transport'
import { describe, expect, test } from 'vitest'
import { openRingOn, type RingBackend, type RingOptions, RingUnsupportedError } from '../src/open-ring.ts'
import type { RingProbe } from '../src/probe.ts'

const absent: RingProbe = {
  backend: 'netlink',
  step: 'setsockopt(NETLINK_RX_RING)',
  errno: Errno.ENOPROTOOPT,
  explanation: 'this kernel has none',
}
const forbidden: RingProbe = { backend: 'uring', step: 'set up', errno: Errno.EPERM, explanation: 'EPERM: forbidden' }

/** Back ends: those with a refusal are unavailable; the others "open" to their name and options. */
function machine(netlink?: RingProbe, uring?: RingProbe): { all: RingBackend[]; opened: [string, RingOptions][] } {
  const opened: [string, RingOptions][] = []
  const backend = (name: RingProbe['backend'], refusal: RingProbe | undefined): RingBackend => ({
    backend: name,
    probe: async () => refusal,
    refusal: () => undefined,
    open: async (options) => {
      opened.push([name, options])
      return { capabilities: { kind: name } } as unknown as Transport
    },
  })
  return { all: [backend('netlink', netlink), backend('uring', uring)], opened }
}

const kindOf = async (all: RingBackend[], options: Partial<RingOptions> = {}) =>
  (await openRingOn(all, { protocol: 12, ...options })).capabilities.kind

describe('which ring is taken', () => {
  test('the rings of netlink if available, otherwise io_uring', async () => {
    expect(await kindOf(machine().all)).toBe('netlink')
    expect(await kindOf(machine(absent).all)).toBe('uring')
    expect(await kindOf(machine(absent).all, { backend: 'auto' })).toBe('uring')
  })

  test('only the chosen one', async () => {
    expect(await kindOf(machine().all, { backend: 'uring' })).toBe('uring')
    expect(await kindOf(machine().all, { backend: 'netlink' })).toBe('netlink')
    const { all, opened } = machine(absent)
    await expect(kindOf(all, { backend: 'netlink' })).rejects.toMatchObject({
      code: 'RING_UNSUPPORTED',
      probes: [absent],
    })
    expect(opened).toEqual([])
  })

  test('every option arrives', async () => {
    const { all, opened } = machine()
    const options = { protocol: 12, frames: 9, frameSize: 100, networkNamespace: '/x', kernelThread: true, groups: [1] }
    await openRingOn(all, options)
    expect(opened).toEqual([['netlink', options]])
  })

  test('none: every probe is named, with its errno and an explanation', async () => {
    const failed = openRingOn(machine(absent, forbidden).all, { protocol: 12 })
    const error = await failed.catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(RingUnsupportedError)
    expect(error).toMatchObject({ code: 'RING_UNSUPPORTED', probes: [absent, forbidden] })
    expect((error as Error).message).toBe(
      'open ring: none is available; ' +
        'netlink: setsockopt(NETLINK_RX_RING): ENOPROTOOPT: this kernel has none; uring: set up: EPERM: forbidden',
    )
  })

  test('a back end that does not exist is refused', async () => {
    const backend = 'tape' as unknown as 'auto'
    await expect(kindOf(machine().all, { backend })).rejects.toMatchObject({ code: 'VALUE_RANGE' })
  })

  test('one that works but cannot be set up is skipped, and named if it is the last', async () => {
    const short: RingProbe = { ...forbidden, step: 'provide', errno: Errno.ENOMEM, explanation: 'ENOMEM: ulimit -l' }
    const failing = (backend: RingBackend): RingBackend => ({
      ...backend,
      open: () => Promise.reject(new Error('cannot be set up')),
      refusal: () => ({ ...short, backend: backend.backend }),
    })
    const [netlink, uring] = machine().all as [RingBackend, RingBackend]
    expect(await kindOf([failing(netlink), uring])).toBe('uring')
    await expect(kindOf([failing(netlink), failing(uring)])).rejects.toMatchObject({
      code: 'RING_UNSUPPORTED',
      probes: [{ ...short, backend: 'netlink' }, short],
    })
  })

  test('another failure of an available back end is passed on', async () => {
    const { all } = machine(undefined, forbidden)
    const [first, second] = all as [RingBackend, RingBackend]
    const failing = { ...first, open: () => Promise.reject(new Error('no memory')) }
    await expect(openRingOn([failing, second], { protocol: 12 })).rejects.toThrow('no memory')
  })
})
