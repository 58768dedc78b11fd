/** Families on the real kernel, in a namespace whose devices our own library makes, beside what `ip` and `ethtool` say. */
import { spawnSync } from 'node:child_process'
import { type FamilyDescription, NewFlag, plainBody } from '@ringlink/codec'
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
const ipMissing = without('ip')
const ethtoolMissing = without('ethtool')

const CREATE = NewFlag.Create | NewFlag.Exclusive
const IPV4 = 2
const address = (text: string) => Uint8Array.from(text.split('.'), Number)
const dotted = (bytes: Uint8Array | undefined) => bytes && [...bytes].join('.')

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

  describe.skipIf(ipMissing)(`beside ip${ipMissing === undefined ? '' : ` (skipped: ${ipMissing})`}`, () => {
    test('links', async () => {
      const links = await (await open(rtLink)).dump('getlink')
      const shown = await json('ip', '-json', '-details', 'link')
      expect(shown.length).toBeGreaterThanOrEqual(3)
      const mac = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex').match(/../g)?.join(':')
      const ours = links.map(({ header, ...link }) => ({
        ifindex: header.index,
        ifname: link.ifname,
        mtu: link.mtu,
        qdisc: link.qdisc,
        group: link.group,
        txqlen: link.txqlen,
        address: mac(link.address),
        broadcast: mac(link.broadcast),
        promiscuity: link.promiscuity,
        min_mtu: link.minMtu,
        max_mtu: link.maxMtu,
        num_tx_queues: link.numTxQueues,
        num_rx_queues: link.numRxQueues,
        gso_max_size: link.gsoMaxSize,
        gso_max_segs: link.gsoMaxSegs,
        kind: link.linkinfo?.kind,
        slave: link.linkinfo?.slaveKind,
      }))
      const theirs = shown.map((link) => {
        const info = link.linkinfo as { info_kind?: string; info_slave_kind?: string } | undefined
        return {
          ...Object.fromEntries(Object.keys(ours[0] ?? {}).map((name) => [name, link[name]])),
          txqlen: link.txqlen ?? 0,
          group: 0,
          kind: info?.info_kind,
          slave: info?.info_slave_kind,
        }
      })
      expect(ours).toEqual(theirs)
      expect((await open(rtLink)).stats.unreadable).toBe(0)
    })

    test('the data of a bridge', async () => {
      const links = await open(rtLink)
      const bridge = await links.do('getlink', { ifname: 'bridge-a' })
      const data = bridge?.linkinfo?.data
      expect(data !== undefined && 'ageingTime' in data && data.ageingTime).toBe(12_300)
      const [shown] = await json('ip', '-json', '-details', 'link', 'show', 'bridge-a')
      const { linkinfo: shownInfo } = shown ?? { linkinfo: undefined }
      const { info_data: info } = shownInfo as { info_data: Record<string, unknown> }
      if (data === undefined || !('ageingTime' in data)) throw new Error('the bridge has no data')
      const names = [
        'ageingTime',
        'helloTime',
        'maxAge',
        'priority',
        'stpState',
        'vlanFiltering',
        'mcastHashMax',
      ] as const
      const theirs = [
        'ageing_time',
        'hello_time',
        'max_age',
        'priority',
        'stp_state',
        'vlan_filtering',
        'mcast_hash_max',
      ]
      expect(names.map((name) => data[name])).toEqual(theirs.map((name) => info[name]))
    })

    test('addresses', async () => {
      const addresses = await (await open(rtAddr)).dump('getaddr', { header: { family: IPV4 } })
      const shown = (await json('ip', '-json', '-4', 'address')).flatMap(({ ifindex, addr_info: list }) =>
        (list as Record<string, unknown>[]).map((entry) => ({
          index: ifindex,
          local: entry.local,
          prefixlen: entry.prefixlen,
          label: entry.label,
          preferred: entry.preferred_life_time,
          valid: entry.valid_life_time,
        })),
      )
      const ours = addresses.map(({ header, local, label, cacheinfo }) => ({
        index: header.index,
        local: dotted(local),
        prefixlen: header.prefixlen,
        label,
        preferred: cacheinfo?.ifaPrefered,
        valid: cacheinfo?.ifaValid,
      }))
      expect(ours).toEqual(shown)
      expect(ours.map(({ local }) => local)).toContain('192.0.2.1')
    })

    test('routes', async () => {
      const routes = await (await open(rtRoute)).dump('getroute', { header: { family: IPV4 } })
      const shown = await json('ip', '-json', '-details', '-4', 'route', 'show', 'table', 'all')
      const names = new Map(
        (await (await open(rtLink)).dump('getlink')).map(({ header, ifname }) => [header.index, ifname]),
      )
      const ours = routes.map(({ header, dst, gateway, oif, priority, prefsrc }) => ({
        dst: header.dstLen === 32 ? dotted(dst) : `${dotted(dst)}/${header.dstLen}`,
        gateway: dotted(gateway),
        dev: names.get(oif ?? 0),
        metric: priority,
        prefsrc: dotted(prefsrc),
      }))
      const theirs = shown.map(({ dst, gateway, dev, metric, prefsrc }) => ({ dst, gateway, dev, metric, prefsrc }))
      expect(ours).toEqual(theirs)
      expect(ours).toContainEqual(expect.objectContaining({ dst: '198.51.100.0/24', metric: 77 }))
    })

    test('neighbours', async () => {
      const neighbours = await (await open(rtNeigh)).dump('getneigh', { header: { family: IPV4 } })
      const shown = await json('ip', '-json', '-4', 'neighbour', 'show', 'nud', 'all')
      const ours = neighbours.map(({ dst, lladdr }) => ({
        dst: dotted(dst),
        lladdr: lladdr && Buffer.from(lladdr).toString('hex').match(/../g)?.join(':'),
      }))
      const wanted = shown.map(({ dst, lladdr }) => ({ dst, lladdr }))
      expect(ours).toEqual(expect.arrayContaining(wanted))
      expect(ours).toContainEqual({ dst: '192.0.2.9', lladdr: '02:00:00:00:00:09' })
    })

    test('rules', async () => {
      const rules = await (await open(rtRule)).dump('getrule', { header: { family: IPV4 } })
      const shown = await json('ip', '-json', '-details', 'rule')
      expect(rules.map(({ priority }) => priority ?? 0)).toEqual(shown.map(({ priority }) => priority))
      expect(rules.find(({ priority }) => priority === 50)).toMatchObject({ fwmark: 5, table: 100 })
    })
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
    const channels = await family.dump('channelsGet')
    expect(channels.every(({ header: device }) => device !== undefined)).toBe(true)
  })

  test('netdev, tcp_metrics, mptcp_pm and the controller', async () => {
    const devices = await (await open(netdev)).dump('devGet')
    const links = await (await open(rtLink)).dump('getlink')
    expect(devices.map(({ ifindex }) => ifindex).sort()).toEqual(links.map(({ header }) => header.index).sort())
    expect(await (await open(tcpMetrics)).dump('get')).toEqual([])
    const multipath = await open(mptcpPm)
    const addr = { family: IPV4, addr4: 0x0100007f, id: 3, flags: 1 }
    await multipath.do('addAddr', { addr })
    const [endpoint] = await multipath.dump('getAddr')
    expect(endpoint?.addr).toMatchObject({ family: IPV4, id: 3, flags: 1 })
    const families = await (await open(nlctrl)).dump('getfamily')
    expect(families.map(({ familyName }) => familyName)).toEqual(
      expect.arrayContaining(['nlctrl', 'netdev', 'mptcp_pm']),
    )
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

  test("a refusal of the kernel's names the attribute", async () => {
    const links = await open(rtLink)
    const given = { ifname: 'veth-x', mtu: 5, linkinfo: { kind: 'bridge', data: { ageingTime: 1 } } }
    await expect(links.do('newlink', given, { flags: CREATE })).rejects.toMatchObject({ code: 'KERNEL' })
  })
})
