/**
 * Traffic and situations as data, and what plays them: packet builders, flows, floods and capture files; scenarios, and
 * the simulated kernel that they are played on.
 */

export { icmpPacket, icmpv6Packet, ipv4Packet, ipv6Packet, tcpPacket, udpPacket } from '@ringlink/packet'
export { type CapturedPacket, type CapturedPackets, capturedPackets } from './captured.ts'
export type { ScenarioRing } from './consumer.ts'
export {
  describePacket,
  formatPacket,
  type IcmpDescription,
  type MalformedDescription,
  type NetworkDescription,
  type OtherDescription,
  type PacketDescription,
  type TcpDescription,
  tcpFlagNames,
  type UdpDescription,
} from './describe.ts'
export {
  type EchoFloodOptions,
  echoFlood,
  Flood,
  type FloodOptions,
  synFlood,
  type UdpFloodOptions,
  udpFlood,
} from './flood.ts'
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
export {
  type AdvanceStep,
  type AtomicStep,
  type ChangeRowStep,
  type ConsumerStep,
  type ConsumeStep,
  DEFAULT_COPY_RANGE,
  type ExpectDumpStep,
  type Expected,
  type ExpectPathStep,
  type ExpectQueueStep,
  type ExpectReceivedStep,
  type FillTableStep,
  type InjectStep,
  type LogRule,
  meetsExpectation,
  type OpenLogStep,
  type OpenQueueStep,
  type OpenSessionStep,
  type PacketMatch,
  type QueueRule,
  type ReadDumpStep,
  type RepeatStep,
  type Scenario,
  type ScenarioRule,
  type ScenarioStep,
  type ScheduledStep,
  type StartDumpStep,
  scenarioSteps,
  type VerdictPolicy,
} from './scenario.ts'
export { scenarios } from './scenarios.ts'
export { type FloodPace, type PacketList, type PacketMix, type PacketSource, sourcePackets } from './sources.ts'
