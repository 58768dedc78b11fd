import { describeTransport, type OpenFixture, openReference } from '../../src/conformance/index.ts'
import {
  corrupt,
  delay,
  drop,
  duplicate,
  type Fault,
  overrun,
  reorder,
  shortSend,
  truncate,
  withFaults,
} from '../../src/faults/index.ts'

const never = { probability: 0 }
const kinds: Record<string, Fault> = {
  drop: drop(never),
  duplicate: duplicate(never),
  reorder: reorder(never),
  truncate: truncate(never),
  corrupt: corrupt(never),
  delay: delay({ ...never, batches: 2 }),
  overrun: overrun({ ...never, length: 3 }),
  'short send': shortSend(never),
}

function around(open: OpenFixture, faults: readonly Fault[]): OpenFixture {
  return async (options) => {
    const { transport, peer } = await open(options)
    const faulty = withFaults(transport, faults, { seed: 1 })
    return { transport: faulty, peer, close: () => faulty.close() }
  }
}

for (const [name, fault] of Object.entries(kinds)) {
  describeTransport(`${name}, which never happens,`, { open: around(openReference, [fault]) })
}

const all = Object.values(kinds)
describeTransport('all faults together, none of which happens,', { open: around(openReference, all) })
describeTransport('faults around faults', { open: around(around(openReference, all), all) })
// Frames that are none of the transport below: every batch is a copy, and every flush goes the long way.
describeTransport('a transport of copies', {
  open: around(openReference, [
    { makeReceive: () => (frames) => frames.map((frame) => ({ ...frame })) },
    shortSend({ limit: (commits) => commits }),
  ]),
})
