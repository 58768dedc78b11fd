/**
 * Traffic and situations as data, and what plays them: packet builders, flows, floods and capture files; scenarios, and the
 * simulated kernel that they are played on.
 */

export { icmpPacket, icmpv6Packet, ipv4Packet, ipv6Packet, tcpPacket, udpPacket } from '@ringlink/packet'
export { type CapturedPacket, type CapturedPackets, capturedPackets } from './captured.ts'
export type { ScenarioRing } from './consumer.ts'
export * from './describe.ts'
export * from './flood.ts'
export {
  type Content,
  type Direction,
  type Endpoint,
  type FlowPacket,
  type FlowTiming,
  type IcmpFlowOptions,
  icmpFlow,
  type MixedPacket,
  mixFlows,
  type TcpFlowOptions,
  type TimedPacket,
  tcpFlow,
  type UdpFlowOptions,
  udpFlow,
} from './flows.ts'
export { type ChecksumReport, type NetworkHeader, readNetworkHeader, verifyChecksums } from './headers.ts'
export { runScenario, type ScenarioFailure, type ScenarioOptions, type ScenarioResult } from './run.ts'
export * from './scenario.ts'
export { scenarios } from './scenarios.ts'
export * from './sources.ts'
