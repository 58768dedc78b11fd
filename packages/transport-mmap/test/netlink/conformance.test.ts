/** The conformance suite on netlink rings of simulated kernels. */

import { describeTransport } from '@ringlink/transport/conformance'
import { cannot } from '../../../transport-sim/test/rings/support.ts'
import { fixtures } from './support.ts'

describeTransport('a netlink ring', { open: fixtures({}), cannot })
describeTransport('a netlink ring, kernel: stops at SKIP', { open: fixtures({ skip: 'broken' }), cannot })
describeTransport('a netlink ring, kernel: poll looks at the last frame', {
  open: fixtures({ readable: 'previous' }),
  cannot,
})
describeTransport('a netlink ring, kernel: trimmed dumps', { open: fixtures({ dumpTrim: true }), cannot })
describeTransport('a netlink ring, kernel: pages of 64 KiB', {
  open: fixtures({ pageSize: 65536 }, { batchSize: 2 }),
  cannot,
})
describeTransport('a netlink ring of Linux 3.10, with a transmit ring', {
  open: fixtures({ skip: 'broken', readable: 'previous' }, { transmitFrames: 4 }),
  cannot,
})
describeTransport('a netlink ring that holds nothing, with a transmit ring', {
  open: fixtures({}, { holdLimit: 0, transmitFrames: 4 }),
  cannot,
})
