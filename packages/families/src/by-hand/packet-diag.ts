/**
 * Packet sockets, which see every packet of a device (uapi/linux/packet_diag.h). Numbers are in host order.
 *
 *  request:  nlmsghdr | packet_diag_req
 *  answer:   nlmsghdr | packet_diag_msg | PACKET_DIAG_*
 */
import {
  type AttributeValues,
  askingOperation,
  attributeSet,
  field,
  flags,
  rawFamily,
  rest,
  type StructureValue,
  struct,
  structure,
  u32,
} from '@ringlink/codec'
import { socketMemoryLayout } from './sock-diag.ts'

const NETLINK_SOCK_DIAG = 4

/** The parts of each socket that a request asks for. */
export const PacketShow = {
  /** PACKET_SHOW_INFO: `info`, and `userId` with it */
  Information: 0x01,
  /** PACKET_SHOW_MCLIST */
  Memberships: 0x02,
  /** PACKET_SHOW_RING_CFG */
  Rings: 0x04,
  /** PACKET_SHOW_FANOUT */
  Fanout: 0x08,
  /** PACKET_SHOW_MEMINFO */
  Memory: 0x10,
  /** PACKET_SHOW_FILTER: with CAP_NET_ADMIN only */
  Filter: 0x20,
} as const
export type PacketShow = (typeof PacketShow)[keyof typeof PacketShow]

/** The state and options of a packet socket. */
export const PacketSocketFlag = {
  /** PDI_RUNNING: it receives */
  Running: 0x01,
  /** PDI_AUXDATA: PACKET_AUXDATA is set */
  Auxdata: 0x02,
  /** PDI_ORIGDEV: PACKET_ORIGDEV is set */
  Origdev: 0x04,
  /** PDI_VNETHDR: PACKET_VNET_HDR is set */
  Vnethdr: 0x08,
  /** PDI_LOSS: PACKET_LOSS is set */
  Loss: 0x10,
} as const
export type PacketSocketFlag = (typeof PacketSocketFlag)[keyof typeof PacketSocketFlag]

/** `struct packet_diag_req`. */
export const packetRequestLayout = structure(
  {
    /** `SocketFamily.Packet` */
    family: 'u8',
    /** 0 */
    protocol: 'u8',
    pad: 'u16',
    inode: 'u32',
    /** bits of `PacketShow` */
    show: 'u32',
    cookie: 8,
  },
  'packet_diag_req',
)
export interface PacketRequest extends StructureValue<typeof packetRequestLayout> {}

/** `struct packet_diag_msg`. */
export const packetSocketLayout = structure(
  {
    family: 'u8',
    /** of `SocketType` */
    type: 'u8',
    /** ETH_P_*: the protocol that it receives; 3 all of them */
    protocol: 'u16',
    inode: 'u32',
    cookie: 8,
  },
  'packet_diag_msg',
)
export interface PacketSocketHeader extends StructureValue<typeof packetSocketLayout> {}

const noAttributes = attributeSet('PACKET_DIAG_REQ', {})
const ringLayout = structure(
  {
    blockSize: 'u32',
    blocks: 'u32',
    frameSize: 'u32',
    frames: 'u32',
    /** milliseconds after which a block is given out that is not full */
    blockTimeout: 'u32',
    /** bytes of each block that the program has for itself */
    privateSize: 'u32',
    features: 'u32',
  },
  'packet_diag_ring',
)
const membershipLayout = structure(
  {
    device: 'u32',
    /** how often it has joined */
    count: 'u32',
    /** PACKET_MR_*: 0 multicast, 1 promiscuous, 2 all multicast, 3 unicast */
    type: 'u16',
    addressLength: 'u16',
    address: 32,
  },
  'packet_diag_mclist',
)
const instructionLayout = structure({ code: 'u16', jumpTrue: 'u8', jumpFalse: 'u8', operand: 'u32' }, 'sock_filter')

/** PACKET_DIAG_*: what is known of a socket. */
export const packetSocketAttributes = attributeSet('PACKET_DIAG', {
  info: struct(0, 'PACKET_DIAG_INFO', {
    /** 0: of every device */
    device: 'u32',
    /** of the ring: TPACKET_V1 is 0, TPACKET_V2 1, TPACKET_V3 2 */
    version: 'u32',
    /** PACKET_RESERVE: bytes before each packet in the ring */
    reserve: 'u32',
    /** PACKET_COPY_THRESH */
    copyThreshold: 'u32',
    /** PACKET_TIMESTAMP */
    timestamp: 'u32',
    flags: field('u32', { constants: flags('PDI_', PacketSocketFlag) }),
  }),
  memberships: struct(1, 'PACKET_DIAG_MCLIST', structure({ list: rest(membershipLayout) }, 'packet_diag_mclist')),
  receiveRing: struct(2, 'PACKET_DIAG_RX_RING', ringLayout),
  sendRing: struct(3, 'PACKET_DIAG_TX_RING', ringLayout),
  /** number of the group in the lower half; PACKET_FANOUT_* in the upper */
  fanout: u32(4, 'PACKET_DIAG_FANOUT'),
  userId: u32(5, 'PACKET_DIAG_UID'),
  memory: struct(6, 'PACKET_DIAG_MEMINFO', socketMemoryLayout),
  /** a program of classic BPF */
  filter: struct(7, 'PACKET_DIAG_FILTER', structure({ program: rest(instructionLayout) }, 'sock_filter')),
})
export interface PacketSocketAttributes extends AttributeValues<typeof packetSocketAttributes> {}

/** Packet sockets. */
export const packetDiag = rawFamily(
  'packet_diag',
  NETLINK_SOCK_DIAG,
  {
    get: askingOperation<
      PacketRequest,
      AttributeValues<typeof noAttributes>,
      PacketSocketHeader,
      PacketSocketAttributes
    >(
      'SOCK_DIAG_BY_FAMILY',
      { header: packetRequestLayout, attributes: noAttributes },
      { header: packetSocketLayout, attributes: packetSocketAttributes },
      { dump: { request: 20, reply: 20 } },
    ),
  },
  {},
  'af_packet_diag',
  { operation: 'get', mode: 'dump', request: { header: { family: 17 } }, errno: 2 },
)
