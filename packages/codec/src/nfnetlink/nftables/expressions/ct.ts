/**
 * The expression `ct` of nf_tables rules, which loads or sets a property of a packet's connection
 * (uapi/linux/netfilter/nf_tables.h). Integers of the attributes are in network byte order; loaded values are in host
 * order, except ports and addresses.
 */
import { be32, u8 } from '../../../schema/describe.ts'
import { attributeSet } from '../../../schema/format.ts'

/** The property of the packet's connection that the expression `ct` loads or sets. */
export const ConntrackKey = {
  /** NFT_CT_STATE: bits of `ConntrackStateBit`, 4 bytes */
  State: 0,
  /** NFT_CT_DIRECTION: `ConntrackDirection`, 1 byte */
  Direction: 1,
  /** NFT_CT_STATUS: IPS_*, 4 bytes */
  Status: 2,
  /** NFT_CT_MARK: 4 bytes */
  Mark: 3,
  /** NFT_CT_SECMARK: 4 bytes */
  SecurityMark: 4,
  /** NFT_CT_EXPIRATION: milliseconds, 4 bytes */
  Expiration: 5,
  /** NFT_CT_HELPER: 16 bytes */
  Helper: 6,
  /** NFT_CT_L3PROTOCOL: 1 byte */
  NetworkProtocol: 7,
  /** NFT_CT_SRC: needs a direction */
  Source: 8,
  /** NFT_CT_DST: needs a direction */
  Destination: 9,
  /** NFT_CT_PROTOCOL: IPPROTO_*, 1 byte */
  TransportProtocol: 10,
  /** NFT_CT_PROTO_SRC: 2 bytes; needs a direction */
  SourcePort: 11,
  /** NFT_CT_PROTO_DST: 2 bytes; needs a direction */
  DestinationPort: 12,
  /** NFT_CT_LABELS: 16 bytes */
  Labels: 13,
  /** NFT_CT_PKTS: 8 bytes */
  Packets: 14,
  /** NFT_CT_BYTES: 8 bytes */
  Bytes: 15,
  /** NFT_CT_AVGPKT: 8 bytes */
  AveragePacket: 16,
  /** NFT_CT_ZONE: 2 bytes */
  Zone: 17,
  /** NFT_CT_EVENTMASK: 4 bytes; only set */
  EventMask: 18,
  /** NFT_CT_SRC_IP: 4 bytes; needs a direction */
  SourceIpv4: 19,
  /** NFT_CT_DST_IP: 4 bytes; needs a direction */
  DestinationIpv4: 20,
  /** NFT_CT_SRC_IP6: 16 bytes; needs a direction */
  SourceIpv6: 21,
  /** NFT_CT_DST_IP6: 16 bytes; needs a direction */
  DestinationIpv6: 22,
  /** NFT_CT_ID: 4 bytes */
  Id: 23,
} as const
export type ConntrackKey = (typeof ConntrackKey)[keyof typeof ConntrackKey]

/** Bits of the value that `ConntrackKey.State` loads. */
export const ConntrackStateBit = {
  /** NF_CT_STATE_INVALID_BIT */
  Invalid: 0x1,
  /** NF_CT_STATE_BIT(IP_CT_ESTABLISHED) */
  Established: 0x2,
  /** NF_CT_STATE_BIT(IP_CT_RELATED) */
  Related: 0x4,
  /** NF_CT_STATE_BIT(IP_CT_NEW) */
  New: 0x8,
  /** NF_CT_STATE_UNTRACKED_BIT */
  Untracked: 0x40,
} as const
export type ConntrackStateBit = (typeof ConntrackStateBit)[keyof typeof ConntrackStateBit]

/** The direction of a packet within its connection (`enum ip_conntrack_dir`). */
export const ConntrackDirection = {
  /** IP_CT_DIR_ORIGINAL */
  Original: 0,
  /** IP_CT_DIR_REPLY */
  Reply: 1,
} as const
export type ConntrackDirection = (typeof ConntrackDirection)[keyof typeof ConntrackDirection]

/** NFTA_CT_*: expression `ct`. */
export const ctAttributes = attributeSet('NFTA_CT', {
  destinationRegister: be32(1, 'NFTA_CT_DREG'),
  /** of `ConntrackKey` */
  key: be32(2, 'NFTA_CT_KEY'),
  /** of `ConntrackDirection`, for the keys that need one */
  direction: u8(3, 'NFTA_CT_DIRECTION'),
  sourceRegister: be32(4, 'NFTA_CT_SREG'),
})
