// `npm run demo`: real traffic through the real kernel's queue and examples/queue, checked from end to end.
import { fileURLToPath } from 'node:url'
import { runDemo } from '@ringlink/example-shared/demo-outside'

const QUEUE_TRANSPORTS = ['socket', 'mmap', 'sim']

const HELP = `Sends real UDP and TCP traffic through the kernel's packet queue and the queue example, in a network namespace of its own,
and checks that every packet is accounted for. Ends by itself.

  npm run demo -- [--json] [--transport NAME]

  --json             as its last line print one JSON object: transport, sent, queued, accepted, dropped, delivered,
                     lost, seconds
  --transport NAME   how packets reach the program: ${QUEUE_TRANSPORTS.join(', ')}; default socket. sim is a simulated kernel,
                     which is also what runs where no network namespace can be made
  --help

Exit codes: 0 all checks passed, 1 a check or something else failed, 2 the command line is wrong, 3 this machine does not
allow it, or lacks something: what, is said.`

await runDemo({
  help: HELP,
  transports: QUEUE_TRANSPORTS,
  inside: fileURLToPath(new URL('inside.js', import.meta.url)),
  simulated: fileURLToPath(new URL('simulated.js', import.meta.url)),
})
