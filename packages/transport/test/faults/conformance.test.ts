/** The conformance suite on transports with injected faults. */

import { decorated, describeTransport, openReference, withoutEffect } from '../../src/conformance/index.ts'
import { shortSend } from '../../src/faults/index.ts'

for (const [name, fault] of Object.entries(withoutEffect)) {
  describeTransport(`${name}, which never happens,`, { open: decorated(openReference, [fault]) })
}

const all = Object.values(withoutEffect)
describeTransport('all faults together, none of which happens,', { open: decorated(openReference, all) })
describeTransport('faults around faults', { open: decorated(decorated(openReference, all), all) })
// Frames that do not belong to the transport below: every batch is a copy, and every flush takes the long path.
describeTransport('a transport of copies', {
  open: decorated(openReference, [
    { makeReceive: () => (frames) => frames.map((frame) => ({ ...frame })) },
    shortSend({ limit: (commits) => commits }),
  ]),
})
