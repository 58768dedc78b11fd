/** No wake-up is lost between silence and burst, on rings of simulated kernels. */

import { alternate, type OpenFixture } from '@ringlink/transport/conformance'
import { expect, test } from 'vitest'
import { fixtures } from './support.ts'

/** Milliseconds; takes four seconds on an idle machine. */
const TIMEOUT = 120_000

const old = fixtures({ skip: 'broken', readable: 'previous' }, { transmitFrames: 4 })
const rings: [string, number, OpenFixture][] = [
  ['of 4.4.1', 10_000, fixtures({})],
  ['of Linux 3.10, with a transmit ring', 1000, old],
]

test.each(rings)(
  'a netlink ring %s loses no wake-up in %i rounds of silence and burst',
  async (_, rounds, open) => {
    const fixture = await open({})
    await alternate(fixture, rounds, 4)
    expect(fixture.transport.stats.wakeups).toBeGreaterThanOrEqual(rounds / 4)
    await fixture.close()
  },
  TIMEOUT,
)
