// The start of `npm run demo…`: makes a network namespace, so that the machine is not affected, and runs the
// demo itself in there.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { deadline, setDeadline } from './patience.ts'

/** The part of the deadline after which the inner program ends itself: it starts later, and reports why it ends. */
const GRACE = 1.25

export interface DemoProgram {
  readonly help: string
  /** the names that the option takes */
  readonly transports: readonly string[]
  /** name of the option, and the value that it has by default; default `transport` and `socket` */
  readonly option?: readonly [name: string, initial: string] | undefined
  /** the program that runs inside; its arguments are the option's value, and `json` or `table` */
  readonly inside: string
  /** the program that does the same on a simulated kernel, for `--transport sim` and where no namespace can be made */
  readonly simulated?: string | undefined
}

/** Runs the demo and sets the exit code, which is that of the program inside. */
export async function runDemo(demo: DemoProgram): Promise<void> {
  try {
    process.exitCode = await run(demo)
  } catch (error) {
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = error instanceof UsageError ? 2 : 1
  }
}

async function run({
  help,
  transports,
  inside,
  simulated,
  option = ['transport', 'socket'],
}: DemoProgram): Promise<number> {
  const options = parseOptions(process.argv.slice(2), transports, option)
  if (options.help) {
    process.stdout.write(`${help}\n`)
    return 0
  }
  setDeadline()
  const format = options.json ? 'json' : 'table'
  if (simulated !== undefined && options.transport === 'sim')
    return runProgram(process.execPath, [simulated, 'sim', format])
  const flags = findNamespaceFlags()
  if (typeof flags === 'string' && simulated !== undefined) {
    process.stderr.write(
      `demo: ${flags}\ndemo: so it runs on the simulated kernel, and shows nothing of the real one\n`,
    )
    return runProgram(process.execPath, [simulated, 'sim', format])
  }
  if (typeof flags === 'string') {
    process.stderr.write(`demo: ${flags}\n`)
    return 3
  }
  // unshare replaces itself by node, so the child is the program.
  return runProgram('unshare', [...flags, process.execPath, inside, options.transport, format])
}

function parseOptions(args: string[], transports: readonly string[], [name, initial]: readonly [string, string]) {
  try {
    const { values } = parseArgs({
      args: args,
      options: {
        json: { type: 'boolean' },
        [name]: { type: 'string', default: initial },
        help: { type: 'boolean' },
      },
    })
    const transport = String(values[name])
    if (transports.includes(transport)) return { transport, json: values.json === true, help: values.help === true }
    throw new Error(`--${name} must be one of ${transports.join(', ')}, got '${transport}'`)
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** A command line that is wrong: exit code 2. */
class UsageError extends Error {}

/** The arguments for `unshare` that work here; a text says why none does. */
function findNamespaceFlags(): string[] | string {
  if (process.platform !== 'linux') return `${process.platform} is not Linux`
  const isRoot = process.getuid?.() === 0
  const ways = isRoot ? [['-n'], ['-Urn']] : [['-Urn']]
  let problem = ''
  for (const flags of ways) {
    const { error, status, stderr } = spawnSync('unshare', [...flags, 'true'], {
      encoding: 'utf8',
      timeout: deadline() * 1000,
    })
    if (status === 0) return flags
    problem = error?.message ?? stderr.trim()
  }
  return `this machine allows no new network namespace, neither as root nor in a user namespace: ${problem}`
}

async function runProgram(command: string, args: readonly string[]): Promise<number> {
  const child = spawn(command, args, {
    stdio: 'inherit',
    timeout: deadline() * GRACE * 1000,
    killSignal: 'SIGKILL',
  })
  // A terminal sends Ctrl-C to the child as well; it ends, and so do we.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  const [code, signal] = await once(child, 'close')
  if (signal !== null) process.stderr.write(`demo: ended by ${signal}\n`)
  return code ?? 1
}
