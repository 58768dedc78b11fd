/** A network that this library makes in a namespace, for other programs to look at. */
import { type FamilyDescription, isNetlinkError, NewFlag } from '@ringlink/codec'
import { rtAddr } from '@ringlink/families/rt-addr'
import { RouteProtocol, RouteScope, RouteTable } from '@ringlink/families/rt-constants'
import { IfinfoFlags, rtLink } from '@ringlink/families/rt-link'
import { NtfFlags, NudState, rtNeigh } from '@ringlink/families/rt-neigh'
import { RtmType, rtRoute } from '@ringlink/families/rt-route'
import { FrAct, rtRule } from '@ringlink/families/rt-rule'
import type { NetlinkFamily } from '../../src/index.ts'

type Open = <Description extends FamilyDescription>(family: Description) => Promise<NetlinkFamily<Description>>

export const IPV4 = 2
export const IPV6 = 10
const CREATE = NewFlag.Create | NewFlag.Exclusive

export const ipv4 = (text: string): Uint8Array => Uint8Array.from(text.split('.'), Number)
/** An address in the documentation's prefix: `2001:db8:<group>::<last>`. */
export const ipv6 = (last: number, group = 0): Uint8Array =>
  Uint8Array.from({ length: 16 }, (_, index) => ({ 0: 0x20, 1: 1, 2: 0x0d, 3: 0xb8, 5: group, 15: last })[index] ?? 0)

/**
 * Makes devices of every kind that this kernel has, with addresses, routes, neighbours and rules of both families.
 * Returns the kinds that it made, and those that the kernel refused: stock kernels have all of them.
 */
export async function makeNetwork(open: Open): Promise<{ made: string[]; refused: string[] }> {
  const made: string[] = []
  const refused: string[] = []
  const links = await open(rtLink)
  type Link = NonNullable<Parameters<typeof links.do<'newlink'>>[1]>
  const index = async (ifname: string) => (await links.do('getlink', { ifname }))?.header.index ?? 0
  async function make(kind: string, link: Link): Promise<void> {
    try {
      await links.do('newlink', link, { flags: CREATE })
      made.push(kind)
    } catch (error) {
      if (!isNetlinkError(error, 'KERNEL')) throw error
      refused.push(kind)
    }
  }
  await make('veth', { ifname: 'veth-a', mtu: 1400, txqlen: 500, linkinfo: { kind: 'veth' } })
  await make('bridge', { ifname: 'br-a', linkinfo: { kind: 'bridge', data: { ageingTime: 12_300, priority: 99 } } })
  // A port of a bridge has no other devices on it.
  await make('veth', { ifname: 'veth-c', ifalias: 'the third', group: 7, linkinfo: { kind: 'veth' } })
  const veth = await index('veth-c')
  const local = ipv4('192.0.2.1')
  const remote = (last: number) => ipv4(`192.0.2.${last}`)
  await make('macvlan', { ifname: 'mac-a', link: veth, linkinfo: { kind: 'macvlan' } })
  await make('vlan', { ifname: 'vlan-a', link: veth, linkinfo: { kind: 'vlan', data: { id: 7 } } })
  await make('dummy', { ifname: 'dummy-a', linkinfo: { kind: 'dummy' } })
  await make('ifb', { ifname: 'ifb-a', linkinfo: { kind: 'ifb' } })
  await make('nlmon', { ifname: 'nlmon-a', linkinfo: { kind: 'nlmon' } })
  await make('vxlan', { ifname: 'vxlan-a', linkinfo: { kind: 'vxlan' } })
  await make('vrf', { ifname: 'vrf-a', linkinfo: { kind: 'vrf', data: { table: 77 } } })
  await make('bond', { ifname: 'bond-a', linkinfo: { kind: 'bond', data: { mode: 1, miimon: 100 } } })
  const tunnel = { local, remote: remote(2), ttl: 9 }
  await make('ipip', { ifname: 'ipip-a', linkinfo: { kind: 'ipip', data: tunnel } })
  await make('sit', { ifname: 'sit-a', linkinfo: { kind: 'sit', data: { ...tunnel, remote: remote(3) } } })
  const keyed = { ikey: 5, okey: 6, iflags: 0x2000, oflags: 0x2000 }
  await make('gre', { ifname: 'gre-a', linkinfo: { kind: 'gre', data: { ...tunnel, ...keyed, remote: remote(4) } } })
  await make('gretap', { ifname: 'gretap-a', linkinfo: { kind: 'gretap', data: { ...tunnel, remote: remote(5) } } })
  await make('vti', {
    ifname: 'vti-a',
    linkinfo: { kind: 'vti', data: { local, remote: remote(6), ikey: 8, okey: 9 } },
  })
  await make('ip6tnl', {
    ifname: 'ip6tnl-a',
    linkinfo: { kind: 'ip6tnl', data: { local: ipv6(1), remote: ipv6(2), proto: 41 } },
  })
  await make('geneve', { ifname: 'geneve-a', linkinfo: { kind: 'geneve', data: { id: 9, remote: remote(7) } } })

  const up = { change: IfinfoFlags.Up, flags: IfinfoFlags.Up }
  const bridge = await index('br-a')
  await links.do('newlink', { ifname: 'veth-a', master: bridge })
  for (const ifname of ['veth-a', 'br-a']) await links.do('newlink', { header: up, ifname })
  if (made.includes('dummy')) await links.do('newlink', { header: up, ifname: 'dummy-a' })

  const addresses = await open(rtAddr)
  const onBridge = { family: IPV4, prefixlen: 24, index: bridge }
  await addresses.do(
    'newaddr',
    { header: onBridge, local, address: local, broadcast: ipv4('192.0.2.255') },
    { flags: CREATE },
  )
  const toPeer = { header: { ...onBridge, prefixlen: 32 }, local: ipv4('10.9.9.1'), address: ipv4('10.9.9.2') }
  await addresses.do('newaddr', { ...toPeer, label: 'br-a:x' }, { flags: CREATE })
  const lifetimes = { ifaPrefered: 1_000_000, ifaValid: 2_000_000, cstamp: 0, tstamp: 0 }
  const six = { header: { family: IPV6, prefixlen: 64, index: bridge }, local: ipv6(1), address: ipv6(1) }
  await addresses.do('newaddr', { ...six, cacheinfo: lifetimes, flags: 0x02 }, { flags: CREATE })

  const neighbours = await open(rtNeigh)
  const lladdr = Uint8Array.of(2, 0, 0, 0, 0, 9)
  const permanent = { family: IPV4, ifindex: bridge, state: NudState.Permanent }
  await neighbours.do('newneigh', { header: permanent, dst: remote(9), lladdr }, { flags: CREATE })
  const noArp = { family: IPV6, ifindex: bridge, state: NudState.Noarp, flags: NtfFlags.Router }
  await neighbours.do('newneigh', { header: noArp, dst: ipv6(9), lladdr }, { flags: CREATE })

  const routes = await open(rtRoute)
  const route = {
    family: IPV4,
    dstLen: 24,
    table: RouteTable.Main,
    protocol: RouteProtocol.Static,
    scope: RouteScope.Universe,
    type: RtmType.Unicast,
  }
  const via = { gateway: remote(9), oif: bridge }
  await routes.do('newroute', { header: route, dst: ipv4('198.51.100.0'), ...via, priority: 77 }, { flags: CREATE })
  const metrics = { mtu: 1300, advmss: 1200, hoplimit: 9 }
  const other = { ...route, table: 99, protocol: RouteProtocol.Bgp, tos: 0x10 }
  await routes.do('newroute', { header: other, dst: ipv4('203.0.113.0'), ...via, metrics }, { flags: CREATE })
  const black = { ...route, dstLen: 16, type: RtmType.Blackhole }
  await routes.do('newroute', { header: black, dst: ipv4('10.1.0.0') }, { flags: CREATE })
  const sixth = { ...route, family: IPV6, dstLen: 48 }
  await routes.do('newroute', { header: sixth, dst: ipv6(0, 5), gateway: ipv6(9), oif: bridge }, { flags: CREATE })
  const every = { ...route, dstLen: 0 }
  await routes.do('newroute', { header: every, ...via, prefsrc: local, table: 1234 }, { flags: CREATE })

  const rules = await open(rtRule)
  const rule = { family: IPV4, action: FrAct.ToTbl, table: 100 }
  await rules.do('newrule', { header: rule, priority: 50, fwmark: 5, fwmask: 0xff }, { flags: CREATE })
  const prohibit = { ...rule, action: FrAct.Prohibit, table: 0, srcLen: 8, dstLen: 16, tos: 0x10 }
  const between = { src: ipv4('10.0.0.0'), dst: ipv4('10.1.0.0'), iifname: 'lo', oifname: 'br-a' }
  await rules.do('newrule', { header: prohibit, priority: 51, ...between }, { flags: CREATE })
  const ports = { ipProto: 6, sportRange: { start: 1000, end: 2000 }, dportRange: { start: 80, end: 80 } }
  await rules.do('newrule', { header: rule, priority: 52, ...ports, uidRange: { start: 1, end: 5 } }, { flags: CREATE })
  const negated = { ...rule, srcLen: 32, flags: 2 }
  await rules.do(
    'newrule',
    { header: negated, priority: 53, src: ipv4('10.0.0.1'), suppressPrefixlen: 3, protocol: RouteProtocol.Static },
    { flags: CREATE },
  )
  await rules.do(
    'newrule',
    { header: { ...rule, table: 0, action: FrAct.Goto }, priority: 40, goto: 52 },
    { flags: CREATE },
  )
  const sixRule = { ...rule, family: IPV6, srcLen: 48, dstLen: 128 }
  await rules.do('newrule', { header: sixRule, priority: 60, src: ipv6(0, 5), dst: ipv6(9) }, { flags: CREATE })
  return { made, refused }
}
