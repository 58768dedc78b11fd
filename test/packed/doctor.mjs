// `npx ringlink doctor` as users run it from the packages, on machines that lack something: what it says is missing,
// and its exit code.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../scripts/workspace.mjs'
import { unshare } from './namespace.mjs'
import { CommandError, npx, Project } from './project.mjs'

const isRoot = process.getuid?.() === 0
const NOBODY = isRoot ? ['/usr/bin/setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : []
const UML = '/usr/bin/linux.uml'
const PODMAN = '/usr/bin/podman'
const RUNC = '/usr/sbin/runc'
/**
 * What an engine leaves the root of a container with `--cap-add NET_ADMIN`, io_uring forbidden by its seccomp profile.
 */
const CONTAINER = isRoot
  ? ['/usr/bin/setpriv', '--bounding-set=-all,+net_admin', '--inh-caps=-all', '--no-new-privs']
  : []

export const doctorChecks = [
  { group: 'npx ringlink doctor', name: 'root', quick: true, run: asRoot },
  { group: 'npx ringlink doctor', name: 'a user without privileges', quick: true, run: withoutPrivileges },
  { group: 'npx ringlink doctor', name: 'a container without io_uring', quick: true, run: withoutUring },
  { group: 'npx ringlink doctor', name: 'a container of Podman', quick: false, run: inPodman },
  { group: 'npx ringlink doctor', name: 'Linux 6.1 without the module', quick: true, run: withoutModule },
  { group: 'npx ringlink doctor', name: 'only the library is installed', quick: false, run: withoutTheCommand },
]

let shared

/** Runs `use` in a project that has the command; one for all checks, which the run removes at its end. */
async function installed(context, use) {
  shared ??= makeProject(context)
  return use(await shared)
}

async function makeProject({ registry }) {
  const project = new Project({ registry })
  await project.install('npm', 'ringlink', '@ringlink/cli')
  // Other users run it too, and npx wants to write to its cache.
  chmodSync(project.folder, 0o755)
  mkdirSync(join(project.folder, '.cache'))
  chmodSync(join(project.folder, '.cache'), 0o777)
  return project
}

/** Runs the doctor; its exit code, and its checks by name. */
async function doctor(project, prefix) {
  const command = [...prefix, project.node, npx, 'ringlink', 'doctor', '--json']
  const environment = { npm_config_cache: join(project.folder, '.cache') }
  try {
    return { code: 0, checks: readChecks(await project.run(command, { environment })) }
  } catch (error) {
    if (!(error instanceof CommandError && error.code === 1)) throw error
    return { code: 1, checks: readChecks(error.output) }
  }
}

function readChecks(text) {
  const events = text
    .split(/\r?\n/)
    .filter((line) => line.startsWith('{"event":'))
    .map((line) => JSON.parse(line))
  if (events.at(-1)?.event !== 'summary') throw new Error(`the doctor did not come to its end:\n${text}`)
  return Object.fromEntries(events.filter(({ event }) => event === 'check').map((check) => [check.id, check]))
}

/**
 * Throws unless the doctor ended with this code and found these states; `advice` has to be in the text of one of them.
 */
function expectDiagnosis({ code, checks }, expected) {
  const wrong = Object.entries(expected.states).filter(([id, state]) => checks[id]?.state !== state)
  if (code !== expected.code || wrong.length > 0) {
    const found = wrong.map(([id, state]) => `${id} must be ${state}, is ${JSON.stringify(checks[id])}`)
    throw new Error(`expected exit code ${expected.code}, got ${code}; ${found.join('; ')}`)
  }
  for (const [id, text] of Object.entries(expected.texts ?? {})) {
    const said = `${checks[id].found}; ${checks[id].advice ?? ''}`
    if (!said.includes(text)) throw new Error(`${id} must say ${text}, says ${said}`)
  }
}

function asRoot(context) {
  return installed(context, async (project) => {
    const states = { 'system.privileges': 'ok', 'system.addon': 'ok', 'queue.subsystem': 'ok', 'rules.nftables': 'ok' }
    expectDiagnosis(await doctor(project, unshare), { code: 0, states })
    return 'exit code 0: queues work'
  })
}

function withoutPrivileges(context) {
  return installed(context, async (project) => {
    expectDiagnosis(await doctor(project, NOBODY), {
      code: 1,
      states: { 'system.privileges': 'fail', 'system.addon': 'ok', 'queue.subsystem': 'unknown' },
      texts: { 'system.privileges': 'unshare -Urn', 'queue.subsystem': 'CAP_NET_ADMIN' },
    })
    return 'exit code 1: CAP_NET_ADMIN is missing, and how to get it'
  })
}

function withoutUring(context) {
  return installed(context, async (project) => {
    const filter = join(project.folder, 'without-io-uring')
    run('cc', join(root, 'test', 'privileges', 'without-io-uring.c'), '-o', filter)
    expectDiagnosis(await doctor(project, [...unshare, ...CONTAINER, filter]), {
      code: 0,
      states: { 'ring.io_uring': 'warn', 'system.seccomp': 'info', 'queue.subsystem': 'ok' },
      texts: { 'ring.io_uring': 'EPERM', 'system.seccomp': 'seccomp' },
    })
    return 'exit code 0: io_uring is forbidden (EPERM), a plain socket is used'
  })
}

/** A real engine, its own seccomp profile, this machine's files: with NET_ADMIN, and without. */
function inPodman(context) {
  const missing = [PODMAN, RUNC].filter((path) => !existsSync(path))
  if (missing.length > 0) return `not tried here: ${missing.join(' and ')} is missing (apt-get install podman runc)`
  return installed(context, async (project) => {
    const limits = ['nofile=1024:1024', 'nproc=1024:1024'].flatMap((limit) => ['--ulimit', limit])
    const start = [PODMAN, '--runtime', RUNC, '--cgroup-manager=cgroupfs', 'run', '--rm', '--network=none', ...limits]
    const environment = Object.entries({ HOME: '/tmp', npm_config_cache: '/tmp/cache' }).flatMap((it) => [
      '--env',
      it.join('='),
    ])
    const place = ['--workdir', project.folder, ...environment]
    const image = ['--rootfs', '/:O']
    const states = { 'ring.io_uring': 'warn', 'system.container': 'info', 'system.seccomp': 'info' }
    expectDiagnosis(await doctor(project, [...start, ...place, '--cap-add=NET_ADMIN', ...image]), {
      code: 0,
      states: { ...states, 'queue.subsystem': 'ok' },
      texts: { 'ring.io_uring': 'seccomp filter', 'system.container': 'Podman' },
    })
    expectDiagnosis(await doctor(project, [...start, ...place, ...image]), {
      code: 1,
      states: { ...states, 'system.privileges': 'fail', 'queue.subsystem': 'unknown' },
      texts: { 'system.privileges': '--cap-add NET_ADMIN' },
    })
    return 'exit code 0 with --cap-add NET_ADMIN, 1 without; io_uring is forbidden (ENOSYS)'
  })
}

/** npx fetches `ringlink`, whose command fetches @ringlink/cli. */
async function withoutTheCommand({ registry }) {
  const project = new Project({ registry })
  try {
    await project.install('npm', 'ringlink')
    // In this network, in which the registry is: the doctor changes nothing.
    await doctor(project, [])
    return 'npm fetches @ringlink/cli'
  } finally {
    project.remove()
  }
}

/**
 * A real kernel whose netfilter consists of modules: Debian's user-mode Linux, a program, with this machine's files.
 * First none is loaded, then all but the queue's, then all.
 */
function withoutModule(context) {
  if (!hasUserModeLinux()) return 'not tried here: user-mode-linux, which Debian has for x64, is not installed'
  return installed(context, async (project) => {
    const script = join(project.folder, 'init.sh')
    project.write({ 'init.sh': userModeInit(project) })
    chmodSync(script, 0o755)
    const kernel = ['mem=512M', 'root=/dev/root', 'rootfstype=hostfs', 'rootflags=/', 'ro', `init=${script}`]
    const text = await project.run([UML, ...kernel, 'con=null', 'con0=null,fd:1', 'quiet'], {
      // It keeps a folder .uml there.
      environment: { HOME: project.folder },
    })
    const [, none, noQueue, all] = text.split(/^== .*$/m)
    const missing = {
      code: 1,
      states: { 'system.netlink': 'fail' },
      texts: { 'system.netlink': 'modprobe nfnetlink_queue' },
    }
    expectDiagnosis(readOutcome(none), missing)
    expectDiagnosis(readOutcome(noQueue), {
      code: 1,
      states: {
        'queue.subsystem': 'fail',
        'log.subsystem': 'ok',
        'rules.nftables': 'ok',
        'conntrack.subsystem': 'warn',
      },
      texts: { 'queue.subsystem': 'modprobe nfnetlink_queue', 'conntrack.subsystem': 'modprobe nf_conntrack_netlink' },
    })
    expectDiagnosis(readOutcome(all), { code: 0, states: { 'queue.subsystem': 'ok', 'log.subsystem': 'ok' } })
    return 'exit code 1: nfnetlink_queue is to be loaded; after that, 0'
  })
}

function readOutcome(text) {
  return { code: Number(/^exit (\d+)/m.exec(text)?.[1]), checks: readChecks(text) }
}

/** The first process of the guest. Its files are the host's, read only; it ends by switching the machine off. */
function userModeInit(project) {
  const { stdout } = spawnSync(UML, ['--version'], { encoding: 'utf8' })
  const modules = `/usr/lib/uml/modules/${stdout.trim()}/kernel/net/netfilter`
  const load = (...names) => names.map((name) => `insmod ${modules}/${name}.ko`).join('\n')
  // What npx starts; npm itself would take most of the time here.
  const ask = (title) =>
    `echo "== ${title}"; ${project.node} node_modules/.bin/ringlink doctor --json 2>&1; echo "exit $?"`
  return `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
cd ${project.folder}
${ask('no module')}
${load('nfnetlink', 'nf_tables', 'nfnetlink_log')}
${ask('all but nfnetlink_queue')}
${load('nfnetlink_queue')}
${ask('all')}
echo o > /proc/sysrq-trigger
sleep 60
`
}

/** Installs it where that is possible. */
function hasUserModeLinux() {
  if (existsSync(UML)) return true
  if (process.arch !== 'x64' || process.getuid?.() !== 0) return false
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  spawnSync('apt-get', ['update', '-qq'])
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'user-mode-linux'], { env: environment })
  return existsSync(UML)
}

function run(...command) {
  const { status, stderr } = spawnSync(command[0], command.slice(1), { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command.join(' ')} failed: ${stderr}`)
}
