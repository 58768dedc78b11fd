/**
 * Packet captures. {@link openCapture} writes pcapng, {@link readCapture} reads pcapng and classic pcap, {@link record}
 * saves the frames of a transport, {@link openReplay} plays them back.
 */

export {
  type BlockDecoder,
  type ByteOrder,
  type ByteSource,
  type CaptureBlock,
  type CaptureSink,
  type Direction,
  decodePcapng,
  type InterfaceBlock,
  type InterfaceOptions,
  type InterfaceStatistics,
  LinkType,
  linkTypeName,
  MAXIMUM_BLOCK_LENGTH,
  MAXIMUM_CAPTURED_LENGTH,
  MAXIMUM_INTERFACES,
  type MessageSource,
  messagesInHostOrder,
  NETLINK_COOKED_LENGTH,
  type NetlinkPacket,
  netlinkPacket,
  netlinkRecord,
  nflogMessage,
  nflogRecord,
  openLinkLayer,
  type PacketBlock,
  type PacketContents,
  type PacketRecord,
  PcapngDecoder,
  PcapngEncoder,
  PcapngReader,
  packetRecord,
  type RecordDetails,
  readPcapng,
  type SectionBlock,
  type SectionOptions,
  type StatisticsBlock,
} from './pcapng/index.ts'
export { CaptureDecoder } from './read/decoder.ts'
export { inputStream } from './read/input-file.ts'
export { CaptureReader, type ReadOptions, readCapture } from './read/reader.ts'
export { type Recorder, type RecordOptions, record } from './recorder.ts'
export { type ReplayClock, systemClock } from './replay/clock.ts'
export type { Replay, ReplayOptions } from './replay/options.ts'
export { openReplay } from './replay/replay.ts'
export { Capture, type CaptureOptions, openCapture } from './write/capture.ts'
export { openRotatingCapture, RotatingCapture, type RotationOptions } from './write/rotation.ts'
