// `npm run demo:log`: real traffic through the real kernel's packet log and examples/log, checked from end to end.
import { fileURLToPath } from 'node:url'
import { runDemo } from '@ringlink/example-shared/demo-outside'

const TRANSPORT_NAMES = ['socket', 'mmap']

const HELP = `Has real UDP, TCP and ICMP traffic logged by the firewall's rules and read by the log example, in a network namespace of
its own, and checks that every packet is accounted for, also in the capture that it writes. Ends by itself.

  npm run demo:log -- [--json] [--transport NAME]

  --json             as its last line print one JSON object: transport, logged, records, lost, written, seconds
  --transport NAME   how packets reach the program: ${TRANSPORT_NAMES.join(', ')}
  --help

Exit codes: 0 all checks passed, 1 a check or something else failed, 2 the command line is wrong, 3 this machine does not
allow it, or lacks something: what, is said. tshark, where it is installed, checks the capture as well.`

await runDemo({
  help: HELP,
  transports: TRANSPORT_NAMES,
  inside: fileURLToPath(new URL('inside.js', import.meta.url)),
})
