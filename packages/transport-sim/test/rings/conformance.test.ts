/** The conformance suite on simulated rings. */

import { describeTransport } from '@ringlink/transport/conformance'
import { cannot, fixtures, transmitRing } from './support.ts'

const largeFrames = { blockSize: 4096, blockCount: 16, frameSize: 4096, frameCount: 16 }

describeTransport('a ring', { open: fixtures({}, {}), cannot })
describeTransport('a ring of which half may be held', {
  open: fixtures({}, { holdLimit: 8, ...transmitRing }),
  cannot,
})
describeTransport('a ring of Linux 3.10', {
  open: fixtures({ skip: 'broken', readable: 'previous' }, transmitRing),
  cannot,
})
describeTransport('a ring of Linux 4.4 with its trimmed dumps', {
  open: fixtures({ dumpTrim: true }, { holdLimit: 4, receive: largeFrames }),
  cannot,
})
