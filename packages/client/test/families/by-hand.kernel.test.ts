/**
 * The families that are described by hand, on the real kernel: a socket, IPsec beside `ip`, and netfilter's named
 * things.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Errno, type FamilyDescription, NewFlag } from '@ringlink/codec'
import { cthelper } from '@ringlink/families/cthelper'
import { cttimeout } from '@ringlink/families/cttimeout'
import { netfilterHook } from '@ringlink/families/hook'
import { InetExtension, inetDiag } from '@ringlink/families/inet-diag'
import { IPSET_VERSION, IpsetError, ipset } from '@ringlink/families/ipset'
import { nfacct } from '@ringlink/families/nfacct'
import { OsfOption, OsfWindow, osf, osfOptions } from '@ringlink/families/osf'
import { SocketFamily, SocketState } from '@ringlink/families/sock-diag'
import { xfrm } from '@ringlink/families/xfrm'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OpenedFamilies } from './opened-families.ts'
import { beside, missingProgram } from './shown-fields.ts'

const TCP = 6
const UDP = 17
const CREATE = NewFlag.Create | NewFlag.Exclusive

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
    await expect(sets.do('test', element(3))).rejects.toMatchObject({
      code: 'KERNEL',
      errno: IpsetError.Exist,
      message: 'do ipset test: IPSET_ERR_EXIST',
    })
    const unknown = { ...named, type: 'hash:nothing', revision: 0, family: 2, data: {} }
    await expect(sets.do('create', unknown, { flags: CREATE })).rejects.toThrow('IPSET_ERR_')
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

  const osfMissing = missingProgram('nfnl_osf')
  describe.skipIf(osfMissing)(beside('beside nfnl_osf', osfMissing), () => {
    const fingerprint = {
      windowSize: { kind: OsfWindow.Plain, value: 16_384 },
      timeToLive: 64,
      dontFragment: 1,
      totalSize: 48,
      segmentSize: 0,
      optionCount: 1,
      genre: 'ringlink-test',
      version: `${process.pid}`,
      subtype: 'sub',
      options: osfOptions({ kind: OsfOption.Nop, length: 1, value: { kind: OsfWindow.Plain, value: 0 } }),
    }

    test('fingerprints of operating systems: each removes what the other has added', async () => {
      const systems = await openOrExplain(osf)
      if (systems === undefined) return
      const folder = mkdtempSync(join(tmpdir(), 'ringlink-'))
      try {
        const path = join(folder, 'pf.os')
        writeFileSync(path, `16384:64:1:48:N:ringlink-test:${process.pid}:sub:a made-up system\n`)
        const missing = { code: 'KERNEL', errno: Errno.ENOENT }
        await expect(systems.do('remove', { fingerprint })).rejects.toMatchObject(missing)
        await namespace.run('nfnl_osf', '-f', path)
        await systems.do('remove', { fingerprint })
        await expect(systems.do('remove', { fingerprint })).rejects.toMatchObject(missing)
        await systems.do('add', { fingerprint }, { flags: CREATE })
        await expect(systems.do('add', { fingerprint }, { flags: CREATE })).rejects.toMatchObject({
          errno: Errno.EEXIST,
        })
        await namespace.run('nfnl_osf', '-d', '-f', path)
        await expect(systems.do('remove', { fingerprint })).rejects.toMatchObject(missing)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    })
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
