// An outside project: a folder that knows nothing of this workspace, and an environment that has Node and a package
// manager, no compiler, and blocks install scripts.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'

const require = createRequire(new URL('../node-versions/package.json', import.meta.url))

/** The Node binaries that the tests have, by major version; the oldest is the one that runs this. */
export const nodes = new Map([
  [process.versions.node.split('.')[0], process.execPath],
  ...['22', '24', '26'].map((major) => [
    major,
    join(dirname(require.resolve(`node${major}/package.json`)), 'bin', 'node'),
  ]),
])

const COMPILERS = ['cc', 'gcc', 'clang', 'c++', 'g++', 'make', 'python3']
const SHELL_TOOLS = ['sh', 'env', 'uname', 'dirname', 'basename', 'sed', 'cat']

/** A command failed; `output` is all that it wrote, `code` its exit code, if it was not a signal that ended it. */
export class CommandError extends Error {
  constructor(command, code, signal, output) {
    const outcome = signal ?? `exit code ${code}`
    super(`${command.join(' ')}: ${outcome}\n${output.trim().split('\n').slice(-25).join('\n')}`)
    this.code = code
    this.output = output
  }
}

/** The file of `npx` that comes with this Node's npm. */
export const npx = join(dirname(realpathSync(which('npm'))), 'npx-cli.js')

const projects = new Set()

/** Removes every project that is left. */
export function removeProjects() {
  for (const project of projects) project.remove()
}

/** A folder of its own for a project, with the given files, and the commands that are run in it. */
export class Project {
  constructor({ registry, node = process.execPath, files = {} }) {
    projects.add(this)
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), 'ringlink-packed-')))
    this.node = node
    this.registry = registry
    const bin = join(this.folder, '.bin')
    mkdirSync(bin)
    symlinkSync(node, join(bin, 'node'))
    for (const tool of SHELL_TOOLS) symlinkSync(which(tool), join(bin, tool))
    const compiler = COMPILERS.find((name) => existsSync(join(bin, name)))
    if (compiler !== undefined) throw new Error(`${compiler} is on the PATH of the project`)
    this.environment = {
      PATH: bin,
      HOME: join(this.folder, '.home'),
      npm_config_registry: registry,
      npm_config_cache: join(tmpdir(), 'ringlink-packed-cache'),
      npm_config_update_notifier: 'false',
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_ignore_scripts: 'true',
    }
    this.write({ 'package.json': { name: 'outside', version: '1.0.0', private: true, type: 'module' }, ...files })
  }

  write(files) {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, name)), { recursive: true })
      writeFileSync(join(this.folder, name), typeof content === 'string' ? content : JSON.stringify(content, null, 2))
    }
  }

  /** Runs a command in the project; what it wrote to standard output. */
  run(command, { environment = {}, timeout = 240_000 } = {}) {
    const env = { ...this.environment, ...environment }
    return new Promise((resolve, reject) => {
      const child = spawn(command[0], command.slice(1), { cwd: this.folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
      const timer = setTimeout(() => child.kill('SIGKILL'), timeout)
      let stdout = ''
      let output = ''
      child.stdout.on('data', (data) => {
        stdout += data
        output += data
      })
      child.stderr.on('data', (data) => {
        output += data
      })
      child.on('error', reject)
      child.on('close', (code, signal) => {
        clearTimeout(timer)
        if (code === 0) resolve(stdout)
        else reject(new CommandError(command, code, signal, output))
      })
    })
  }

  /** Runs a script of the project with its Node. */
  script(name, ...args) {
    return this.run([this.node, name, ...args])
  }

  /** Runs the command of an installed package. */
  bin(name, ...args) {
    return this.run([this.node, join('node_modules', ...name.split('/')), ...args])
  }

  /** Installs packages with a package manager (`npm`, `npm@10.9.9`, `pnpm@10.34.9`). */
  async install(manager, ...packages) {
    const [program, add] = await managerCommand(manager, this)
    await this.run([...program, add, ...packages])
  }

  remove() {
    projects.delete(this)
    rmSync(this.folder, { recursive: true, force: true })
  }
}

const managers = new Map()

/** The command of a package manager, fetched once into a folder of its own; `npm` is the one beside this Node. */
async function managerCommand(manager, { registry, node }) {
  const [name, version] = manager.split('@')
  const add = name === 'pnpm' ? 'add' : 'install'
  if (version === undefined) return [[node, realpathSync(which(name))], add]
  let file = managers.get(manager)
  if (file === undefined) {
    const folder = new Project({ registry })
    await folder.install('npm', manager)
    file = join(folder.folder, 'node_modules', name, 'bin', name === 'pnpm' ? 'pnpm.cjs' : 'npm-cli.js')
    managers.set(manager, file)
  }
  return [[node, file], add]
}

function which(command) {
  const folder = process.env.PATH.split(delimiter).find((folder) => existsSync(join(folder, command)))
  if (folder === undefined) throw new Error(`${command} is not on the PATH`)
  return join(folder, command)
}
