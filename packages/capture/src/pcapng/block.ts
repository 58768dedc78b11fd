/**
 * pcapng: the layout of its blocks (draft-ietf-opsawg-pcapng), and their owned values.
 *
 *  every block: type (4) | length (4) | body, filled up to four bytes | length again (4)
 *
 *   section header        0x0a0d0d0a  byte-order magic (4) | version (2, 2) | section length (8) | options
 *   interface description          1  link type (2) | reserved (2) | snapshot length (4) | options
 *   obsolete packet                2  interface (2) | drops (2) | time, upper and lower (4, 4) | captured (4) | original (4) | bytes | options
 *   simple packet                  3  original (4) | bytes
 *   interface statistics           5  interface (4) | time, upper and lower (4, 4) | options
 *   enhanced packet                6  interface (4) | time, upper and lower (4, 4) | captured (4) | original (4) | bytes | options
 *
 *  an option:   code (2) | length (2) | value, filled up to four bytes; the last one has code and length 0
 *
 * All numbers are in the order that the section header's magic shows. A time is the upper word of a 64-bit count of
 * units, then its lower word, each in that order.
 */

export const BlockType = {
  SectionHeader: 0x0a0d0d0a,
  InterfaceDescription: 1,
  ObsoletePacket: 2,
  SimplePacket: 3,
  InterfaceStatistics: 5,
  EnhancedPacket: 6,
} as const

/** Codes of options; from 2 on their meaning depends on the type of block. */
export const OptionCode = {
  /** opt_endofopt */
  End: 0,
  /** opt_comment */
  Comment: 1,
} as const
export const SectionOption = {
  /** shb_hardware */
  Hardware: 2,
  /** shb_os */
  OperatingSystem: 3,
  /** shb_userappl */
  Application: 4,
} as const
export const InterfaceOption = {
  /** if_name */
  Name: 2,
  /** if_description */
  Description: 3,
  /** if_tsresol: units in a second, a negative power of 10 or, with the upper bit set, of 2 */
  TimeResolution: 9,
  /** if_tsoffset: seconds to add to each time, signed */
  TimeOffset: 14,
} as const
export const PacketOption = {
  /** epb_flags: in the lowest two bits the direction */
  Flags: 2,
  /** epb_dropcount: packets lost between this one and the previous one */
  DropCount: 4,
} as const
export const StatisticsOption = {
  /** isb_starttime */
  StartTime: 2,
  /** isb_endtime */
  EndTime: 3,
  /** isb_ifrecv */
  Received: 4,
  /** isb_ifdrop */
  Dropped: 5,
} as const

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d
/** type, length, and the length again */
export const BLOCK_FRAMING = 12
export const SECTION_HEADER_BODY = 16
export const INTERFACE_BODY = 8
export const PACKET_BODY = 20
export const STATISTICS_BODY = 12
export const OPTION_HEADER = 4
/** The longest value of an option. */
export const MAXIMUM_OPTION_LENGTH = 0xffff
/** if_tsresol for nanoseconds. */
export const NANOSECONDS = 9

/** Maximum length of a block in bytes. */
export const MAXIMUM_BLOCK_LENGTH: number = 16 * 1024 * 1024
/** Maximum interfaces in one section. */
export const MAXIMUM_INTERFACES = 4096
/**
 * The longest packet that Wireshark and libpcap read (WTAP_MAX_PACKET_SIZE_STANDARD, MAXIMUM_SNAPLEN); longer ones are
 * truncated to it.
 */
export const MAXIMUM_CAPTURED_LENGTH = 262_144

/** The order of bytes in a section: that of the machine which wrote it. */
export type ByteOrder = 'little' | 'big'
/** The direction of a packet at its interface. */
export type Direction = 'inbound' | 'outbound'

/** A section begins: interfaces are numbered from 0 again. */
export interface SectionBlock {
  readonly type: 'section'
  readonly byteOrder: ByteOrder
  readonly hardware: string | undefined
  readonly operatingSystem: string | undefined
  readonly application: string | undefined
  readonly comment: string | undefined
}

/** An interface, numbered from 0 in the order in which they come. */
export interface InterfaceBlock {
  readonly type: 'interface'
  readonly interface: number
  /** `LinkType`, or another number */
  readonly linkType: number
  /** bytes that packets are cut to; 0 for none */
  readonly snapshotLength: number
  readonly name: string | undefined
  readonly description: string | undefined
  readonly comment: string | undefined
}

/** A packet. Its bytes are a window on the input, valid as long as that is unchanged. */
export interface PacketBlock {
  readonly type: 'packet'
  readonly interface: number
  readonly linkType: number
  /** nanoseconds since 1970; 0 if the file has no time (a simple packet) */
  readonly at: bigint
  readonly bytes: Uint8Array
  /** length of the whole packet in bytes, before it was truncated */
  readonly fullLength: number
  readonly comment: string | undefined
  /** packets lost since the previous one on its interface */
  readonly dropCount: bigint | undefined
  readonly direction: Direction | undefined
  /** byte order of the section: fields of the packet in machine order are in this order */
  readonly byteOrder: ByteOrder
}

/** The counters of an interface at some moment. */
export interface StatisticsBlock {
  readonly type: 'statistics'
  readonly interface: number
  readonly at: bigint
  readonly received: bigint | undefined
  readonly dropped: bigint | undefined
  /** when the capture began and ended */
  readonly startedAt: bigint | undefined
  readonly endedAt: bigint | undefined
  readonly comment: string | undefined
}

export type CaptureBlock = SectionBlock | InterfaceBlock | PacketBlock | StatisticsBlock
