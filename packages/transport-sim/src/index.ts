/**
 * A simulated kernel: packet queues (nfnetlink_queue), packet logs (nfnetlink_log), a table with dumps, and the sockets
 * in front of them, with the transport contract. It is deterministic, needs no privileges and runs anywhere. Its
 * answers are those of Linux 6.18; docs/simulator.md lists the differences.
 */
export { VirtualClock, type VirtualTimer } from './clock.ts'
export type { ConntrackOptions, ConntrackTimeouts, TcpTimeouts } from './conntrack/settings.ts'
export {
  DATABASE_GROUP,
  type Database,
  DatabaseAttribute,
  DatabaseMessage,
} from './database.ts'
export {
  type FamilyHandlers,
  type OperationHandler,
  Refusal,
  type RefusalDetails,
  type RequestOrigin,
} from './generic/handlers.ts'
export type { RegisteredFamily } from './generic/registered-family.ts'
export { fillChecksum, fillHeaderChecksum, fillPartialChecksum } from './internet/transit.ts'
export { SimKernel } from './kernel.ts'
export type { SimKernelOptions } from './kernel-options.ts'
export type { LinuxVersion } from './linux.ts'
export { Checksum, type DeliveredPacket, type PacketMeta, type PacketOwner } from './netfilter/packet.ts'
export { type DropReason, REPEAT_LIMIT } from './netfilter/path.ts'
export type { Rule, RuleLog, RuleMatch } from './netfilter/rule.ts'
export { DATABASE_PROTOCOL } from './netlink/groups.ts'
export type { Receiver } from './netlink/receiver.ts'
export type { NfTablesOptions } from './nftables/options.ts'
export type { SimOptions, SimRingOptions } from './options.ts'
export type { RingKernelOptions } from './rings/ring-socket.ts'
export type { SimTransport } from './transport.ts'
