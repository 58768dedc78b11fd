import { Errno, NetlinkError } from '@ringlink/codec'
import { describe, expect, test } from 'vitest'
import type { Answers } from '../../src/doctor/ask.ts'
import type { Machine } from '../../src/doctor/machine.ts'
import { formatReport } from '../../src/doctor/report.ts'
import { diagnose, type Probes } from '../../src/doctor/run.ts'
import { plain } from '../../src/terminal/paint.ts'

const everything: Answers = {
  queue: 0,
  log: 524,
  conntrack: 0,
  nftables: 0,
  table: 0,
  glue: Errno.ENODEV,
  owner: 0,
  queueExpression: 0,
  logExpression: 0,
}
const root: Readonly<Record<string, string>> = {
  '/proc/self/status': 'CapEff:\t000001ffffffffff\nSeccomp:\t0\n',
  '/proc/self/uid_map': '0 0 4294967295\n',
  '/proc/self/limits':
    'Max locked memory         8388608    8388608    bytes\nMax open files            1024    4096    files\n',
  '/proc/self/net/netfilter/nfnetlink_queue': '',
  '/proc/self/net/netfilter/nfnetlink_log': '',
}

function probes(
  files: Readonly<Record<string, string>>,
  changes: Partial<Omit<Probes, 'machine'>> & { machine?: Partial<Machine> } = {},
): Probes {
  const machine: Machine = {
    platform: 'linux',
    release: '6.1.0',
    node: 'v20.19.0',
    userId: 0,
    environment: {},
    read: (path) => files[path],
    exists: (path) => path in files,
    list: (path) =>
      Object.keys(files).flatMap((name) =>
        name.startsWith(`${path}/`) ? [name.slice(path.length + 1).split('/')[0] ?? ''] : [],
      ),
    link: (path) => files[path],
    ...changes.machine,
  }
  return {
    loadAddon: () => {},
    ask: async () => everything,
    probeUring: async () => ({ works: true }),
    probeNetlinkRing: () => undefined,
    ...changes,
    machine,
  }
}

async function stateOf(id: string, given: Probes) {
  const { checks } = await diagnose(given)
  const found = checks.find((check) => check.id === id)
  return found && { state: found.state, found: found.found, advice: found.advice }
}

describe('ringlink doctor', () => {
  test('finds nothing missing where nothing is', async () => {
    const { checks, worksForQueues } = await diagnose(probes(root))
    expect(checks.filter(({ state }) => state === 'fail' || state === 'warn' || state === 'unknown')).toEqual([])
    expect(worksForQueues).toBe(true)
  })

  test.each([
    ['queue', Errno.EINVAL, 'queue.subsystem', 'fail', 'modprobe nfnetlink_queue', false],
    ['log', Errno.EINVAL, 'log.subsystem', 'fail', 'modprobe nfnetlink_log', true],
    ['conntrack', Errno.EINVAL, 'conntrack.subsystem', 'warn', 'modprobe nf_conntrack_netlink', true],
    ['nftables', Errno.EINVAL, 'rules.nftables', 'fail', '-j NFQUEUE', true],
    ['glue', Errno.EOPNOTSUPP, 'conntrack.glue', 'warn', 'CONFIG_NETFILTER_NETLINK_GLUE_CT', true],
    ['owner', Errno.EOPNOTSUPP, 'rules.owner', 'warn', 'ringlink rules --remove', true],
    ['queueExpression', Errno.ENOENT, 'rules.queue', 'warn', 'modprobe nft_queue', true],
    ['logExpression', Errno.ENOENT, 'rules.log', 'warn', 'modprobe nft_log', true],
    ['table', Errno.EOPNOTSUPP, 'rules.table', 'fail', 'CONFIG_NF_TABLES_INET', true],
    // A user namespace whose root does not own the network: it has the capability, and the kernel refuses.
    ['queue', Errno.EPERM, 'queue.subsystem', 'unknown', 'unshare -Urn', false],
  ] as const)('a kernel that answers %s with errno %i: %s is %s', async (question, errno, id, state, advice, works) => {
    const given = probes(root, { ask: async () => ({ ...everything, [question]: errno }) })
    expect(await stateOf(id, given)).toMatchObject({ state, advice: expect.stringContaining(advice) })
    expect((await diagnose(given)).worksForQueues).toBe(works)
  })

  test('judges nothing by a table that could not be made', async () => {
    const refusals = { table: Errno.EOPNOTSUPP, owner: Errno.EOPNOTSUPP, queueExpression: Errno.EOPNOTSUPP }
    const given = probes(root, { ask: async () => ({ ...everything, ...refusals }) })
    const found = 'cannot be tried: see tables for IPv4 and IPv6'
    expect(await stateOf('rules.owner', given)).toMatchObject({ state: 'unknown', found })
    expect(await stateOf('rules.queue', given)).toMatchObject({ state: 'unknown', found })
  })

  test('says which modules to load where there is no netlink of netfilter', async () => {
    const refusal = Object.assign(new NetlinkError('SYSTEM', 'open socket: EPROTONOSUPPORT'), {
      errno: Errno.EPROTONOSUPPORT,
    })
    const given = probes(root, { ask: () => Promise.reject(refusal) })
    expect(await stateOf('system.netlink', given)).toMatchObject({
      state: 'fail',
      advice: expect.stringContaining('modprobe nfnetlink_queue'),
    })
    expect((await diagnose(given)).worksForQueues).toBe(false)
  })

  test('says what a user without privileges can do', async () => {
    const files = { ...root, '/proc/self/status': 'CapEff:\t0000000000000000\nSeccomp:\t2\n' }
    const given = probes(files, { machine: { userId: 1000 } })
    expect(await stateOf('system.privileges', given)).toMatchObject({
      state: 'fail',
      advice: expect.stringContaining('unshare -Urn'),
    })
    expect(await stateOf('system.seccomp', given)).toMatchObject({ state: 'info' })
    expect((await diagnose(given)).worksForQueues).toBe(false)
  })

  test('says that user namespaces are forbidden, and by what', async () => {
    const files = { ...root, '/proc/sys/user/max_user_namespaces': '0\n' }
    const check = await stateOf('system.user-namespaces', probes(files, { machine: { userId: 1000 } }))
    expect(check).toMatchObject({ state: 'warn', found: 'user.max_user_namespaces is 0' })
  })

  test('works without the addon, and does not ask the kernel then', async () => {
    const given = probes(root, {
      loadAddon: () => {
        throw new Error('no addon for this platform')
      },
      ask: () => Promise.reject(new Error('asked without an addon')),
    })
    expect(await stateOf('system.addon', given)).toMatchObject({ state: 'fail', found: 'no addon for this platform' })
    expect(await stateOf('queue.subsystem', given)).toBeUndefined()
    expect((await diagnose(given)).worksForQueues).toBe(false)
  })

  test('takes io_uring for what it is: of advantage, and not needed', async () => {
    const refusal = { works: false, step: 'set up io_uring', errno: Errno.EPERM, reason: 'EPERM: forbidden' } as const
    const files = { ...root, '/proc/sys/kernel/io_uring_disabled': '2\n' }
    const given = probes(files, { probeUring: async () => refusal })
    const check = await stateOf('ring.io_uring', given)
    expect(check).toMatchObject({ state: 'warn', found: expect.stringContaining('kernel.io_uring_disabled is 2') })
    expect((await diagnose(given)).worksForQueues).toBe(true)
  })

  test('does not blame the kernel for what a seccomp filter may forbid', async () => {
    const refusal = { works: false, step: 'set up io_uring', errno: Errno.ENOSYS, reason: 'ENOSYS: none' } as const
    const files = { ...root, '/proc/self/status': 'CapEff:\t000001ffffffffff\nSeccomp:\t2\n' }
    const check = await stateOf('ring.io_uring', probes(files, { probeUring: async () => refusal }))
    expect(check).toMatchObject({ state: 'warn', found: expect.stringContaining('seccomp filter') })
  })

  test('reports on another system that nothing is available', async () => {
    const { worksForQueues, checks } = await diagnose(probes({}, { machine: { platform: 'darwin', userId: 501 } }))
    expect(worksForQueues).toBe(false)
    expect(checks[0]).toMatchObject({ state: 'fail', advice: expect.stringContaining('--transport sim') })
  })

  test('names owners and losses, and nothing of theirs can steer a terminal', async () => {
    const files = {
      ...root,
      '/proc/self/net/netfilter/nfnetlink_queue': '    7   4711     2 2 65531     5     3       99  1\n',
      '/proc/self/net/netfilter/nfnetlink_log': '    5   4711     9 2 65531    100  1\n',
      '/proc/self/net/netlink':
        'sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode\n0 12 4711 00000000 0 0 0 2 8 1234\n',
      '/proc/88/fd/6': 'socket:[1234]',
      '/proc/88/comm': 'evil\u001b[2J\n',
    }
    const report = await diagnose(probes(files))
    expect(report.queues).toEqual([
      { queue: 7, portId: 4711, process: 'evil\u001b[2J (88)', waiting: 2, queueDropped: 5, userDropped: 3 },
    ])
    const text = formatReport(report, plain).join('\n')
    expect(text).toContain('evil\\u{1b}[2J (88)')
    expect(text).toContain('8; 8 messages by netfilter sockets')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it must not be there
    expect(text).not.toMatch(/\x1b/)
  })
})
