/** A reference transport with faults around it. */
import fc from 'fast-check'
import { ReferencePeer } from '../../src/conformance/index.ts'
import { type Fault, withFaults } from '../../src/faults/index.ts'

export const seeds = fc.integer({ min: 0, max: 0xffffffff })

export function open(faults: readonly Fault[], seed: number) {
  const peer = new ReferencePeer()
  return { peer, transport: withFaults(peer.transport, faults, { seed }) }
}
