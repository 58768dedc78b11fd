/**
 * Expressions of nf_tables rules that put a value into a register, or a register into the packet
 * (uapi/linux/netfilter/nf_tables.h). Integers of the attributes are in network byte order. Values in a register keep
 * their order: header fields are in network order, most of the kernel's own numbers, such as a mark, in host order.
 *
 *  registers:  0 verdict | 1 … 4 of 16 bytes each; the same 64 bytes again as 8 … 23 of 4 bytes each
 *
 * An expression that loads has a destination register, one that sets has a source register.
 */
import { be32, bytes, nested, sbe32, text } from '../../../schema/describe.ts'
import { attributeSet } from '../../../schema/format.ts'
import { MAXIMUM_NFTABLES_NAME } from '../messages.ts'

/** The registers through which the expressions of a rule pass values. */
export const Register = {
  /** NFT_REG_VERDICT: the verdict on the packet */
  Verdict: 0,
  /** NFT_REG_1: 16 bytes */
  Wide1: 1,
  /** NFT_REG_2 */
  Wide2: 2,
  /** NFT_REG_3 */
  Wide3: 3,
  /** NFT_REG_4 */
  Wide4: 4,
  /** NFT_REG32_00: 4 bytes, the first four of register 1 (NFT_REG_1); 32-bit register n is this plus n */
  Word0: 8,
  /** NFT_REG32_01 */
  Word1: 9,
  /** NFT_REG32_02 */
  Word2: 10,
  /** NFT_REG32_03 */
  Word3: 11,
  /** NFT_REG32_04 */
  Word4: 12,
  /** NFT_REG32_05 */
  Word5: 13,
  /** NFT_REG32_06 */
  Word6: 14,
  /** NFT_REG32_07 */
  Word7: 15,
  /** NFT_REG32_08 */
  Word8: 16,
  /** NFT_REG32_09 */
  Word9: 17,
  /** NFT_REG32_10 */
  Word10: 18,
  /** NFT_REG32_11 */
  Word11: 19,
  /** NFT_REG32_12 */
  Word12: 20,
  /** NFT_REG32_13 */
  Word13: 21,
  /** NFT_REG32_14 */
  Word14: 22,
  /** NFT_REG32_15 */
  Word15: 23,
} as const
export type Register = (typeof Register)[keyof typeof Register]

/** Verdicts of rules. NF_DROP (0) and NF_ACCEPT (1) are the same as in `Verdict`; the others exist only in rules. */
export const RuleVerdict = {
  /** NF_DROP */
  Drop: 0,
  /** NF_ACCEPT */
  Accept: 1,
  /** NFT_CONTINUE: continue with the next expression */
  Continue: -1,
  /** NFT_BREAK: continue with the next rule */
  Break: -2,
  /** NFT_JUMP: continue in another chain and return from it */
  Jump: -3,
  /** NFT_GOTO: continue in another chain and return to the caller of this one */
  Goto: -4,
  /** NFT_RETURN: return from this chain */
  Return: -5,
} as const
export type RuleVerdict = (typeof RuleVerdict)[keyof typeof RuleVerdict]

/** The property that the expression `meta` loads or sets. Loaded integers are in host order unless noted. */
export const MetaKey = {
  /** NFT_META_LEN: 4 bytes */
  Length: 0,
  /** NFT_META_PROTOCOL: EtherType, 2 bytes in network order */
  Protocol: 1,
  /** NFT_META_PRIORITY: 4 bytes */
  Priority: 2,
  /** NFT_META_MARK: 4 bytes */
  Mark: 3,
  /** NFT_META_IIF: index, 4 bytes */
  InputDevice: 4,
  /** NFT_META_OIF: index, 4 bytes */
  OutputDevice: 5,
  /** NFT_META_IIFNAME: 16 bytes, the name padded with zeros */
  InputDeviceName: 6,
  /** NFT_META_OIFNAME: 16 bytes, the name padded with zeros */
  OutputDeviceName: 7,
  /** NFT_META_IIFTYPE, earlier NFT_META_IFTYPE: ARPHRD_*, 2 bytes */
  InputDeviceType: 8,
  /** NFT_META_OIFTYPE: ARPHRD_*, 2 bytes */
  OutputDeviceType: 9,
  /** NFT_META_SKUID: 4 bytes */
  UserId: 10,
  /** NFT_META_SKGID: 4 bytes */
  GroupId: 11,
  /** NFT_META_NFTRACE: 1 byte; only set */
  Trace: 12,
  /** NFT_META_RTCLASSID: 4 bytes */
  Realm: 13,
  /** NFT_META_SECMARK: 4 bytes */
  SecurityMark: 14,
  /** NFT_META_NFPROTO: `Family`, 1 byte */
  Family: 15,
  /** NFT_META_L4PROTO: IPPROTO_*, 1 byte */
  TransportProtocol: 16,
  /** NFT_META_BRI_IIFNAME: 16 bytes */
  InputBridgeName: 17,
  /** NFT_META_BRI_OIFNAME: 16 bytes */
  OutputBridgeName: 18,
  /** NFT_META_PKTTYPE: PACKET_*, 1 byte */
  PacketType: 19,
  /** NFT_META_CPU: 4 bytes */
  Cpu: 20,
  /** NFT_META_IIFGROUP: 4 bytes */
  InputDeviceGroup: 21,
  /** NFT_META_OIFGROUP: 4 bytes */
  OutputDeviceGroup: 22,
  /** NFT_META_CGROUP: 4 bytes */
  ControlGroup: 23,
  /** NFT_META_PRANDOM: 4 bytes */
  Random: 24,
  /** NFT_META_SECPATH: 1 byte */
  SecurityPath: 25,
  /** NFT_META_IIFKIND: 16 bytes */
  InputDeviceKind: 26,
  /** NFT_META_OIFKIND: 16 bytes */
  OutputDeviceKind: 27,
  /** NFT_META_BRI_IIFPVID: 2 bytes */
  InputBridgePortVlan: 28,
  /** NFT_META_BRI_IIFVPROTO: 2 bytes in network order */
  InputBridgeVlanProtocol: 29,
  /** NFT_META_TIME_NS: nanoseconds since 1970, 8 bytes */
  Time: 30,
  /** NFT_META_TIME_DAY: 0 is Sunday, 1 byte */
  Day: 31,
  /** NFT_META_TIME_HOUR: seconds of the day, 4 bytes */
  Hour: 32,
  /** NFT_META_SDIF: index, 4 bytes */
  SlaveDevice: 33,
  /** NFT_META_SDIFNAME: 16 bytes */
  SlaveDeviceName: 34,
  /** NFT_META_BRI_BROUTE: 1 byte; only set */
  BridgeRoute: 35,
  /** NFT_META_BRI_IIFHWADDR: 6 bytes */
  InputBridgeHardwareAddress: 37,
} as const
export type MetaKey = (typeof MetaKey)[keyof typeof MetaKey]

/** The header from which the expression `payload` counts its offset. */
export const PayloadBase = {
  /** NFT_PAYLOAD_LL_HEADER: Ethernet */
  LinkLayer: 0,
  /** NFT_PAYLOAD_NETWORK_HEADER */
  Network: 1,
  /** NFT_PAYLOAD_TRANSPORT_HEADER */
  Transport: 2,
  /** NFT_PAYLOAD_INNER_HEADER: the payload of the transport header */
  Inner: 3,
  /** NFT_PAYLOAD_TUN_HEADER */
  Tunnel: 4,
} as const
export type PayloadBase = (typeof PayloadBase)[keyof typeof PayloadBase]

/** The checksum that is updated when `payload` sets bytes. */
export const PayloadChecksum = {
  /** NFT_PAYLOAD_CSUM_NONE */
  None: 0,
  /** NFT_PAYLOAD_CSUM_INET: RFC 791 */
  Internet: 1,
  /** NFT_PAYLOAD_CSUM_SCTP: CRC-32c */
  Sctp: 2,
} as const
export type PayloadChecksum = (typeof PayloadChecksum)[keyof typeof PayloadChecksum]

/** Flags of the checksum that `payload` updates. */
export const PayloadChecksumFlag = {
  /** NFT_PAYLOAD_L4CSUM_PSEUDOHDR: also updates the pseudo header's part of the transport checksum */
  PseudoHeader: 0x1,
} as const
export type PayloadChecksumFlag = (typeof PayloadChecksumFlag)[keyof typeof PayloadChecksumFlag]

/** NFTA_VERDICT_*. */
export const verdictAttributes = attributeSet('NFTA_VERDICT', {
  /** of `RuleVerdict` */
  code: sbe32(1, 'NFTA_VERDICT_CODE'),
  /** target chain of Jump and Goto */
  chain: text(2, 'NFTA_VERDICT_CHAIN', MAXIMUM_NFTABLES_NAME),
  /** target chain of Jump and Goto by its id within the batch, instead of the name */
  chainId: be32(3, 'NFTA_VERDICT_CHAIN_ID'),
})

/** The longest value, in bytes (`NFT_DATA_VALUE_MAXLEN`). */
export const MAXIMUM_NFTABLES_VALUE = 64

/** NFTA_DATA_*: the value that a register is set to or compared with. */
export const dataAttributes = attributeSet('NFTA_DATA', {
  /** the bytes of the register; the top of this file has their order */
  value: bytes(1, 'NFTA_DATA_VALUE', 0, MAXIMUM_NFTABLES_VALUE),
  /** for `Register.Verdict` */
  verdict: nested(2, 'NFTA_DATA_VERDICT', verdictAttributes),
})

/**
 * NFTA_IMMEDIATE_*: expression `immediate` puts a constant into a register; in the verdict register it decides the
 * packet.
 */
export const immediateAttributes = attributeSet('NFTA_IMMEDIATE', {
  destinationRegister: be32(1, 'NFTA_IMMEDIATE_DREG'),
  data: nested(2, 'NFTA_IMMEDIATE_DATA', dataAttributes),
})

/** NFTA_META_*: expression `meta`. */
export const metaAttributes = attributeSet('NFTA_META', {
  destinationRegister: be32(1, 'NFTA_META_DREG'),
  /** of `MetaKey` */
  key: be32(2, 'NFTA_META_KEY'),
  sourceRegister: be32(3, 'NFTA_META_SREG'),
})

/** NFTA_PAYLOAD_*: expression `payload`, bytes of the packet. */
export const payloadAttributes = attributeSet('NFTA_PAYLOAD', {
  destinationRegister: be32(1, 'NFTA_PAYLOAD_DREG'),
  /** of `PayloadBase` */
  base: be32(2, 'NFTA_PAYLOAD_BASE'),
  /** bytes */
  offset: be32(3, 'NFTA_PAYLOAD_OFFSET'),
  /** bytes */
  length: be32(4, 'NFTA_PAYLOAD_LEN'),
  sourceRegister: be32(5, 'NFTA_PAYLOAD_SREG'),
  /** of `PayloadChecksum` */
  checksumType: be32(6, 'NFTA_PAYLOAD_CSUM_TYPE'),
  checksumOffset: be32(7, 'NFTA_PAYLOAD_CSUM_OFFSET'),
  /** bits of `PayloadChecksumFlag` */
  checksumFlags: be32(8, 'NFTA_PAYLOAD_CSUM_FLAGS'),
})
