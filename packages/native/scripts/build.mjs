// Compiles the addon into build/Release/ringlink.node with nothing but a C compiler. Also the `install` script of the
// package: there it is content with a prebuilt binary, and leaves a missing compiler for loadNative() to report.
//
//   node scripts/build.mjs [--force]       CC, CFLAGS and LDFLAGS are respected
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const source = join(root, 'src')
const binary = join(root, 'build', 'Release', 'ringlink.node')
const require = createRequire(import.meta.url)
const installing = process.env.npm_lifecycle_event === 'install'

const advice = `ringlink needs a C compiler and the C library's headers to build its addon. Install them:
  Debian, Ubuntu   apt-get install gcc libc6-dev
  Fedora, RHEL     dnf install gcc glibc-devel
  Alpine           apk add gcc musl-dev
then run: node ${fileURLToPath(import.meta.url)}`

/** The binary of this platform that came with the package, if it loads here. */
function prebuiltLoads() {
  process.env.PREBUILDS_ONLY = '1'
  try {
    require('node-gyp-build')(root)
    return true
  } catch {
    return false
  }
}

function isCurrent(inputs) {
  const built = statSync(binary, { throwIfNoEntry: false })?.mtimeMs ?? 0
  return inputs.every((path) => statSync(path).mtimeMs < built)
}

/** Command and leading arguments of the first compiler that runs; `CC="ccache gcc"` is one. */
function findCompiler() {
  const candidates = [process.env.CC ?? '', 'cc', 'gcc', 'clang'].map((text) => text.split(/\s+/).filter(Boolean))
  return candidates.find(([command, ...rest]) => command && spawnSync(command, [...rest, '--version']).status === 0)
}

function fail(message) {
  console.error(message)
  process.exit(installing ? 0 : 1)
}

function build() {
  const inputs = readdirSync(source)
    .filter((name) => /\.[ch]$/.test(name))
    .map((name) => join(source, name))
  if (!process.argv.includes('--force') && isCurrent([...inputs, fileURLToPath(import.meta.url)])) return

  const compiler = findCompiler()
  if (compiler === undefined) fail(`No C compiler was found.\n${advice}`)
  const words = (name) => (process.env[name] ?? '').split(/\s+/).filter(Boolean)
  const [command, ...leading] = compiler
  mkdirSync(join(root, 'build', 'Release'), { recursive: true })
  // Into place by rename: whoever has the old binary mapped keeps it whole.
  const fresh = `${binary}.${process.pid}`
  const flags = [
    ...['-std=c11', '-D_GNU_SOURCE', '-DNAPI_VERSION=8', '-O2', '-fPIC', '-shared', '-fvisibility=hidden'],
    ...['-Wall', '-Wextra'],
    // A newer compiler's new warning must not stop somebody's installation.
    ...(root.includes(`${sep}node_modules${sep}`) ? [] : ['-Werror']),
    ...['-isystem', require('node-api-headers').include_dir],
    ...words('CFLAGS'),
  ]
  // A runtime without libuv is refused when it loads the addon, not when it first calls into the void.
  const linking = ['-Wl,-z,now', ...words('LDFLAGS')]
  const sources = inputs.filter((path) => path.endsWith('.c'))
  const { status } = spawnSync(command, [...leading, ...flags, ...sources, '-o', fresh, ...linking], {
    stdio: 'inherit',
  })
  if (status !== 0) {
    rmSync(fresh, { force: true })
    fail(`${compiler.join(' ')} could not compile the addon; what it missed stands above.\n${advice}`)
  }
  renameSync(fresh, binary)
}

if (process.platform !== 'linux') console.log('ringlink: netlink exists on Linux only; the addon is not built here.')
else if (!installing || !prebuiltLoads()) build()
