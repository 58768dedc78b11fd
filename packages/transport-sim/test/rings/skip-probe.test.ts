/** The probe for kernels that do not step over kept frames, on simulated rings. */

import { stepsOverSkip } from '@ringlink/transport/netlink-ring'
import { describe, expect, test } from 'vitest'
import type { RingKernelOptions } from '../../src/rings/ring-socket.ts'
import { SimRingSystem } from '../../src/rings/ring-system.ts'
import { EchoKernel } from './support.ts'

function probe(options: RingKernelOptions, kernel: EchoKernel = new EchoKernel(options)): [boolean, EchoKernel] {
  return [stepsOverSkip((onReadable) => new SimRingSystem(kernel.host, kernel.sim, kernel.socket, onReadable)), kernel]
}

describe('whether the kernel steps over a frame that is kept', () => {
  test.each([
    ['Linux 4.3 and newer', true, { skip: 'forwards' }],
    ['Linux 4.4 with its trimmed dumps', true, { skip: 'forwards', dumpTrim: true }],
    ['Linux 3.10 to 4.2', false, { skip: 'broken', readable: 'previous' }],
    ['pages of 64 KiB', true, { pageSize: 65536 }],
    ['pages of 64 KiB, and does not', false, { pageSize: 65536, skip: 'broken' }],
  ] as const)('%s: %s', (_, expected, options) => {
    const [steps, kernel] = probe(options)
    expect([steps, kernel.closed]).toEqual([expected, 1])
    expect(kernel.sent().length).toBeLessThanOrEqual(12)
  })

  test('no, where it cannot be tried: rings refused, no memory, no answers', () => {
    expect(probe({ privileged: false })[0]).toBe(false)
    expect(probe({ ringMemory: 100 })[0]).toBe(false)
    const silent = new EchoKernel()
    silent.answers = false
    const refusing = new EchoKernel()
    refusing.refuse = () => -1
    for (const kernel of [silent, refusing]) {
      expect(probe({}, kernel)[0]).toBe(false)
      expect([kernel.closed, kernel.sent().length <= 1]).toEqual([1, true])
    }
  })
})
