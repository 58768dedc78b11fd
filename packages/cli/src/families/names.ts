/** The names of the generated families, as the kernel's specifications have them. */
export const FAMILY_NAMES = [
  ...['rt-link', 'rt-addr', 'rt-route', 'rt-neigh', 'rt-rule', 'tc', 'ethtool', 'netdev', 'wireguard', 'nlctrl'],
  ...['conntrack', 'devlink', 'dpll', 'fou', 'handshake', 'mptcp_pm', 'nfsd', 'nftables', 'nl80211'],
  ...['ovs_datapath', 'ovs_flow', 'ovs_vport', 'tcp_metrics', 'team'],
] as const

/** What `ringlink monitor` watches besides single families. */
export const MONITOR_GROUPS = {
  route: ['rt-link', 'rt-addr', 'rt-route', 'rt-neigh', 'rt-rule'],
} as const
