/** What is written to a capture, and where it is written to. */
import type { ByteOrder, Direction } from './block.ts'

/** What the file says of itself. */
export interface SectionOptions {
  readonly hardware?: string | undefined
  readonly operatingSystem?: string | undefined
  readonly application?: string | undefined
  readonly comment?: string | undefined
  /**
   * Order of the numbers of the file; default this machine's. Packets are not touched by it: what is in the order of a machine
   * inside them (all of netlink, the attributes of NFLOG) is read in the order of the file.
   */
  readonly byteOrder?: ByteOrder | undefined
}

/** Where packets come from. */
export interface InterfaceOptions {
  /** `LinkType`, or another number */
  readonly linkType: number
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly comment?: string | undefined
  /** bytes to cut packets to; default, and at most, `MAXIMUM_CAPTURED_LENGTH` */
  readonly snapshotLength?: number | undefined
}

/** A packet to be written. A `PacketBlock` that was read is one too. */
export interface PacketRecord {
  /** what `addInterface` returned */
  readonly interface: number
  /** nanoseconds since 1970 */
  readonly at: bigint
  readonly bytes: Uint8Array
  /** bytes that belong before `bytes`: the header that its link type has */
  readonly header?: Uint8Array | undefined
  /** bytes that the packet had before it was cut, those of `header` not among them; default all that are given */
  readonly fullLength?: number | undefined
  readonly comment?: string | undefined
  /** packets lost since the one before it on its interface */
  readonly dropCount?: bigint | undefined
  readonly direction?: Direction | undefined
}

/** What an interface has counted. */
export interface InterfaceStatistics {
  /** what `addInterface` returned */
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

/** Where packets are written to: an encoder, a file, a rotation of files. */
export interface CaptureSink {
  /** true: too much is waiting to be written; what is given anyway is kept in memory */
  readonly congested: boolean
  /** Describes an interface; its number. */
  addInterface(options: InterfaceOptions): number
  /** Takes a packet: its bytes are copied. False when the sink is {@link congested} now. */
  writePacket(record: PacketRecord): boolean
  writeStatistics(statistics: InterfaceStatistics): void
}
