// The checks on each kernel. Limits are seconds on this machine without emulation; inside they are as much longer as
// Node.js takes longer to start there. `program`: a file of test/kernels that the command runs, as one file in RESULTS.
// `files`: those of the tests that the command runs, bundled.
import { testCommand, testFiles } from './test-files.mjs'

const demo = (name, transport) => ({
  name: `demo ${name}, ${transport}`,
  limit: 40,
  command: `RINGLINK_DEMO_SECONDS=$(scaled 30) node examples/${name}/dist/demo/main.js --transport ${transport}`,
})

export function tests(name, ...paths) {
  const files = testFiles(paths)
  return { name, limit: 300, memory: 3072, files, command: testCommand(files) }
}

const program = (name, { program: file, settings = '', limit }) => ({
  name,
  limit,
  program: file,
  command: `${settings} node $RESULTS/${file}.mjs`.trim(),
})

const traffic = program('traffic, all transports', { program: 'traffic', limit: 30 })
const forbidden = program('modules or io_uring missing', { program: 'forbidden', limit: 30 })
const devices = program('bridges and VLANs', { program: 'devices', limit: 30 })
const monitor = program('what nlmon captures', { program: 'monitor', limit: 60 })
const expressions = program('queue, log and owners', { program: 'expressions', limit: 60 })
const sctp = program('SCTP through a queue', { program: 'sctp', limit: 60 })
const tunnels = program('checksums in tunnels', { program: 'tunnels', limit: 30 })
const wakeUps = (rounds) =>
  program(`wake-ups, ${rounds} rounds`, { program: 'wake-ups', settings: `ROUNDS=${rounds}`, limit: 30 })

/** Two minutes for two kernels. */
export const quickChecks = [traffic, forbidden, wakeUps(50), demo('queue', 'mmap')]

/** An hour and more for each kernel. */
export const allChecks = [
  demo('queue', 'socket'),
  demo('queue', 'mmap'),
  demo('log', 'socket'),
  demo('log', 'mmap'),
  wakeUps(200),
  traffic,
  forbidden,
  devices,
  monitor,
  expressions,
  sctp,
  tunnels,
  { name: 'netlink rings', limit: 30, command: 'node packages/transport-mmap/scripts/check-kernel.mjs' },
  tests('tests: sockets', 'packages/transport-socket'),
  tests('tests: rings', 'packages/transport-mmap'),
  tests('tests: queues', 'packages/client/test/queue', 'packages/client/test/replies'),
  tests('tests: logs', 'packages/client/test/log', 'packages/client/test/readme'),
  tests('tests: rules', 'packages/client/test/rules'),
  tests('tests: connections', 'packages/client/test/conntrack'),
  tests('tests: families', 'packages/client/test/families'),
  tests('tests: ringlink', 'packages/ringlink'),
  tests('tests: counters', 'test/counters'),
  tests('differential: queue and log', 'test/differential/queue', 'test/differential/log'),
  tests('differential: rules', 'test/differential/nftables'),
  tests('differential: connections', 'test/differential/conntrack'),
]
