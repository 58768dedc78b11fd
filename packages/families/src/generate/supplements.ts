/**
 * What the kernel's headers say and its specifications leave out: multicast groups by number, and what brings a family.
 */
import type { HintName, IntegerTypeName } from './definitions.ts'
import type { AttributeType } from './sets.ts'

interface AttributeCorrection {
  readonly type?: AttributeType
  readonly hint?: HintName
  readonly isBigEndian?: boolean
}

export interface Supplement {
  /** what the kernel's names of a definition's constants begin with, where the specification leaves it out */
  readonly prefixes?: Readonly<Record<string, string>>
  readonly groups?: Readonly<Record<string, number | string>>
  /** the kernel module, the option that the kernel is built with, or its first kernel: `Linux 6.3` */
  readonly module?: string
  /** sets in which the kernel sends another type than the specification says, of all attributes of that type */
  readonly types?: Readonly<Record<string, Readonly<Record<string, IntegerTypeName>>>>
  /** members of structs that are in network order, which the specification does not say */
  readonly networkOrder?: Readonly<Record<string, readonly string[]>>
  /** attributes of sets that are another address or of another type than the specification says */
  readonly attributes?: Readonly<Record<string, Readonly<Record<string, AttributeCorrection>>>>
}

export const supplements: Readonly<Record<string, Supplement>> = {
  conntrack: {
    module: 'nf_conntrack_netlink',
    // enum nfnetlink_groups (uapi/linux/netfilter/nfnetlink.h)
    groups: { conntrackNew: 1, conntrackUpdate: 2, conntrackDestroy: 3 },
    prefixes: {
      'nf-ct-tcp-flags': 'IP_CT_TCP_FLAG_',
      'nf-ct-tcp-state': 'TCP_CONNTRACK_',
      'nf-ct-sctp-state': 'SCTP_CONNTRACK_',
      'nf-ct-status': 'IPS_',
    },
  },
  devlink: {
    module: 'CONFIG_NET_DEVLINK',
    groups: { config: 'config' },
    prefixes: { 'dpipe-header-id': 'DEVLINK_DPIPE_HEADER_' },
  },
  dpll: { module: 'CONFIG_DPLL' },
  ethtool: { module: 'CONFIG_ETHTOOL_NETLINK', prefixes: { 'header-flags': 'ETHTOOL_FLAG_' } },
  fou: { module: 'fou' },
  handshake: { module: 'CONFIG_NET_HANDSHAKE' },
  mptcp_pm: {
    module: 'CONFIG_MPTCP',
    groups: { cmds: 'mptcp_pm_cmds', events: 'mptcp_pm_events' },
    // struct in_addr and in6_addr (net/mptcp/pm_netlink.c)
    attributes: {
      address: { addr4: { hint: 'ipv4' }, addr6: { hint: 'ipv6' } },
      'event-attr': {
        saddr4: { hint: 'ipv4' },
        saddr6: { hint: 'ipv6' },
        daddr4: { hint: 'ipv4' },
        daddr6: { hint: 'ipv6' },
      },
    },
  },
  netdev: { module: 'Linux 6.3' },
  nfsd: { module: 'nfsd' },
  nftables: {
    module: 'nf_tables',
    groups: { nftables: 7, trace: 9 },
    prefixes: {
      'meta-keys': 'NFT_META_',
      'bitwise-ops': 'NFT_BITWISE_',
      'cmp-ops': 'NFT_CMP_',
      'object-type': 'NFT_OBJECT_',
      'nat-range-flags': 'NF_NAT_RANGE_',
      'table-flags': 'NFT_TABLE_F_',
      'chain-flags': 'NFT_CHAIN_',
      'set-flags': 'NFT_SET_',
      'set-elem-flags': 'NFT_SET_ELEM_',
      'ct-keys': 'NFT_CT_',
      'ct-direction': 'IP_CT_DIR_',
      'quota-flags': 'NFT_QUOTA_F_',
      'fib-flags': 'NFTA_FIB_F_',
      'reject-types': 'NFT_REJECT_',
      'reject-inet-code': 'NFT_REJECT_',
      'payload-base': 'NFT_PAYLOAD_',
      'range-ops': 'NFT_RANGE_',
      registers: 'NFT_',
      'numgen-types': 'NFT_NG_',
      'log-level': 'NFT_LOGLEVEL_',
      'log-flags': 'NF_LOG_',
    },
  },
  nl80211: {
    module: 'cfg80211',
    prefixes: {
      commands: 'NL80211_CMD_',
      'feature-flags': 'NL80211_FEATURE_',
      'channel-type': 'NL80211_CHAN_',
      'protocol-features': 'NL80211_PROTOCOL_FEATURE_',
    },
  },
  nlctrl: { groups: { notify: 'notify' }, prefixes: { 'op-flags': 'GENL_', 'attr-type': 'NL_ATTR_TYPE_' } },
  ovs_datapath: { module: 'openvswitch' },
  ovs_flow: { module: 'openvswitch' },
  ovs_vport: { module: 'openvswitch' },
  // br_port_fill_attrs() (net/bridge/br_netlink.c) sends a byte for each.
  'rt-link': {
    types: { 'linkinfo-brport-attrs': { flag: 'u8' } },
    // struct ifla_bridge_id (uapi/linux/if_link.h) has two bytes, the upper one first.
    networkOrder: { 'ifla-bridge-id': ['prio'] },
    // br_fill_info() (net/bridge/br_netlink.c) sends __be16.
    attributes: { 'linkinfo-bridge-attrs': { 'vlan-protocol': { isBigEndian: true } } },
    prefixes: {
      'vlan-protocols': 'ETH_P_',
      'ipv4-devconf': 'IPV4_DEVCONF_',
      'ipv6-devconf': 'DEVCONF_',
      'ifla-icmp6-stats': 'ICMP6_MIB_',
      'ifla-inet6-stats': 'IPSTATS_MIB_',
      'vlan-flags': 'VLAN_FLAG_',
      'ifla-vf-link-state-enum': 'IFLA_VF_LINK_STATE_',
      'rtext-filter': 'RTEXT_FILTER_',
      'netkit-mode': 'NETKIT_',
      'netkit-scrub': 'NETKIT_SCRUB_',
    },
  },
  'rt-neigh': {
    prefixes: { 'nud-state': 'NUD_', 'ntf-flags': 'NTF_', 'ntf-ext-flags': 'NTF_EXT_', 'rtm-type': 'RTN_' },
  },
  // enum rtnetlink_groups (uapi/linux/rtnetlink.h)
  'rt-route': { groups: { ipv4Route: 7, ipv4Mroute: 6, ipv6Route: 11, ipv6Mroute: 10, mplsRoute: 27 } },
  // fib6_rule_policy (net/ipv6/fib6_rules.c): 4 bytes only of IPv4.
  'rt-rule': {
    prefixes: { 'fr-act': 'FR_ACT_' },
    attributes: {
      'fib-rule-attrs': {
        dst: { type: 'binary', hint: 'ipv4-or-v6' },
        src: { type: 'binary', hint: 'ipv4-or-v6' },
      },
    },
  },
  tc: { module: 'CONFIG_NET_SCHED', prefixes: { 'cls-flags': 'TCA_CLS_FLAGS_' } },
  tcp_metrics: { module: 'CONFIG_INET' },
  team: { module: 'team', groups: { changeEvent: 'change_event' } },
  wireguard: { module: 'wireguard' },
}
