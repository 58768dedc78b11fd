/**
 * pcapng in memory: writing, reading, and the link types of netlink. It uses no files and no process, so it runs in a
 * browser.
 */
// biome-ignore-start lint/performance/noBarrelFile: the entry of `@ringlink/capture/pcapng`
export {
  type ByteOrder,
  type CaptureBlock,
  type Direction,
  type InterfaceBlock,
  MAXIMUM_BLOCK_LENGTH,
  MAXIMUM_CAPTURED_LENGTH,
  MAXIMUM_INTERFACES,
  type PacketBlock,
  type SectionBlock,
  type StatisticsBlock,
} from './block.ts'
export { PcapngDecoder } from './decoder.ts'
export { PcapngEncoder } from './encoder.ts'
export { openLinkLayer, type PacketContents } from './link-layer.ts'
export { LinkType, linkTypeName } from './link-type.ts'
export { type BlockDecoder, type ByteSource, decodePcapng, PcapngReader, readPcapng } from './reader.ts'
export {
  type MessageSource,
  messagesInHostOrder,
  NETLINK_COOKED_LENGTH,
  type NetlinkPacket,
  netlinkPacket,
  netlinkRecord,
  nflogMessage,
  nflogRecord,
  packetRecord,
  type RecordDetails,
} from './record.ts'
export type { CaptureSink, InterfaceOptions, InterfaceStatistics, PacketRecord, SectionOptions } from './sink.ts'
// biome-ignore-end lint/performance/noBarrelFile: the entry of `@ringlink/capture/pcapng`
