/** The values that are written to a capture, and the sinks that take them. */
import type { ByteOrder, Direction } from './block.ts'

/** The description of a file. */
export interface SectionOptions {
  readonly hardware?: string | undefined
  readonly operatingSystem?: string | undefined
  readonly application?: string | undefined
  readonly comment?: string | undefined
  /**
   * Byte order of the file; default this machine's. Packets are not changed, but readers take fields in machine order
   * inside them (all of netlink, the attributes of NFLOG) in the order of the file.
   */
  readonly byteOrder?: ByteOrder | undefined
}

/** The description of an interface, the source of packets. */
export interface InterfaceOptions {
  /** `LinkType`, or another number */
  readonly linkType: number
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly comment?: string | undefined
  /** bytes to which packets are truncated; default and maximum `MAXIMUM_CAPTURED_LENGTH` */
  readonly snapshotLength?: number | undefined
}

/** A packet to write. A `PacketBlock` that was read is one too. */
export interface PacketRecord {
  /** number that `addInterface` returned */
  readonly interface: number
  /** nanoseconds since 1970 */
  readonly at: bigint
  readonly bytes: Uint8Array
  /** bytes to write before `bytes`: the header of its link type */
  readonly header?: Uint8Array | undefined
  /** length of the whole packet in bytes, without `header`; default the length of `bytes` */
  readonly fullLength?: number | undefined
  readonly comment?: string | undefined
  /** packets lost since the previous one on its interface */
  readonly dropCount?: bigint | undefined
  readonly direction?: Direction | undefined
}

/** The counters of an interface. */
export interface InterfaceStatistics {
  /** number that `addInterface` returned */
  readonly interface: number
  /** nanoseconds since 1970 */
  readonly at: bigint
  readonly received?: bigint | undefined
  readonly dropped?: bigint | undefined
  /** when the capture began and ended */
  readonly startedAt?: bigint | undefined
  readonly endedAt?: bigint | undefined
  readonly comment?: string | undefined
}

/** A destination of packets: an encoder, a file, a rotation of files. */
export interface CaptureSink {
  /** true: too much is waiting to be written; further packets are kept in memory */
  readonly congested: boolean
  /** Describes an interface. Returns its number. */
  addInterface(options: InterfaceOptions): number
  /** Writes a packet, whose bytes are copied. Returns false when the sink is {@link congested} now. */
  writePacket(record: PacketRecord): boolean
  writeStatistics(statistics: InterfaceStatistics): void
}
