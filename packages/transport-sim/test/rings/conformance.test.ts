import { conformanceCases, type OpenFixture, runCase } from '@ringlink/transport/conformance'
import { describe, it } from 'vitest'
import { fixtures, transmitRing } from './support.ts'

const wholeSends = 'the kernel takes a frame, or a send, whole or not at all'
/** Cases that a ring cannot be asked for, and why; by what their titles begin with. */
const noQueueBehind = { 'as many frames as frameCount says': 'a ring has no queue behind it for what does not fit' }
const noHoles = { 'one batch released of many': 'this kernel fills frames in order, and waits for one that is in use' }

function describeRing(name: string, open: OpenFixture, exceptions: Record<string, string>): void {
  describe(`${name} is a transport`, () => {
    for (const testCase of conformanceCases) {
      const [, exception] = Object.entries(exceptions).find(([start]) => testCase.title.startsWith(start)) ?? []
      const reason = testCase.needs?.includes('partialSend') ? wholeSends : exception
      const title = reason === undefined ? testCase.title : `${testCase.title} (skipped: ${reason})`
      it.skipIf(reason !== undefined)(title, () => runCase(testCase, open))
    }
  })
}

describeRing('a ring', fixtures({}, {}), { ...noQueueBehind, ...noHoles })
describeRing('a ring of which half may be held', fixtures({}, { holdLimit: 8, ...transmitRing }), noQueueBehind)
describeRing('a ring of Linux 3.10', fixtures({ skip: 'broken', readable: 'previous' }, transmitRing), {
  ...noQueueBehind,
  ...noHoles,
})
describeRing(
  'a ring of Linux 4.4 with its trimmed dumps',
  fixtures(
    { dumpTrim: true },
    { holdLimit: 4, receive: { blockSize: 4096, blockCount: 16, frameSize: 4096, frameCount: 16 } },
  ),
  noQueueBehind,
)
