/** What the kernel's headers say and its specifications leave out: multicast groups by number, and what brings a family. */
import type { IntegerTypeName } from './definitions.ts'

export interface Supplement {
  readonly groups?: Readonly<Record<string, number | string>>
  /** the kernel module, or the option that the kernel is built with */
  readonly module?: string
  /** sets in which the kernel sends another type than the specification says, of all attributes of that type */
  readonly types?: Readonly<Record<string, Readonly<Record<string, IntegerTypeName>>>>
}

export const supplements: Readonly<Record<string, Supplement>> = {
  conntrack: {
    module: 'nf_conntrack_netlink',
    // enum nfnetlink_groups (uapi/linux/netfilter/nfnetlink.h)
    groups: { conntrackNew: 1, conntrackUpdate: 2, conntrackDestroy: 3 },
  },
  devlink: { module: 'CONFIG_NET_DEVLINK', groups: { config: 'config' } },
  dpll: { module: 'CONFIG_DPLL' },
  ethtool: { module: 'CONFIG_ETHTOOL_NETLINK' },
  fou: { module: 'fou' },
  handshake: { module: 'CONFIG_NET_HANDSHAKE' },
  mptcp_pm: { module: 'CONFIG_MPTCP', groups: { cmds: 'mptcp_pm_cmds', events: 'mptcp_pm_events' } },
  netdev: { module: 'CONFIG_NET' },
  nfsd: { module: 'nfsd' },
  nftables: { module: 'nf_tables', groups: { nftables: 7, trace: 9 } },
  nl80211: { module: 'cfg80211' },
  nlctrl: { groups: { notify: 'notify' } },
  ovs_datapath: { module: 'openvswitch' },
  ovs_flow: { module: 'openvswitch' },
  ovs_vport: { module: 'openvswitch' },
  // br_port_fill_attrs() (net/bridge/br_netlink.c) sends a byte for each.
  'rt-link': { types: { 'linkinfo-brport-attrs': { flag: 'u8' } } },
  // enum rtnetlink_groups (uapi/linux/rtnetlink.h)
  'rt-route': { groups: { ipv4Route: 7, ipv4Mroute: 6, ipv6Route: 11, ipv6Mroute: 10, mplsRoute: 27 } },
  tc: { module: 'CONFIG_NET_SCHED' },
  tcp_metrics: { module: 'CONFIG_INET' },
  team: { module: 'team', groups: { changeEvent: 'change_event' } },
  wireguard: { module: 'wireguard' },
}
