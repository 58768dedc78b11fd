import { Errno } from '@ringlink/codec/errors'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { describe, expect, test } from 'vitest'
import { openNetlinkRing, openRing, probeNetlinkRing, probeUring } from '../src/index.ts'

const NETFILTER = 12

describe.skipIf(kernelUnavailable)(kernelTests('rings of this kernel'), async () => {
  const netlink = probeNetlinkRing()
  const uring = await probeUring()

  test('netlink rings are reported as the kernel has them: gone since 4.6, before that with a reason', async () => {
    if (netlink === undefined) {
      await using transport = await openNetlinkRing({ protocol: NETFILTER })
      expect(transport.capabilities.kind).toBe('netlink-ring')
      return
    }
    expect(netlink).toMatchObject({ backend: 'netlink', step: 'setsockopt(NETLINK_RX_RING)' })
    expect([Errno.ENOPROTOOPT, Errno.EPERM]).toContain(netlink.errno)
    await expect(openRing({ protocol: NETFILTER, backend: 'netlink' })).rejects.toMatchObject({
      code: 'RING_UNSUPPORTED',
      probes: [netlink],
    })
    await expect(openNetlinkRing({ protocol: NETFILTER, holdLimit: 0 })).rejects.toMatchObject({
      code: 'SYSTEM',
      errno: netlink.errno,
      operation: 'set receive ring',
    })
  })

  const none = netlink !== undefined && !uring.works
  test.skipIf(none)(
    `one is opened in a namespace, with frames as asked for${none ? `: ${uring.reason}, ${netlink.explanation}` : ''}`,
    async () => {
      await using namespace = await Namespace.open()
      const options = { protocol: NETFILTER, frames: 100, frameSize: 1000, networkNamespace: namespace.path }
      await using transport = await openRing(options)
      expect(transport.capabilities.ring).toBe(true)
      expect(transport.capabilities.frameSize).toBeGreaterThanOrEqual(1000)
      expect(transport.capabilities.frameCount).toBeGreaterThanOrEqual(100)
      expect(transport.readProcNet('netfilter/nfnetlink_queue')).toBe('')
    },
  )
})
