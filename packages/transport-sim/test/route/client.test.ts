/** The client's families on the simulated rtnetlink; what the kernel answers is compared in test/differential. */
import { openFamily } from '@ringlink/client'
import { Errno, type FamilyDescription, NewFlag, Protocol } from '@ringlink/codec'
import { IfaFlags, rtAddr } from '@ringlink/families/rt-addr'
import { IfinfoFlags, rtLink } from '@ringlink/families/rt-link'
import { RtmType, rtRoute } from '@ringlink/families/rt-route'
import { describe, expect, test } from 'vitest'
import { SimKernel } from '../../src/index.ts'

const CREATE = { flags: NewFlag.Create | NewFlag.Exclusive }
const up = { flags: IfinfoFlags.Up, change: IfinfoFlags.Up }
const IPV4 = 2
const address = (text: string) => Uint8Array.from(text.split('.'), Number)

const open = <Description extends FamilyDescription>(kernel: SimKernel, family: Description, privileged = true) =>
  openFamily(family, { transport: (needs) => kernel.open({ ...needs, privileged }) })

/** A veth pair that is up: index 2 is the peer, 3 the link itself. */
async function withVeth(kernel: SimKernel): Promise<void> {
  await using links = await open(kernel, rtLink)
  await links.do('newlink', { ifname: 'eth0', linkinfo: { kind: 'veth' } }, CREATE)
  await links.do('newlink', { header: { index: 2, ...up } })
  await links.do('newlink', { header: { index: 3, ...up } })
}

describe('rtnetlink', () => {
  test('lists the links, as in the README', async () => {
    const kernel = new SimKernel()
    await withVeth(kernel)
    await using links = await open(kernel, rtLink)
    const shown: unknown[] = []
    for await (const { header, ifname, mtu } of links.rows('getlink')) shown.push([header.index, ifname, mtu])
    expect(shown).toEqual([
      [1, 'lo', 65536],
      [2, 'veth0', 1500],
      [3, 'eth0', 1500],
    ])
    expect(links.stats.unknownAttributes).toBeGreaterThan(0)
  })

  test('notifies of routes, as in the README', async () => {
    const kernel = new SimKernel()
    await withVeth(kernel)
    await using routes = await open(kernel, rtRoute)
    const notifications = routes.subscribe('ipv4Route', 'ipv6Route')
    const next = notifications.next()
    await using addresses = await open(kernel, rtAddr)
    const header = { family: IPV4, prefixlen: 24, index: 3 }
    await addresses.do('newaddr', { header, local: address('192.0.2.1') }, CREATE)
    const seen = [(await next).value, (await notifications.next()).value]
    expect(seen.map((it) => it && [it.operation, it.values.dst])).toEqual([
      ['newroute', address('192.0.2.1')],
      ['newroute', address('192.0.2.0')],
    ])
    await notifications.return(undefined)
  })

  test('looks up the route of an address, by the longest prefix', async () => {
    const kernel = new SimKernel()
    await withVeth(kernel)
    await using addresses = await open(kernel, rtAddr)
    await addresses.do('newaddr', { header: { family: IPV4, prefixlen: 24, index: 3 }, local: address('192.0.2.1') })
    await using routes = await open(kernel, rtRoute)
    const via = {
      header: { family: IPV4, dstLen: 0, table: 254, type: RtmType.Unicast },
      gateway: address('192.0.2.9'),
    }
    await routes.do('newroute', via, CREATE)
    const find = (text: string) => routes.do('getroute', { header: { family: IPV4, dstLen: 32 }, dst: address(text) })
    expect(await find('198.51.100.7')).toMatchObject({
      gateway: via.gateway,
      oif: 3,
      prefsrc: address('192.0.2.1'),
    })
    expect((await find('192.0.2.7'))?.gateway).toBeUndefined()
    expect(await find('192.0.2.1')).toMatchObject({ oif: 1, header: { type: RtmType.Local } })
    await routes.do('delroute', via)
    await expect(find('198.51.100.7')).rejects.toMatchObject({ errno: Errno.ENETUNREACH })
  })

  test('ends the time of addresses on the virtual clock', async () => {
    const kernel = new SimKernel()
    await withVeth(kernel)
    await using addresses = await open(kernel, rtAddr)
    const cacheinfo = { ifaPrefered: 5, ifaValid: 8, cstamp: 0, tstamp: 0 }
    const one = { header: { family: IPV4, prefixlen: 24, index: 3 }, local: address('192.0.2.1') }
    await addresses.do('newaddr', { ...one, cacheinfo }, CREATE)
    const read = async () => (await addresses.dump('getaddr', { header: { family: IPV4, index: 3 } }))[0]
    kernel.clock.advance(2000)
    expect(await read()).toMatchObject({ flags: 0, cacheinfo: { ifaPrefered: 3, ifaValid: 6 } })
    kernel.clock.advance(3000)
    expect(await read()).toMatchObject({ flags: IfaFlags.Deprecated, cacheinfo: { ifaPrefered: 0, ifaValid: 3 } })
    await addresses.do('newaddr', { ...one, cacheinfo }, { flags: NewFlag.Create | NewFlag.Replace })
    kernel.clock.advance(7000)
    expect(await read()).toMatchObject({ flags: IfaFlags.Deprecated })
    kernel.clock.advance(1000)
    expect(await read()).toBeUndefined()
  })

  test('makes a dummy, which has a carrier and its addresses at once', async () => {
    const kernel = new SimKernel()
    await using links = await open(kernel, rtLink)
    await links.do('newlink', { ifname: 'd0', linkinfo: { kind: 'dummy' }, header: up }, CREATE)
    const link = await links.do('getlink', { ifname: 'd0' })
    expect(link).toMatchObject({ operstate: 0, carrier: 1, carrierChanges: 0, minMtu: 0, maxMtu: 0 })
    expect(link?.linkinfo).toEqual({ kind: 'dummy' })
    const { Up, Broadcast, NoArp, Running, LowerUp } = IfinfoFlags
    expect(link?.header.flags).toBe(Up | Broadcast | NoArp | Running | LowerUp)
    await using addresses = await open(kernel, rtAddr)
    const rows = await addresses.dump('getaddr', { header: { family: 10, index: link?.header.index ?? 0 } })
    expect(rows).toHaveLength(1)
    await links.do('dellink', { ifname: 'd0' })
    await expect(links.do('getlink', { ifname: 'd0' })).rejects.toMatchObject({ errno: Errno.ENODEV })
    const unknown = { ifname: 'x', linkinfo: { kind: 'vlan' } }
    await expect(links.do('newlink', unknown, CREATE)).rejects.toMatchObject({ errno: Errno.EOPNOTSUPP })
  })

  test('makes links ports of a bridge, and shows them as ports', async () => {
    const kernel = new SimKernel()
    await withVeth(kernel)
    await using links = await open(kernel, rtLink)
    await links.do('newlink', { ifname: 'br0', header: up, linkinfo: { kind: 'bridge' } }, CREATE)
    await links.do('newlink', { header: { index: 3 }, master: 4 })
    await links.do('newlink', { ifname: 'dummy0', header: up, master: 4, linkinfo: { kind: 'dummy' } }, CREATE)
    expect(await links.do('getlink', { ifname: 'eth0' })).toMatchObject({
      master: 4,
      linkinfo: { slaveKind: 'bridge', slaveData: { state: 3, no: 1, cost: 2 } },
    })
    expect(await links.do('getlink', { ifname: 'dummy0' })).toMatchObject({
      master: 4,
      linkinfo: { slaveKind: 'bridge', slaveData: { state: 3, no: 2, cost: 100 } },
    })
    expect(await links.do('getlink', { ifname: 'br0' })).toMatchObject({ carrier: 1, operstate: 6, tsoMaxSize: 65536 })
    const cost = { header: { index: 3 }, linkinfo: { slaveKind: 'bridge', slaveData: { cost: 5 } } }
    await expect(links.do('newlink', cost)).rejects.toMatchObject({
      errno: Errno.EOPNOTSUPP,
      extendedMessage: 'the simulated kernel does not model this',
    })
    await links.do('dellink', { ifname: 'br0' })
    const left = await links.do('getlink', { ifname: 'eth0' })
    expect([left?.ifname, left?.master]).toEqual(['eth0', undefined])
  })

  test('refuses what it does not model, and says so', async () => {
    const kernel = new SimKernel()
    await using links = await open(kernel, rtLink)
    const refused = {
      errno: Errno.EOPNOTSUPP,
      extendedMessage: 'the simulated kernel does not model this',
    }
    const asked = { header: { index: 1 }, netNsPid: 1 }
    await expect(links.do('newlink', asked)).rejects.toMatchObject({ ...refused, attribute: 'IFLA_NET_NS_PID' })
    await expect(links.dump('getlink', { header: { family: 10 } })).rejects.toMatchObject(refused)
    await using routes = await open(kernel, rtRoute)
    const route = { header: { family: IPV4, type: 1, table: 254 }, multipath: new Uint8Array(8) }
    await expect(routes.do('newroute', route, CREATE)).rejects.toMatchObject({
      ...refused,
      attribute: 'RTA_MULTIPATH',
    })
  })

  test('lets anyone read, and only the privileged change', async () => {
    const kernel = new SimKernel()
    await using links = await open(kernel, rtLink, false)
    expect(await links.dump('getlink')).toHaveLength(1)
    await expect(links.do('newlink', { header: { index: 1, ...up } })).rejects.toMatchObject({ errno: Errno.EPERM })
  })

  test('is the same for the same seed', async () => {
    const addresses = async (seed: number) => {
      const kernel = new SimKernel({ seed })
      await withVeth(kernel)
      await using links = await open(kernel, rtLink)
      return (await links.dump('getlink')).map((link) => link.address)
    }
    expect(await addresses(5)).toEqual(await addresses(5))
    expect(await addresses(5)).not.toEqual(await addresses(6))
  })

  test('sends notifications to members of a group only, and dumps to the one who asks', async () => {
    const kernel = new SimKernel()
    const member = kernel.open({ protocol: Protocol.Route, groups: [1] })
    const other = kernel.open({ protocol: Protocol.Route, groups: [7] })
    await withVeth(kernel)
    expect(member.poll()).toBeDefined()
    expect(other.poll()).toBeUndefined()
    await member.close()
    await other.close()
  })
})
