// Debian's packages with the headers and the C library of another architecture or of musl, unpacked below
// build/sysroots: the package state of the machine is unchanged, and no foreign architecture is added.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './compile.mjs'

const folder = join(root, 'build', 'sysroots')

/** Kernel headers of an installed C library, which musl's own packages do not carry. */
const kernelHeaders = {
  amd64: {
    linux: '/usr/include/linux',
    'asm-generic': '/usr/include/asm-generic',
    asm: '/usr/include/x86_64-linux-gnu/asm',
  },
  arm64: Object.fromEntries(
    ['linux', 'asm-generic', 'asm'].map((name) => [name, `/usr/aarch64-linux-gnu/include/${name}`]),
  ),
}

/**
 * Headers and libc.so of musl for a Debian architecture (`amd64`, `arm64`), fetched once.
 *
 * @returns {{ include: string, kernel: string, library: string, loader: string }} folders for `-isystem`, `-idirafter`
 *   and `-L`, and the dynamic loader
 */
export function muslSysroot(architecture, machine) {
  const sysroot = join(folder, `musl-${architecture}`)
  if (!existsSync(sysroot)) fetchMusl(architecture, sysroot)
  const triplet = `${machine}-linux-musl`
  return {
    include: join(sysroot, 'usr', 'include', triplet),
    kernel: join(sysroot, 'kernel'),
    library: join(sysroot, 'lib', triplet),
    loader: join(sysroot, 'lib', `ld-musl-${machine}.so.1`),
  }
}

function fetchMusl(architecture, sysroot) {
  const work = `${sysroot}.${process.pid}`
  const downloads = join(work, 'downloads')
  mkdirSync(downloads, { recursive: true })
  aptGet(downloads, 'download', `musl:${architecture}`, `musl-dev:${architecture}`)
  for (const name of readdirSync(downloads)) run('dpkg-deb', ['--extract', join(downloads, name), work])
  rmSync(downloads, { recursive: true })
  mkdirSync(join(work, 'kernel'))
  for (const [name, target] of Object.entries(kernelHeaders[architecture])) {
    if (!existsSync(target)) throw new Error(`${target} is missing: install the packages that this script names first`)
    symlinkSync(target, join(work, 'kernel', name))
  }
  renameSync(work, sysroot)
}

/** Runs apt-get on package lists of our own, which cover both architectures. */
function aptGet(cwd, ...args) {
  const state = join(folder, 'apt')
  const configuration = join(state, 'apt.conf')
  const env = { ...process.env, APT_CONFIG: configuration }
  if (!existsSync(configuration)) {
    mkdirSync(join(state, 'lists', 'partial'), { recursive: true })
    mkdirSync(join(state, 'cache', 'archives', 'partial'), { recursive: true })
    writeFileSync(
      configuration,
      [
        'APT::Architectures { "amd64"; "arm64"; };',
        'APT::Sandbox::User "root";',
        'Acquire::Languages "none";',
        `Dir::State::Lists "${join(state, 'lists')}";`,
        `Dir::Cache "${join(state, 'cache')}";`,
      ].join('\n'),
    )
    run('apt-get', ['update', '-qq'], { env })
  }
  run('apt-get', ['-qq', ...args], { cwd, env })
}

/** Runs a command and returns its standard output. */
export function run(command, args, options = {}) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options })
  if (status === 0) return stdout
  throw new Error(`${command} ${args.join(' ')} failed: ${error?.message ?? `exit code ${status}`}\n${stdout}${stderr}`)
}
