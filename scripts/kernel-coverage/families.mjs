// Which headers belong to which family, and why some of their constants are not described.

/** Where constants are described. */
export const SOURCES = [
  'packages/codec/src',
  'packages/transport/src',
  'packages/transport-socket/src',
  'packages/families/src/by-hand',
  'packages/families/src/generated',
]

const nf = (...names) => names.map((name) => `linux/netfilter/${name}.h`)
const linux = (...names) => names.map((name) => `linux/${name}.h`)

/**
 * The families, in the order of the document. `complete`: a test fails when a constant of their headers is neither
 * described nor has a reason.
 * @type {{ title: string, headers: string[], complete?: boolean, byHand?: boolean, module?: string }[]}
 */
export const FAMILIES = [
  { title: 'netlink itself', headers: linux('netlink'), complete: true },
  { title: 'generic netlink', headers: linux('genetlink'), complete: true, module: 'nlctrl' },
  { title: 'nfnetlink', headers: nf('nfnetlink'), complete: true },
  { title: 'packet queues', headers: nf('nfnetlink_queue'), complete: true },
  { title: 'packet logs', headers: nf('nfnetlink_log'), complete: true },
  {
    title: 'connection tracking',
    headers: nf(
      'nfnetlink_conntrack',
      'nf_conntrack_common',
      'nf_conntrack_tcp',
      'nf_conntrack_sctp',
      'nf_conntrack_tuple_common',
    ),
    complete: true,
    module: 'conntrack',
  },
  {
    title: 'nf_tables',
    headers: nf('nf_tables', 'nf_tables_compat', 'nf_synproxy'),
    complete: true,
    module: 'nftables',
  },
  { title: 'accounting (nfacct)', headers: nf('nfnetlink_acct'), complete: true },
  { title: 'connection tracking timeouts', headers: nf('nfnetlink_cttimeout'), complete: true },
  { title: 'connection tracking helpers', headers: nf('nfnetlink_cthelper'), complete: true },
  { title: 'netfilter hooks', headers: nf('nfnetlink_hook'), complete: true },
  { title: 'ipset', headers: ['linux/netfilter/ipset/ip_set.h'], byHand: true },
  { title: 'operating system fingerprints', headers: nf('nfnetlink_osf') },
  {
    title: 'sockets (sock_diag)',
    headers: linux('sock_diag', 'inet_diag', 'unix_diag', 'netlink_diag', 'packet_diag', 'vm_sockets_diag'),
    byHand: true,
  },
  { title: 'audit', headers: linux('audit'), byHand: true },
  { title: 'xfrm', headers: linux('xfrm'), byHand: true },
  {
    title: 'rtnetlink: links, addresses, routes, neighbours, rules',
    headers: linux(
      'rtnetlink',
      'if_link',
      'if_addr',
      'neighbour',
      'fib_rules',
      'lwtunnel',
      'if_bridge',
      'nexthop',
      'netconf',
      'net_namespace',
      'if_addrlabel',
      'if_tunnel',
    ),
    module: 'rt-link, rt-addr, rt-route, rt-neigh, rt-rule',
  },
  { title: 'traffic control', headers: linux('pkt_sched', 'pkt_cls', 'gen_stats'), module: 'tc' },
  { title: 'ethtool', headers: linux('ethtool_netlink'), module: 'ethtool' },
  { title: 'devlink', headers: linux('devlink'), module: 'devlink' },
  { title: 'nl80211', headers: linux('nl80211'), module: 'nl80211' },
  { title: 'wireguard', headers: linux('wireguard'), module: 'wireguard' },
  { title: 'tcp_metrics', headers: linux('tcp_metrics'), module: 'tcp-metrics' },
  { title: 'mptcp_pm', headers: linux('mptcp'), module: 'mptcp-pm' },
  { title: 'fou', headers: linux('fou'), module: 'fou' },
  { title: 'team', headers: linux('if_team'), module: 'team' },
  { title: 'Open vSwitch', headers: linux('openvswitch'), module: 'ovs-datapath, ovs-flow, ovs-vport' },
  { title: 'netdev', headers: [], module: 'netdev' },
  { title: 'dpll', headers: [], module: 'dpll' },
  { title: 'handshake', headers: [], module: 'handshake' },
  { title: 'nfsd', headers: [], module: 'nfsd' },
  {
    title: 'families without a specification',
    headers: linux(
      ...[
        'batman_adv',
        'cgroupstats',
        'connector',
        'cn_proc',
        'cryptouser',
        'dcbnl',
        'dlm_netlink',
        'gtp',
        'hsr_netlink',
        'if_macsec',
        'ila',
      ],
      ...[
        'ioam6_genl',
        'ip_vs',
        'l2tp',
        'nbd-netlink',
        'ncsi',
        'net_dropmon',
        'nfc',
        'psample',
        'quota',
        'seg6_genl',
        'smc',
        'target_core_user',
      ],
      ...['taskstats', 'thermal', 'tipc_netlink', 'vdpa', 'wwan'],
    ),
  },
]
