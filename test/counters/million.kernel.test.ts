import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { openUring, probeUring } from '@ringlink/transport-mmap'
import { openSocket } from '@ringlink/transport-socket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type LoadedKernel, loadLog, loadQueue, PACKETS, SEED } from './load.ts'

const PORT = 9000

const hasUring = kernelUnavailable === undefined && (await probeUring()).works
const transports: Record<string, (networkNamespace: string) => LoadedKernel['open']> = {
  socket: (networkNamespace) => (needs) => openSocket({ ...needs, networkNamespace }),
}
if (hasUring) {
  transports.ring = (networkNamespace) => (needs) => openUring({ ...needs, networkNamespace })
  transports['ring with a kernel thread'] = (networkNamespace) => (needs) =>
    openUring({ ...needs, networkNamespace, kernelThread: true })
}

describe.skipIf(kernelUnavailable)(kernelTests(`the equations of docs/counters.md, seed ${SEED}`), () => {
  let namespace: Namespace

  beforeEach(async () => {
    namespace = await Namespace.open()
    await namespace.listen(PORT)
  })

  afterEach(() => namespace.close())

  describe.each(Object.entries(transports))('over a %s', (_, openIn) => {
    const kernel = (): LoadedKernel => ({
      open: openIn(namespace.path),
      send: async (count) => {
        expect(await namespace.send({ port: PORT, count })).toEqual({ failed: 0 })
      },
      passed: async (expected) => {
        await namespace.waitFor(PORT, expected)
        return (await namespace.received(PORT)).count
      },
    })
    const match = { protocol: 'udp', destinationPort: PORT } as const

    test.each([
      ['none', 0.4],
      ['lossy', 0.4],
    ] as const)('a queue with faults of kind %s', { timeout: 600_000 }, async (trouble, share) => {
      await namespace.install([{ hook: 'output', match, queue: 5 }])
      const sums = await loadQueue(kernel(), Math.ceil(PACKETS * share), trouble, SEED)
      expect(sums).toMatchObject({ ids: 0, delivered: 0, answered: 0, passed: 0, refused: 0 })
    })

    test.each([
      ['none', 0.1],
      ['lossy', 0.1],
    ] as const)('a log with faults of kind %s', { timeout: 600_000 }, async (trouble, share) => {
      await namespace.install([{ hook: 'output', match, log: { group: 5 } }])
      const sums = await loadLog(kernel(), Math.ceil(PACKETS * share), trouble, SEED)
      expect(sums).toMatchObject({ logged: 0, shown: 0, told: 0, tooMuch: 0 })
    })
  })
})
