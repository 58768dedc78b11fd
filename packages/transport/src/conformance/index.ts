/**
 * The suite that defines a transport: one case for each promise of transport.ts. A transport's test is
 *
 *     describeTransport('sim', { open: openSimFixture })
 *
 * It needs vitest, and does not parse messages: frames are bytes.
 */
import { describe, test } from 'vitest'
import { abortCases } from './abort.ts'
import { type ConformanceCase, runCase } from './case.ts'
import { consumerCases } from './consumer.ts'
import type { Ability, OpenFixture } from './fixture.ts'
import { leaseCases } from './lease.ts'
import { lifecycleCases } from './lifecycle.ts'
import { batchCases } from './live-batches.ts'
import { lossCases } from './loss.ts'
import { receiveCases } from './receive.ts'
import { sendCases } from './send.ts'
import { wakeUpCases } from './wake-ups.ts'

// biome-ignore lint/performance/noBarrelFile: the entry of `@ringlink/transport/conformance`
export { type CaseContext, type ConformanceCase, collect, framesOf, message, messages, runCase } from './case.ts'
export { decorated, limitingSends, withoutEffect } from './decorated.ts'
export type { Ability, Fixture, OpenFixture, OpenFixtureOptions, Peer } from './fixture.ts'
export { type ReferenceMessage, type ReferenceOptions, ReferenceTransport } from './reference.ts'
export { openReference, ReferencePeer, referenceFixture } from './reference-peer.ts'
export { alternate } from './wake-ups.ts'

/** All cases, as data. */
export const conformanceCases: readonly ConformanceCase[] = [
  ...lifecycleCases,
  ...receiveCases,
  ...consumerCases,
  ...batchCases,
  ...leaseCases,
  ...abortCases,
  ...lossCases,
  ...sendCases,
  ...wakeUpCases,
]

/** How the suite tests an implementation. */
export interface ConformanceOptions {
  readonly open: OpenFixture
  /** what its peer cannot do, and why; the titles of skipped cases show the reason */
  readonly cannot?: Partial<Record<Ability, string>>
  /** why no case can run here */
  readonly unavailable?: string | undefined
}

/** Registers the suite for one transport. */
export function describeTransport(name: string, options: ConformanceOptions): void {
  describe(`${name} is a transport`, () => {
    for (const testCase of conformanceCases) {
      const reason = options.unavailable ?? missing(testCase, options)
      const title = reason === undefined ? testCase.title : `${testCase.title} (skipped: ${reason})`
      test.skipIf(reason !== undefined)(title, () => runCase(testCase, options.open))
    }
  })
}

function missing(testCase: ConformanceCase, { cannot = {} }: ConformanceOptions): string | undefined {
  const ability = testCase.needs?.find((need) => cannot[need] !== undefined)
  return ability === undefined ? undefined : cannot[ability]
}
