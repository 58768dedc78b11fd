/** Families on the real kernel, in a namespace whose devices our own library makes. */
import { spawnSync } from 'node:child_process'
import { type Attribute, attributeSet, type FamilyDescription, NewFlag, plainBody } from '@ringlink/codec'
import { ethtool as ethtoolFamily } from '@ringlink/families/ethtool'
import { mptcpPm } from '@ringlink/families/mptcp-pm'
import { netdev } from '@ringlink/families/netdev'
import { nlctrl } from '@ringlink/families/nlctrl'
import { rtAddr } from '@ringlink/families/rt-addr'
import { IfinfoFlags, rtLink } from '@ringlink/families/rt-link'
import { rtNeigh } from '@ringlink/families/rt-neigh'
import { rtRoute } from '@ringlink/families/rt-route'
import { rtRule } from '@ringlink/families/rt-rule'
import { tcpMetrics } from '@ringlink/families/tcp-metrics'
import { wireguard } from '@ringlink/families/wireguard'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OpenedFamilies } from './opened-families.ts'

const without = (command: string) =>
  spawnSync(command, ['--version']).error === undefined ? undefined : `${command} is not installed`
const ethtoolMissing = without('ethtool')

const CREATE = NewFlag.Create | NewFlag.Exclusive
const IPV4 = 2
const address = (text: string) => Uint8Array.from(text.split('.'), Number)

describe.skipIf(kernelUnavailable)(kernelTests('families of the real kernel'), () => {
  let namespace: Namespace
  const opened = new OpenedFamilies()
  const open = <Description extends FamilyDescription>(family: Description) => opened.open(family, namespace.path)

  const json = async (...command: string[]): Promise<Record<string, unknown>[]> =>
    JSON.parse(await namespace.run(...command)) as Record<string, unknown>[]

  async function index(name: string): Promise<number> {
    const links = await open(rtLink)
    return (await links.do('getlink', { ifname: name }))?.header.index ?? 0
  }

  beforeAll(async () => {
    namespace = await Namespace.open()
    const links = await open(rtLink)
    const up = { change: IfinfoFlags.Up, flags: IfinfoFlags.Up }
    await links.do('newlink', { ifname: 'veth-a', mtu: 1400, linkinfo: { kind: 'veth' } }, { flags: CREATE })
    await links.do(
      'newlink',
      { ifname: 'bridge-a', linkinfo: { kind: 'bridge', data: { ageingTime: 12_300 } } },
      { flags: CREATE },
    )
    await links.do('newlink', { header: up, ifname: 'veth-a', master: await index('bridge-a') })
    await links.do('newlink', { header: up, ifname: 'bridge-a' })
    const addresses = await open(rtAddr)
    const header = { family: IPV4, prefixlen: 24, index: await index('bridge-a') }
    await addresses.do(
      'newaddr',
      { header, local: address('192.0.2.1'), address: address('192.0.2.1') },
      { flags: CREATE },
    )
    const neighbours = await open(rtNeigh)
    const lladdr = Uint8Array.of(2, 0, 0, 0, 0, 9)
    await neighbours.do(
      'newneigh',
      { header: { family: IPV4, ifindex: header.index, state: 0x80 }, dst: address('192.0.2.9'), lladdr },
      { flags: CREATE },
    )
    const routes = await open(rtRoute)
    const route = { family: IPV4, dstLen: 24, table: 254, protocol: 4, scope: 0, type: 1 }
    await routes.do(
      'newroute',
      { header: route, dst: address('198.51.100.0'), gateway: address('192.0.2.9'), oif: header.index, priority: 77 },
      { flags: CREATE },
    )
    const rules = await open(rtRule)
    await rules.do(
      'newrule',
      { header: { family: IPV4, action: 1, table: 100 }, priority: 50, fwmark: 5 },
      { flags: CREATE },
    )
  })

  afterAll(async () => {
    await opened.close()
    await namespace?.close()
  })

  test('notifications of routes, as they come and go', async () => {
    const routes = await open(rtRoute)
    const watched = routes.subscribe('ipv4Route')
    const first = watched.next()
    const header = { family: IPV4, dstLen: 32, table: 254, protocol: 4, scope: 253, type: 1 }
    const dst = address('203.0.113.7')
    const oif = await index('bridge-a')
    await routes.do('newroute', { header, dst, oif }, { flags: CREATE })
    await routes.do('delroute', { header, dst, oif })
    expect((await first).value).toMatchObject({ operation: 'newroute', values: { dst, oif } })
    expect((await watched.next()).value).toMatchObject({ operation: 'delroute', values: { dst, oif } })
    await routes.close()
    expect((await watched.next()).done).toBe(true)
  })

  const ethtoolTitle = `ethtool: features, strings and statistics${ethtoolMissing === undefined ? '' : ` (skipped: ${ethtoolMissing})`}`
  test.skipIf(ethtoolMissing)(ethtoolTitle, async () => {
    const family = await open(ethtoolFamily)
    const header = { devName: 'veth-a' }
    const state = await family.do('linkstateGet', { header })
    expect(state).toMatchObject({ header: { devName: 'veth-a' }, link: expect.any(Number) })
    const [shown] = await json('ethtool', '--json', '-k', 'veth-a')
    const features = await family.do('featuresGet', { header })
    const active = new Set(features?.active?.bits?.bit?.map(({ name }) => name))
    const theirs = Object.entries(shown ?? {}).filter(
      ([name]) => name.startsWith('tx-') && !name.endsWith('-segmentation'),
    )
    const same = theirs.filter(([name]) => name.includes('-checksum-ip-generic'))
    expect(same.length).toBeGreaterThan(0)
    for (const [name, value] of same) expect(active.has(name)).toBe((value as { active: boolean }).active)
    // Linux 6.1 refuses to list them.
    const channels = await family.do('channelsGet', { header: { devName: 'veth-a' } })
    expect(channels?.header?.devName).toBe('veth-a')
  })

  test('netdev, or from which kernel on it is there', async () => {
    const family = await opened.openOrExplain(netdev, 'it needs Linux 6.3 or later', namespace.path)
    if (family === undefined) return
    const devices = await family.dump('devGet')
    const links = await (await open(rtLink)).dump('getlink')
    expect(devices.map(({ ifindex }) => ifindex).sort()).toEqual(links.map(({ header }) => header.index).sort())
  })

  test('tcp_metrics, mptcp_pm and the controller', async () => {
    expect(await (await open(tcpMetrics)).dump('get')).toEqual([])
    const multipath = await open(mptcpPm)
    const addr = { family: IPV4, addr4: 0x0100007f, id: 3, flags: 1 }
    await multipath.do('addAddr', { addr })
    const [endpoint] = await multipath.dump('getAddr')
    expect(endpoint?.addr).toMatchObject({ family: IPV4, id: 3, flags: 1 })
    const families = await (await open(nlctrl)).dump('getfamily')
    expect(families.map(({ familyName }) => familyName)).toEqual(expect.arrayContaining(['nlctrl', 'mptcp_pm']))
    const policy = await multipath.policy()
    expect(policy.attributes.length).toBeGreaterThan(3)
    expect(policy.operations.length).toBeGreaterThan(3)
  })

  test('a row as JSON has names', async () => {
    const [link] = await (await open(rtLink)).dump('getlink')
    const { header, attributes } = rtLink.operations.getlink
    if (header === undefined || link === undefined) throw new Error('no link')
    const plain = plainBody({ kind: 'body', header, set: attributes }, link as unknown as Record<string, unknown>)
    expect(JSON.parse(JSON.stringify(plain))).toMatchObject({
      header: { flags: expect.arrayContaining(['up', 'loopback']) },
      ifname: 'lo',
      address: '00:00:00:00:00:00',
    })
  })

  test('a family that the kernel does not have names what brings it', async () => {
    const absent = { ...wireguard, generic: { name: 'no-such-family', version: 1 } }
    await expect(open(absent)).rejects.toMatchObject({
      code: 'FAMILY_UNSUPPORTED',
      message: expect.stringContaining('modprobe wireguard'),
    })
  })

  test('what is wrong is refused before anything is sent', async () => {
    const links = await open(rtLink)
    const sent = () => links.transport.stats.sent
    const before = sent()
    const refused: [Promise<unknown>, string][] = [
      // @ts-expect-error no such operation
      [links.do('getlnik', {}), 'did you mean "getlink"?'],
      // @ts-expect-error no such attribute
      [links.do('getlink', { ifnme: 'lo' }), 'did you mean "ifname"?'],
      // @ts-expect-error a number is not text
      [links.do('getlink', { ifname: 5 }), 'ifname must be a string, got 5'],
      // @ts-expect-error no such field
      [links.do('getlink', { header: { indx: 1 } }), 'header has no field "indx"; did you mean "index"?'],
      [links.do('getlink', { linkinfo: { kind: 'vetth', data: {} } }), 'linkinfo.data has no description for kind'],
      [links.dump('newlink'), 'cannot dump newlink; it can dump getlink'],
      // @ts-expect-error no such group
      [links.subscribe('lnk').next(), 'has no group "lnk"; did you mean "link"?'],
    ]
    for (const [promise, message] of refused) await expect(promise).rejects.toThrow(message)
    expect(sent()).toBe(before)
  })

  test('what a table does not describe is kept as bytes, and counted', async () => {
    const { ifname } = rtLink.operations.getlink.attributes.members
    const attributes = attributeSet('IFLA', { ifname: ifname as Attribute<string> })
    const { getlink } = rtLink.operations
    const small = { ...rtLink, operations: { getlink: { ...getlink, attributes } } } as unknown as FamilyDescription
    const links = await open(small)
    const rows = (await links.dump('getlink')) as { ifname: string; unknown: { type: number; payload: Uint8Array }[] }[]
    const bridge = rows.find((row) => row.ifname === 'bridge-a')
    // IFLA_MTU and IFLA_ADDRESS
    expect(bridge?.unknown.find(({ type }) => type === 4)?.payload).toHaveLength(4)
    expect(bridge?.unknown.find(({ type }) => type === 1)?.payload).toHaveLength(6)
    expect(links.stats.unknownAttributes).toBe(rows.reduce((sum, { unknown }) => sum + unknown.length, 0))
    expect(links.stats.unknownAttributes).toBeGreaterThan(30)
  })

  test("a refusal of the kernel's names the attribute", async () => {
    const links = await open(rtLink)
    const given = { ifname: 'veth-x', mtu: 5, linkinfo: { kind: 'bridge', data: { ageingTime: 1 } } }
    await expect(links.do('newlink', given, { flags: CREATE })).rejects.toMatchObject({ code: 'KERNEL' })
  })
})
