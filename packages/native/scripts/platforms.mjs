// Compiles the addon for every platform that has a package in platforms/, on one Debian machine, and checks each
// binary.
//
//   node scripts/platforms.mjs [--install] [NAME...]      NAME: linux-x64-gnu, ...; default all
//
// --install installs missing compilers with apt-get (as root).
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { checkBinary } from './check-binary.mjs'
import { compile, root, sourceFiles } from './compile.mjs'
import { muslSysroot, run } from './sysroots.mjs'

const machines = {
  x64: { debian: 'amd64', machine: 'x86_64', compiler: 'gcc', packages: ['gcc', 'libc6-dev', 'binutils'] },
  arm64: {
    debian: 'arm64',
    machine: 'aarch64',
    compiler: 'aarch64-linux-gnu-gcc',
    packages: ['gcc-aarch64-linux-gnu', 'libc6-dev-arm64-cross', 'qemu-user-static'],
  },
}

const { positionals, values } = parseArgs({ allowPositionals: true, options: { install: { type: 'boolean' } } })
const all = readdirSync(join(root, 'platforms')).sort()
const unknown = positionals.find((name) => !all.includes(name))
if (unknown !== undefined)
  throw new Error(`unknown platform ${JSON.stringify(unknown)}, expected one of ${all.join(', ')}`)
const names = positionals.length > 0 ? positionals : all

if (values.install) installCompilers()
for (const name of names) {
  const output = join(root, 'platforms', name, 'ringlink.node')
  if (!isCurrent(output)) build(name, output)
  console.log(`${name}: ${checkBinary(name, output, target(name))}`)
}

/** The compile settings for a platform such as `linux-x64-gnu`. */
function target(name) {
  const [, architecture, libc] = name.split('-')
  const machine = machines[architecture]
  return { ...machine, libc, sysroot: libc === 'musl' ? muslSysroot(machine.debian, machine.machine) : undefined }
}

function build(name, output) {
  const { compiler, machine, sysroot } = target(name)
  const flags = ['-Werror', '-s', '-Wl,--build-id=none', `-ffile-prefix-map=${root}=`]
  // GCC's out-of-line atomics read the CPU's features through a glibc symbol that musl does not have.
  if (machine === 'aarch64') flags.push('-mno-outline-atomics')
  const linking = ['-static-libgcc']
  if (sysroot !== undefined) {
    const own = run(compiler, ['-print-file-name=include']).trim()
    flags.push('-nostdinc', '-isystem', sysroot.include, '-isystem', own, '-idirafter', sysroot.kernel)
    linking.push('-nostdlib', `-L${sysroot.library}`, '-lc', '-lgcc')
  }
  if (!compile({ compiler: [compiler], output, flags, linking })) throw new Error(`${name}: ${compiler} failed`)
}

function isCurrent(output) {
  const built = statSync(output, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const scripts = ['compile.mjs', 'platforms.mjs'].map((name) => join(root, 'scripts', name))
  return [...sourceFiles(), ...scripts].every((path) => statSync(path).mtimeMs < built)
}

function installCompilers() {
  const architectures = new Set(names.map((name) => name.split('-')[1]))
  const missing = [...architectures]
    .map((architecture) => machines[architecture])
    .filter(({ compiler, machine }) => !existsSync(`/usr/bin/${compiler}`) || !hasKernelHeaders(machine))
    .flatMap(({ packages }) => packages)
  if (missing.length === 0) return
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  run('apt-get', ['update', '-qq'], { env })
  const lock = ['-o', 'DPkg::Lock::Timeout=300']
  run('apt-get', [...lock, 'install', '-y', '-qq', '--no-install-recommends', ...missing], { env })
}

function hasKernelHeaders(machine) {
  return existsSync(
    machine === 'aarch64' ? '/usr/aarch64-linux-gnu/include/linux/netlink.h' : '/usr/include/linux/netlink.h',
  )
}
