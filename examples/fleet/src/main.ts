// `npm run demo:fleet`: three hosts, a NATS server that is killed in the middle, two consumers, and a proof to the
// record.
import { fileURLToPath } from 'node:url'
import { runDemo } from '@ringlink/example-shared/demo-outside'

const SIZES = ['whole', 'quick', 'million']

const HELP = `Three hosts, each in a network namespace of its own, log real UDP traffic and publish it to a stream of a real NATS server. Two
programs share the work of reading it. The server is killed and started again in the middle, and one host has too little memory for
that. In the end every record must be accounted for: logged = stored + dropped, stored = consumed, and nothing twice.

  npm run demo:fleet -- [--json] [--size SIZE]

  --json             as its last line print one JSON object: hosts, records, stored, dropped, consumed, again, seconds
  --size SIZE        how much traffic: whole (default, 120,000 packets), quick (12,000), million (a million, the server killed twice)
  --help

It needs nats-server (Debian: apt-get install nats-server; npm run demo:fleet installs it where it may).
Exit codes: 0 all checks passed, 1 a check or something else failed, 2 the command line is wrong, 3 this machine does not
allow it, or lacks something: what, is said.`

await runDemo({
  help: HELP,
  transports: SIZES,
  option: ['size', 'whole'],
  inside: fileURLToPath(new URL('inside.js', import.meta.url)),
})
