/**
 * The expression `tunnel` of nf_tables rules, which loads the metadata of the tunnel that a packet came through, and
 * the named object `tunnel`, which gives packets such metadata (uapi/linux/netfilter/nf_tables.h). Integers are in
 * network byte order.
 */
import { be16, be32, bytes, nested, u8 } from '../../../schema/describe.ts'
import { attributeSet } from '../../../schema/format.ts'

/** The property that the expression `tunnel` loads. */
export const TunnelKey = {
  /** NFT_TUNNEL_PATH: whether there is a tunnel, 1 byte */
  Path: 0,
  /** NFT_TUNNEL_ID: 4 bytes */
  Id: 1,
} as const
export type TunnelKey = (typeof TunnelKey)[keyof typeof TunnelKey]

/** The direction of the metadata that the expression `tunnel` looks at. */
export const TunnelMode = {
  /** NFT_TUNNEL_MODE_NONE: either */
  Either: 0,
  /** NFT_TUNNEL_MODE_RX: of packets that arrived */
  Receive: 1,
  /** NFT_TUNNEL_MODE_TX: of packets to send */
  Transmit: 2,
} as const
export type TunnelMode = (typeof TunnelMode)[keyof typeof TunnelMode]

/** Flags of the object `tunnel`. */
export const TunnelFlag = {
  /** NFT_TUNNEL_F_ZERO_CSUM_TX: the outer UDP checksum is zero */
  ZeroChecksum: 0x1,
  /** NFT_TUNNEL_F_DONT_FRAGMENT */
  DoNotFragment: 0x2,
  /** NFT_TUNNEL_F_SEQ_NUMBER */
  SequenceNumber: 0x4,
} as const
export type TunnelFlag = (typeof TunnelFlag)[keyof typeof TunnelFlag]

/** NFTA_TUNNEL_*: expression `tunnel`. */
export const tunnelAttributes = attributeSet('NFTA_TUNNEL', {
  /** of `TunnelKey` */
  key: be32(1, 'NFTA_TUNNEL_KEY'),
  destinationRegister: be32(2, 'NFTA_TUNNEL_DREG'),
  /** of `TunnelMode` */
  mode: be32(3, 'NFTA_TUNNEL_MODE'),
})

const ipv4Addresses = attributeSet('NFTA_TUNNEL_KEY_IP', {
  source: bytes(1, 'NFTA_TUNNEL_KEY_IP_SRC', 4, 4, 'ipv4'),
  destination: bytes(2, 'NFTA_TUNNEL_KEY_IP_DST', 4, 4, 'ipv4'),
})
const ipv6Addresses = attributeSet('NFTA_TUNNEL_KEY_IP6', {
  source: bytes(1, 'NFTA_TUNNEL_KEY_IP6_SRC', 16, 16, 'ipv6'),
  destination: bytes(2, 'NFTA_TUNNEL_KEY_IP6_DST', 16, 16, 'ipv6'),
  flowLabel: be32(3, 'NFTA_TUNNEL_KEY_IP6_FLOWLABEL'),
})
const vxlanOptions = attributeSet('NFTA_TUNNEL_KEY_VXLAN', {
  groupPolicy: be32(1, 'NFTA_TUNNEL_KEY_VXLAN_GBP'),
})
const erspanOptions = attributeSet('NFTA_TUNNEL_KEY_ERSPAN', {
  version: be32(1, 'NFTA_TUNNEL_KEY_ERSPAN_VERSION'),
  /** of version 1 */
  index: be32(2, 'NFTA_TUNNEL_KEY_ERSPAN_V1_INDEX'),
  /** of version 2 */
  hardwareId: u8(3, 'NFTA_TUNNEL_KEY_ERSPAN_V2_HWID'),
  /** of version 2 */
  direction: u8(4, 'NFTA_TUNNEL_KEY_ERSPAN_V2_DIR'),
})
const geneveOptions = attributeSet('NFTA_TUNNEL_KEY_GENEVE', {
  class: be16(1, 'NFTA_TUNNEL_KEY_GENEVE_CLASS'),
  type: u8(2, 'NFTA_TUNNEL_KEY_GENEVE_TYPE'),
  data: bytes(3, 'NFTA_TUNNEL_KEY_GENEVE_DATA'),
})

/** NFTA_TUNNEL_KEY_*: object `tunnel`. */
export const tunnelObjectAttributes = attributeSet('NFTA_TUNNEL_KEY', {
  id: be32(1, 'NFTA_TUNNEL_KEY_ID'),
  ipv4: nested(2, 'NFTA_TUNNEL_KEY_IP', ipv4Addresses),
  ipv6: nested(3, 'NFTA_TUNNEL_KEY_IP6', ipv6Addresses),
  /** bits of `TunnelFlag` */
  flags: be32(4, 'NFTA_TUNNEL_KEY_FLAGS'),
  typeOfService: u8(5, 'NFTA_TUNNEL_KEY_TOS'),
  timeToLive: u8(6, 'NFTA_TUNNEL_KEY_TTL'),
  sourcePort: be16(7, 'NFTA_TUNNEL_KEY_SPORT'),
  destinationPort: be16(8, 'NFTA_TUNNEL_KEY_DPORT'),
  /** of one kind of tunnel */
  options: nested(
    9,
    'NFTA_TUNNEL_KEY_OPTS',
    attributeSet('NFTA_TUNNEL_KEY_OPTS', {
      vxlan: nested(1, 'NFTA_TUNNEL_KEY_OPTS_VXLAN', vxlanOptions),
      erspan: nested(2, 'NFTA_TUNNEL_KEY_OPTS_ERSPAN', erspanOptions),
      geneve: nested(3, 'NFTA_TUNNEL_KEY_OPTS_GENEVE', geneveOptions),
    }),
  ),
})
