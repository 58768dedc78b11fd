/** Loads the module of a family: only that one. */
import { type FamilyDescription, quoteText } from '@ringlink/codec'
import { didYouMean } from '../command-line/nearest.ts'
import { UsageError } from '../command-line/values.ts'
import { FAMILY_NAMES } from './names.ts'

type Name = (typeof FAMILY_NAMES)[number]

const loaders: Readonly<Record<Name, () => Promise<FamilyDescription>>> = {
  'rt-link': async () => (await import('@ringlink/families/rt-link')).rtLink,
  'rt-addr': async () => (await import('@ringlink/families/rt-addr')).rtAddr,
  'rt-route': async () => (await import('@ringlink/families/rt-route')).rtRoute,
  'rt-neigh': async () => (await import('@ringlink/families/rt-neigh')).rtNeigh,
  'rt-rule': async () => (await import('@ringlink/families/rt-rule')).rtRule,
  tc: async () => (await import('@ringlink/families/tc')).tc,
  ethtool: async () => (await import('@ringlink/families/ethtool')).ethtool,
  netdev: async () => (await import('@ringlink/families/netdev')).netdev,
  wireguard: async () => (await import('@ringlink/families/wireguard')).wireguard,
  nlctrl: async () => (await import('@ringlink/families/nlctrl')).nlctrl,
  conntrack: async () => (await import('@ringlink/families/conntrack')).conntrack,
  devlink: async () => (await import('@ringlink/families/devlink')).devlink,
  dpll: async () => (await import('@ringlink/families/dpll')).dpll,
  fou: async () => (await import('@ringlink/families/fou')).fou,
  handshake: async () => (await import('@ringlink/families/handshake')).handshake,
  mptcp_pm: async () => (await import('@ringlink/families/mptcp-pm')).mptcpPm,
  nfsd: async () => (await import('@ringlink/families/nfsd')).nfsd,
  nftables: async () => (await import('@ringlink/families/nftables')).nftables,
  nl80211: async () => (await import('@ringlink/families/nl80211')).nl80211,
  ovs_datapath: async () => (await import('@ringlink/families/ovs-datapath')).ovsDatapath,
  ovs_flow: async () => (await import('@ringlink/families/ovs-flow')).ovsFlow,
  ovs_vport: async () => (await import('@ringlink/families/ovs-vport')).ovsVport,
  tcp_metrics: async () => (await import('@ringlink/families/tcp-metrics')).tcpMetrics,
  team: async () => (await import('@ringlink/families/team')).team,
  inet_diag: async () => (await import('@ringlink/families/inet-diag')).inetDiag,
  unix_diag: async () => (await import('@ringlink/families/unix-diag')).unixDiag,
  netlink_diag: async () => (await import('@ringlink/families/netlink-diag')).netlinkDiag,
  packet_diag: async () => (await import('@ringlink/families/packet-diag')).packetDiag,
  vsock_diag: async () => (await import('@ringlink/families/vsock-diag')).vsockDiag,
  xfrm: async () => (await import('@ringlink/families/xfrm')).xfrm,
  ipset: async () => (await import('@ringlink/families/ipset')).ipset,
  nfacct: async () => (await import('@ringlink/families/nfacct')).nfacct,
  cttimeout: async () => (await import('@ringlink/families/cttimeout')).cttimeout,
  cthelper: async () => (await import('@ringlink/families/cthelper')).cthelper,
  nf_osf: async () => (await import('@ringlink/families/osf')).osf,
  nf_hook: async () => (await import('@ringlink/families/hook')).netfilterHook,
  audit: async () => (await import('@ringlink/families/audit')).audit,
  iscsi: async () => (await import('@ringlink/families/iscsi')).iscsi,
  scsi_transport: async () => (await import('@ringlink/families/scsi-transport')).scsiTransport,
  uevent: async () => (await import('@ringlink/families/uevent')).kernelEvents,
}

/** The family called `name`, in any spelling. Throws `UsageError`. */
export async function loadFamily(name: string): Promise<FamilyDescription> {
  const found = nameAmong(name, FAMILY_NAMES)
  if (found === undefined) {
    throw new UsageError(
      `no family ${quoteText(name)}${didYouMean(name, FAMILY_NAMES)}; there are ${FAMILY_NAMES.join(', ')}`,
    )
  }
  return loaders[found]()
}

/** The name that `given` is another spelling of: `dev-get`, `devGet`. */
export function nameAmong<Known extends string>(given: string, known: readonly Known[]): Known | undefined {
  const plain = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  return known.find((name) => plain(name) === plain(given))
}
