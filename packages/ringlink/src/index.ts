/**
 * ringlink: answer the packets that the Linux firewall queues, and read those that it logs. Install this package; it
 * selects the transport.
 */
export * from '@ringlink/client'
export {
  ConntrackInfo,
  Errno,
  errnoName,
  Family,
  Hook,
  isNetlinkError,
  KernelError,
  LogRecordView,
  type Memory,
  NetlinkError,
  NewFlag,
  OptionError,
  PacketInformation,
  Protocol,
  QueuePacketView,
  Verdict,
} from '@ringlink/codec'
export {
  AddressView,
  compareAddresses,
  completeChecksums,
  EtherType,
  formatAddress,
  formatPrefix,
  IpProtocol,
  type Packet,
  type PacketChanges,
  PacketEditor,
  PacketView,
  type Prefix,
  packetText,
  parseAddress,
  parsePrefix,
  prefixContains,
  TcpFlag,
  TcpView,
  transportChecksum,
  tryParseAddress,
  tryParsePrefix,
  UdpView,
} from '@ringlink/packet'
export type { OpenTransport, Transport, TransportNeeds } from '@ringlink/transport'
export { openRing, type RingOptions, type RingProbe, RingUnsupportedError } from '@ringlink/transport-mmap'
export { openSocket, type SocketOptions } from '@ringlink/transport-socket'
export type { ErrorCode } from './errors.ts'
export {
  FanOut,
  type FanOutEvents,
  type FanOutQueueStats,
  type FanOutStats,
  fanOut,
  WorkerError,
} from './fan-out/fan-out.ts'
export type { FanOutContext, FanOutModule, FanOutOptions } from './fan-out/options.ts'
export {
  type ConntrackOptions,
  type FamilyOptions,
  type InstallOptions,
  installRules,
  type LogOptions,
  openConntrack,
  openFamily,
  openLog,
  openQueue,
  openTransport,
  PREFER_RING,
  type QueueOptions,
  type TransportChoice,
} from './open.ts'
