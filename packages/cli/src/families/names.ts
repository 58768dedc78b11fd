/**
 * The names of the families: as the kernel's specifications have them, and of those without one, which are described by
 * hand.
 */
export const FAMILY_NAMES = [
  ...['rt-link', 'rt-addr', 'rt-route', 'rt-neigh', 'rt-rule', 'tc', 'ethtool', 'netdev', 'wireguard', 'nlctrl'],
  ...['conntrack', 'devlink', 'dpll', 'fou', 'handshake', 'mptcp_pm', 'nfsd', 'nftables', 'nl80211'],
  ...['ovs_datapath', 'ovs_flow', 'ovs_vport', 'tcp_metrics', 'team'],
  ...['inet_diag', 'unix_diag', 'netlink_diag', 'packet_diag', 'vsock_diag', 'xfrm'],
  ...['ipset', 'nfacct', 'cttimeout', 'cthelper', 'nf_hook', 'nf_osf'],
  ...['audit', 'uevent', 'iscsi', 'scsi_transport'],
] as const

/** What `ringlink monitor` watches besides single families. */
export const MONITOR_GROUPS = {
  route: ['rt-link', 'rt-addr', 'rt-route', 'rt-neigh', 'rt-rule'],
} as const
