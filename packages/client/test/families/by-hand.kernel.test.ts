/** The families that are described by hand, on the real kernel: sockets beside `ss`, IPsec beside `ip`, and netfilter's named things. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FamilyDescription, NewFlag } from '@ringlink/codec'
import { cthelper } from '@ringlink/families/cthelper'
import { cttimeout } from '@ringlink/families/cttimeout'
import { netfilterHook } from '@ringlink/families/hook'
import { InetExtension, inetDiag } from '@ringlink/families/inet-diag'
import { IPSET_VERSION, IpsetError, ipset } from '@ringlink/families/ipset'
import { ALL_NETLINK_PROTOCOLS, NetlinkShow, netlinkDiag } from '@ringlink/families/netlink-diag'
import { nfacct } from '@ringlink/families/nfacct'
import { ALL_SOCKET_STATES, SocketFamily, SocketState } from '@ringlink/families/sock-diag'
import { UnixShow, unixDiag } from '@ringlink/families/unix-diag'
import { xfrm } from '@ringlink/families/xfrm'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OpenedFamilies } from './opened-families.ts'

const toolsMissing = spawnSync('ss', ['--version']).error === undefined ? undefined : 'ss is not installed'
const TCP = 6
const UDP = 17
const CREATE = NewFlag.Create | NewFlag.Exclusive

const stateWords: Readonly<Record<number, string>> = {
  [SocketState.Established]: 'ESTAB',
  [SocketState.TimeWait]: 'TIME-WAIT',
  [SocketState.Closed]: 'UNCONN',
  [SocketState.Listen]: 'LISTEN',
}

describe.skipIf(kernelUnavailable)(kernelTests('families by hand on the real kernel'), () => {
  let namespace: Namespace
  const opened = new OpenedFamilies()

  const open = <Description extends FamilyDescription>(family: Description) => opened.open(family, namespace.path)
  /** A family, or the error that names what brings it. */
  async function openOrExplain<Description extends FamilyDescription>(family: Description) {
    try {
      return await open(family)
    } catch (error) {
      expect(error).toMatchObject({ code: 'FAMILY_UNSUPPORTED' })
      expect((error as Error).message).toContain(`load it with "modprobe ${family.module}"`)
      return undefined
    }
  }

  beforeAll(async () => {
    namespace = await Namespace.open()
    await namespace.serve(4040)
    await namespace.listen(4041)
    await namespace.connect({ port: 4040, bytes: 10 })
  })
  afterAll(async () => {
    await opened.close()
    await namespace?.close()
  })

  /** The sockets of `ss`: state, queues, local and peer address, and the rest of the line. */
  async function shownSockets(...words: string[]) {
    const text = await namespace.run('ss', '-H', '-n', '-a', '-e', ...words)
    return text.split('\n').flatMap((line) => {
      const [state, receive, send, local = '', peer = '', ...rest] = line.trim().split(/\s+/)
      if (state === undefined || state === '') return []
      const [, inode] = /ino:(\d+)/.exec(rest.join(' ')) ?? []
      return [{ state, receive: Number(receive), send: Number(send), local, peer, inode: Number(inode ?? 0) }]
    })
  }
  const byAddress = <Row extends { local: string; peer: string }>(rows: Row[]) =>
    rows.sort((one, other) => (one.local + one.peer < other.local + other.peer ? -1 : 1))

  describe.skipIf(toolsMissing)(`beside ss${toolsMissing === undefined ? '' : ` (skipped: ${toolsMissing})`}`, () => {
    test.each([
      ['TCP', TCP, '-t'],
      ['UDP', UDP, '-u'],
    ])('sockets of %s', async (_, protocol, option) => {
      const sockets = await open(inetDiag)
      const request = { family: SocketFamily.Ipv4, protocol, states: ALL_SOCKET_STATES }
      const ours = (await sockets.dump('get', { header: request })).map(({ header }) => {
        const address = (bytes: Uint8Array, port: number) =>
          `${bytes.subarray(0, 4).join('.')}:${port === 0 ? '*' : port}`
        return {
          state: stateWords[header.state] ?? String(header.state),
          receive: header.receiveQueue,
          send: header.sendQueue,
          local: address(header.id.source, header.id.sourcePort),
          peer: address(header.id.destination, header.id.destinationPort),
          inode: header.inode,
        }
      })
      expect(ours.length).toBeGreaterThan(0)
      expect(byAddress(ours)).toEqual(byAddress(await shownSockets('-4', option)))
    })

    test('netlink sockets', async () => {
      const sockets = await open(netlinkDiag)
      const header = { family: SocketFamily.Netlink, protocol: ALL_NETLINK_PROTOCOLS, show: NetlinkShow.Memory }
      const ours = (await sockets.dump('get', { header })).map(({ header: socket }) => socket.inode)
      const table = await namespace.run('cat', '/proc/net/netlink')
      const lines = table.trim().split('\n').slice(1)
      const theirs = lines.map((line) => Number(line.trim().split(/\s+/).at(-1)))
      // The kernel's own have no inode in the table.
      expect(ours.filter((inode) => inode > 0).sort()).toEqual(theirs.filter((inode) => inode > 0).sort())
    })

    test('sockets of the family AF_UNIX', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'ringlink-'))
      const path = join(folder, 'socket')
      const code = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('listens'))`
      const server = spawn('nsenter', [`--net=${namespace.path}`, process.execPath, '-e', code])
      try {
        await once(server.stdout, 'data')
        const sockets = await open(unixDiag)
        const show = UnixShow.Name | UnixShow.Queues | UnixShow.File
        const header = { family: SocketFamily.Unix, states: 1 << SocketState.Listen, show }
        const ours = (await sockets.dump('get', { header })).map(({ header: socket, name, queues, file }) => ({
          inode: socket.inode,
          type: socket.type,
          name: name && Buffer.from(name).toString().replace(/\0$/, ''),
          backlog: queues?.send,
          file: file?.inode,
        }))
        const table = (await namespace.run('cat', '/proc/net/unix')).split('\n')
        const [, , , , type, , inode] =
          table
            .find((line) => line.endsWith(path))
            ?.trim()
            .split(/\s+/) ?? []
        expect(ours).toEqual([
          { inode: Number(inode), type: Number(type), name: path, backlog: 511, file: statSync(path).ino },
        ])
      } finally {
        server.kill()
        rmSync(folder, { recursive: true, force: true })
      }
    })
  })

  test('one connection, with what TCP knows of it', async () => {
    const sockets = await open(inetDiag)
    const states = 1 << SocketState.Listen
    const extensions = (1 << (InetExtension.Info - 1)) | (1 << (InetExtension.CongestionControl - 1))
    const header = { family: SocketFamily.Ipv4, protocol: TCP, states, extensions }
    const listening = await sockets.dump('get', { header })
    const found = listening.find(({ header: socket }) => socket.id.sourcePort === 4040)
    expect(found?.info?.state).toBe(SocketState.Listen)
    expect(found?.congestionControl).toMatch(/^[a-z]+$/)
    const { id } = found?.header ?? { id: undefined }
    if (id === undefined) throw new Error('nothing listens at port 4040')
    const one = await sockets.do('get', { header: { ...header, id } })
    expect(one?.header.inode).toBe(found?.header.inode)
    const { cookie } = id
    const wrong = { ...id, cookie: cookie.map((byte) => byte ^ 1) }
    await expect(sockets.do('get', { header: { ...header, id: wrong } })).rejects.toMatchObject({ code: 'KERNEL' })
  })

  test('policies of IPsec beside ip', async () => {
    const policies = await openOrExplain(xfrm)
    if (policies === undefined) return
    const watched = policies.subscribe('policy')
    const first = watched.next()
    const template = ['tmpl', 'src', '192.0.2.1', 'dst', '192.0.2.2', 'proto', 'esp', 'reqid', '7', 'mode', 'tunnel']
    const policy = ['src', '10.0.0.0/8', 'dst', '10.1.0.0/16', 'dir', 'out']
    await namespace.run('ip', 'xfrm', 'policy', 'add', ...policy, 'priority', '33', ...template)
    const [ours] = await (await open(xfrm)).dump('getPolicies')
    const text = await namespace.run('ip', 'xfrm', 'policy')
    expect(text).toContain(
      `src ${ours?.header.selector.source.subarray(0, 4).join('.')}/${ours?.header.selector.sourcePrefix}`,
    )
    expect(text).toContain(`priority ${ours?.header.priority}`)
    const [used] = ours?.templates?.list ?? []
    expect(text).toContain(`reqid ${used?.requestId} mode ${used?.mode === 1 ? 'tunnel' : 'other'}`)
    expect((await first).value).toMatchObject({ operation: 'newPolicy', values: { header: { priority: 33 } } })
    expect(await (await open(xfrm)).do('getPolicyCounts')).toMatchObject({ counts: { out: 1 } })
    await policies.close()
  })

  test('sets of addresses: made, filled, listed, tested, refused', async () => {
    const sets = await openOrExplain(ipset)
    if (sets === undefined) return
    const named = { version: IPSET_VERSION, name: 'hosts' }
    await sets.do(
      'create',
      { ...named, type: 'hash:ip', revision: 0, family: 2, data: { timeout: 300 } },
      { flags: CREATE },
    )
    const element = (last: number) => ({ ...named, data: { address: { ipv4: Uint8Array.of(192, 0, 2, last) } } })
    for (const last of [1, 2, 3]) await sets.do('add', element(last))
    await sets.do('delete', element(3))
    const [listed] = await sets.dump('list', { version: IPSET_VERSION })
    expect(listed).toMatchObject({ name: 'hosts', type: 'hash:ip', data: { timeout: 300, elements: 2 } })
    const addresses = listed?.content?.elements?.map(({ address }) => address?.ipv4?.join('.'))
    expect(addresses?.sort()).toEqual(['192.0.2.1', '192.0.2.2'])
    await sets.do('test', element(1))
    await expect(sets.do('test', element(3))).rejects.toMatchObject({ code: 'KERNEL', errno: IpsetError.Exist })
    await sets.do('destroy', named)
    expect(await sets.dump('list', { version: IPSET_VERSION })).toEqual([])
  })

  test('counters and quotas by name', async () => {
    const counters = await openOrExplain(nfacct)
    if (counters === undefined) return
    await counters.do('new', { name: 'web', flags: 2, quota: 1000n }, { flags: CREATE })
    await counters.do('new', { name: 'mail' }, { flags: CREATE })
    expect((await counters.dump('get')).map(({ name }) => name).sort()).toEqual(['mail', 'web'])
    expect(await counters.do('get', { name: 'web' })).toMatchObject({ packets: 0n, bytes: 0n, quota: 1000n })
    expect(await counters.dump('get', { filter: { mask: 2, value: 2 } })).toHaveLength(1)
    for (const name of ['web', 'mail']) await counters.do('delete', { name })
    expect(await counters.dump('get')).toEqual([])
  })

  test('timeouts of connections, by policy and by default', async () => {
    const policies = await openOrExplain(cttimeout)
    if (policies === undefined) return
    const of = { networkProtocol: SocketFamily.Ipv4, transportProtocol: TCP }
    await policies.do('new', { name: 'slow', ...of, timeouts: { established: 77, synSent: 5 } }, { flags: CREATE })
    expect(await policies.do('get', { name: 'slow' })).toMatchObject({ timeouts: { established: 77, synSent: 5 } })
    const udp = { ...of, transportProtocol: UDP }
    await policies.do('setDefault', { ...udp, timeouts: { unreplied: 11, replied: 22 } })
    expect(await policies.do('getDefault', udp)).toMatchObject({ timeouts: { unreplied: 11, replied: 22 } })
    await policies.do('delete', { name: 'slow' })
    expect(await policies.dump('get')).toEqual([])
  })

  test('helpers in user space, where the kernel has them', async () => {
    const helpers = await openOrExplain(cthelper)
    if (helpers !== undefined) expect(await helpers.dump('get')).toEqual([])
  })

  test('the functions at a hook, where the kernel tells them', async () => {
    const hooks = await openOrExplain(netfilterHook)
    if (hooks === undefined) return
    await using _ = await namespace.install([{ hook: 'input', verdict: 'accept' }])
    const functions = await hooks.dump('get', { header: { family: 2 }, number: 1 })
    expect(functions.map(({ owner }) => owner?.type)).toContain(1)
  })
})
