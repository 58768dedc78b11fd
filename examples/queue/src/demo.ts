// `npm run demo`: real traffic through the real kernel's queue and examples/queue, checked from end to end. This part
// makes a network namespace, so that nothing of the machine is touched; demo-inside.ts does the rest in there.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { IPTABLES_MISSING } from './demo-firewall.ts'

const HELP = `Sends real UDP and TCP traffic through the kernel's packet queue and the queue example, in a network namespace of its own,
and checks that every packet is accounted for. Ends by itself.

  npm run demo -- [--json] [--transport NAME]

  --json             as its last line print one JSON object: transport, sent, queued, accepted, dropped, delivered,
                     lost, seconds
  --transport NAME   how packets reach the program: socket
  --help

Exit codes: 0 all checks passed, 1 a check or something else failed, 2 the command line is wrong, 3 this machine does not
allow it, or lacks something: what, is said.`

const TRANSPORTS = ['socket']
/** milliseconds; what is inside ends itself before */
const TIME_LIMIT = 14_000

class UsageError extends Error {}

function parseOptions(words: string[]) {
  try {
    const { values } = parseArgs({
      args: words,
      options: {
        json: { type: 'boolean' },
        transport: { type: 'string', default: 'socket' },
        help: { type: 'boolean' },
      },
    })
    if (!TRANSPORTS.includes(values.transport)) {
      throw new UsageError(`--transport ${values.transport}: there is ${TRANSPORTS.join(', ')}`)
    }
    return values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** What everything runs with: iptables is often where an ordinary user does not look, and its lock must be writable. */
function environment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`,
    XTABLES_LOCKFILE: `/tmp/ringlink-demo-xtables-${process.getuid?.()}.lock`,
  }
}

/** The words for `unshare` that work here; a text says why none does. */
function findNamespaceFlags(): string[] | string {
  if (process.platform !== 'linux') return `${process.platform} is not Linux`
  const isRoot = process.getuid?.() === 0
  const ways = isRoot ? [['-n'], ['-Urn']] : [['-Urn']]
  let problem = ''
  for (const flags of ways) {
    const { error, status, stderr } = spawnSync('unshare', [...flags, 'true'], { encoding: 'utf8', timeout: 4000 })
    if (status === 0) return flags
    problem = error?.message ?? stderr.trim()
  }
  return `this machine allows no network namespace of one's own, neither as root nor by user namespaces: ${problem}`
}

async function runInside(flags: readonly string[], words: readonly string[]): Promise<number> {
  const program = fileURLToPath(new URL('./demo-inside.js', import.meta.url))
  // unshare replaces itself by node, so the child is the program.
  const child = spawn('unshare', [...flags, process.execPath, program, ...words], {
    stdio: 'inherit',
    env: environment(),
    timeout: TIME_LIMIT,
    killSignal: 'SIGKILL',
  })
  // A terminal sends Ctrl-C to the child as well; it ends, and so do we.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  const [code, signal] = await once(child, 'close')
  if (signal !== null) process.stderr.write(`demo: ended by ${signal}\n`)
  return code ?? 1
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2))
  if (options.help === true) {
    process.stdout.write(`${HELP}\n`)
    return 0
  }
  const flags = findNamespaceFlags()
  const iptables = spawnSync('iptables', ['--version'], { env: environment(), timeout: 4000 })
  const problem = typeof flags === 'string' ? flags : iptables.error === undefined ? undefined : IPTABLES_MISSING
  if (typeof flags === 'string' || problem !== undefined) {
    process.stderr.write(`demo: ${problem}\n`)
    return 3
  }
  return runInside(flags, [options.transport, options.json === true ? 'json' : 'table'])
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
