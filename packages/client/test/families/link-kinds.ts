/**
 * What `ip -json -details` shows of each kind of device and of each kind of port, by our values: `info_data` and
 * `info_slave_data`.
 */
import { addressText, hardware, type Readers } from './shown-fields.ts'

/** The values of a kind's data. */
export type Data = Readonly<Record<string, unknown>>

const clock = 'a timer, which ran on between the two readings'
const camel = (name: string) => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
const count = (data: Data, name: string) => Number(data[name])
const isSet = (data: Data, name: string) => count(data, name) !== 0
const bytes = (data: Data, name: string) => data[name] as Uint8Array | undefined

/** Fields that have our name in snake case, and are numbers in both. */
const numbers = (...names: string[]): Readers<Data> =>
  Object.fromEntries(names.map((name) => [name, (data: Data) => count(data, camel(name))]))
/** Fields that are numbers of ours and `true` or `false` there. */
const booleans = (names: Readonly<Record<string, string>>): Readers<Data> =>
  Object.fromEntries(Object.entries(names).map(([name, ours]) => [name, (data: Data) => isSet(data, ours)]))

function bridgeId(data: Data, name: string): string {
  const { prio, addr } = data[name] as { prio: number; addr: Uint8Array }
  // ip leaves out zeros.
  return `${prio.toString(16).padStart(4, '0')}.${Array.from(addr, (byte) => byte.toString(16)).join(':')}`
}
const option = (bit: number) => (data: Data) =>
  ((data.multiBoolopt as { optval: number } | undefined)?.optval ?? 0) & bit ? 1 : 0

const bridge: Readers<Data> = {
  ...numbers(
    ...['forward_delay', 'hello_time', 'max_age', 'ageing_time', 'stp_state', 'priority', 'vlan_filtering'],
    ...['vlan_default_pvid', 'vlan_stats_enabled', 'vlan_stats_per_port', 'root_port', 'root_path_cost'],
    ...['topology_change', 'topology_change_detected', 'mcast_router', 'mcast_snooping', 'mcast_query_use_ifaddr'],
    ...['mcast_querier', 'mcast_hash_elasticity', 'mcast_hash_max', 'mcast_last_member_cnt'],
    ...['mcast_startup_query_cnt', 'mcast_last_member_intvl', 'mcast_membership_intvl', 'mcast_querier_intvl'],
    ...['mcast_query_intvl', 'mcast_query_response_intvl', 'mcast_startup_query_intvl', 'mcast_stats_enabled'],
    ...['mcast_igmp_version', 'mcast_mld_version', 'nf_call_iptables', 'nf_call_ip6tables', 'nf_call_arptables'],
  ),
  vlan_protocol: ({ vlanProtocol }) => ({ 33024: '802.1Q', 34984: '802.1ad' })[String(vlanProtocol)],
  bridge_id: (data) => bridgeId(data, 'bridgeId'),
  root_id: (data) => bridgeId(data, 'rootId'),
  hello_timer: clock,
  tcn_timer: clock,
  topology_change_timer: clock,
  gc_timer: clock,
  group_fwd_mask: (data) => count(data, 'groupFwdMask').toString(16),
  group_addr: (data) => hardware(bytes(data, 'groupAddr')),
  no_linklocal_learn: option(1),
  mcast_vlan_snooping: option(2),
}

const portStates = ['disabled', 'listening', 'learning', 'forwarding', 'blocking']
const bridgePort: Readers<Data> = {
  ...numbers('priority', 'cost', 'designated_port', 'designated_cost', 'topology_change_ack', 'config_pending'),
  ...numbers('multicast_router'),
  ...booleans({
    hairpin: 'mode',
    guard: 'guard',
    root_block: 'protect',
    fastleave: 'fastLeave',
    learning: 'learning',
    flood: 'unicastFlood',
    proxy_arp: 'proxyarp',
    proxy_arp_wifi: 'proxyarpWifi',
    mcast_flood: 'mcastFlood',
    bcast_flood: 'bcastFlood',
    mcast_to_unicast: 'mcastToUcast',
    neigh_suppress: 'neighSuppress',
    vlan_tunnel: 'vlanTunnel',
    isolated: 'isolated',
    locked: 'locked',
  }),
  state: (data) => portStates[count(data, 'state')],
  id: (data) => `0x${count(data, 'id').toString(16)}`,
  no: (data) => `0x${count(data, 'no').toString(16)}`,
  bridge_id: (data) => bridgeId(data, 'bridgeId'),
  root_id: (data) => bridgeId(data, 'rootId'),
  hold_timer: clock,
  message_age_timer: clock,
  forward_delay_timer: clock,
  group_fwd_mask: (data) => count(data, 'groupFwdMask').toString(16),
  group_fwd_mask_str: (data) => `0x${count(data, 'groupFwdMask').toString(16)}`,
}

const vlan: Readers<Data> = {
  ...numbers('id'),
  protocol: ({ protocol }) => ({ 33024: '802.1Q', 34984: '802.1ad' })[String(protocol)],
  flags: ({ flags }) => {
    const bits = (flags as { flags: number }).flags
    return ['REORDER_HDR', 'GVRP', 'LOOSE_BINDING', 'MVRP'].filter((_, bit) => (bits & (1 << bit)) !== 0)
  },
}

/** An address of a tunnel; `any` where it is zero, or is not there. */
const endpoint = (name: string) => (data: Data) => {
  const address = bytes(data, name)
  return address?.some((byte) => byte !== 0) ? addressText(address) : 'any'
}
const key = (name: string) => (data: Data) =>
  [24, 16, 8, 0].map((shift) => (count(data, name) >>> shift) & 255).join('.')
/** What tunnels of IPv4 have. */
const tunnel: Readers<Data> = {
  local: endpoint('local'),
  remote: endpoint('remote'),
  ...numbers('ttl'),
  ikey: key('ikey'),
  okey: key('okey'),
  pmtudisc: (data) => isSet(data, 'pmtudisc'),
}
const protocol = (names: Readonly<Record<number, string>>) => (data: Data) => names[count(data, 'proto')]
const flow = (data: Data) => count(data, 'flowinfo')

const bond: Readers<Data> = {
  ...numbers('miimon', 'updelay', 'downdelay', 'use_carrier', 'arp_interval', 'resend_igmp', 'num_peer_notif'),
  ...numbers('all_slaves_active', 'min_links', 'lp_interval', 'packets_per_slave', 'tlb_dynamic_lb'),
  mode: (data) => ['balance-rr', 'active-backup', 'balance-xor', 'broadcast', '802.3ad'][count(data, 'mode')],
  peer_notify_delay: (data) => count(data, 'peerNotifDelay'),
  arp_missed_max: (data) => count(data, 'missedMax'),
  arp_validate: (data) => (isSet(data, 'arpValidate') ? data.arpValidate : null),
  arp_all_targets: (data) => ['any', 'all'][count(data, 'arpAllTargets')],
  primary_reselect: (data) => ['always', 'better', 'failure'][count(data, 'primaryReselect')],
  fail_over_mac: (data) => ['none', 'active', 'follow'][count(data, 'failOverMac')],
  xmit_hash_policy: (data) => ['layer2', 'layer3+4', 'layer2+3'][count(data, 'xmitHashPolicy')],
  ad_lacp_active: (data) => ['off', 'on'][count(data, 'adLacpActive')],
  ad_lacp_rate: (data) => ['slow', 'fast'][count(data, 'adLacpRate')],
  ad_select: (data) => ['stable', 'bandwidth', 'count'][count(data, 'adSelect')],
}

/** The readers of each kind of device. */
export const kindReaders: Readonly<Record<string, Readers<Data>>> = {
  bridge,
  vlan,
  bond,
  vrf: numbers('table'),
  ipip: { ...tunnel, proto: protocol({ 0: 'any', 4: 'ipip' }) },
  sit: {
    ...tunnel,
    proto: protocol({ 0: 'any', 4: 'ipip', 41: 'ip6ip' }),
    prefix: (data) => addressText(bytes(data, '6rdPrefix')),
    prefixlen: (data) => count(data, '6rdPrefixlen'),
  },
  gre: tunnel,
  gretap: tunnel,
  erspan: { ...tunnel, ...numbers('erspan_index', 'erspan_ver') },
  vti: tunnel,
  ip6tnl: {
    ...tunnel,
    ...numbers('encap_limit'),
    proto: protocol({ 0: 'any', 4: 'ipip6', 41: 'ip6ip6' }),
    tclass: (data) => `0x${((flow(data) >>> 20) & 255).toString(16).padStart(2, '0')}`,
    flowlabel: (data) => `0x${(flow(data) & 0xfffff).toString(16).padStart(5, '0')}`,
  },
  geneve: {
    ...tunnel,
    ...numbers('id', 'port'),
    ...booleans({
      udp_csum: 'udpCsum',
      udp_zero_csum6_tx: 'udpZeroCsum6Tx',
      udp_zero_csum6_rx: 'udpZeroCsum6Rx',
    }),
    df: (data) => ['unset', 'set', 'inherit'][count(data, 'df')],
  },
}
/** Kinds with data that the specification does not describe: it is kept as bytes. */
export const undescribed: readonly string[] = ['macvlan', 'vxlan']
/** The readers of each kind of port. */
export const portReaders: Readonly<Record<string, Readers<Data>>> = { bridge: bridgePort }
