import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { patience } from '@ringlink/test-support/patience'
import { openUring, probeUring } from '@ringlink/transport-mmap'
import { openSocket } from '@ringlink/transport-socket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { expectSums, isLoaded, type Load, type LoadedKernel } from './load.ts'

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
const loads: readonly Load[] = [
  { what: 'queue', trouble: 'none', share: 0.3 },
  { what: 'queue', trouble: 'lossy', share: 0.3 },
  { what: 'queue', trouble: 'reordering', share: 0.2 },
  { what: 'log', trouble: 'none', share: 0.1 },
  { what: 'log', trouble: 'lossy', share: 0.1 },
]

describe.skipIf(kernelUnavailable)(kernelTests('the equations of docs/counters.md'), () => {
  let namespace: Namespace

  beforeEach(async () => {
    namespace = await Namespace.open()
    await namespace.listen(PORT)
  })

  afterEach(() => namespace.close())

  const chosen = Object.entries(transports).filter(([name]) => isLoaded(name))
  describe.each(chosen)('over a %s', (name, openIn) => {
    const kernel = (): LoadedKernel => {
      let before = 0
      return {
        open: openIn(namespace.path),
        send: async (count) => {
          expect(await namespace.send({ port: PORT, count })).toEqual({ failed: 0 })
        },
        passed: async (expected) => {
          await namespace.waitFor(PORT, before + expected)
          const { count } = await namespace.received(PORT)
          const passed = count - before
          before = count
          return passed
        },
      }
    }
    const match = { protocol: 'udp', destinationPort: PORT } as const

    test.each(loads)('a $what with faults of kind $trouble', { timeout: patience(600_000) }, async (load) => {
      const feed = load.what === 'queue' ? { queue: 5 } : { log: { group: 5 } }
      await namespace.install([{ hook: 'output', match, ...feed }])
      await expectSums(kernel(), name, load)
    })
  })
})
