/**
 * The memory-mapped rings of netlink (Linux 3.10 to 4.5), without system calls: the layout, both ends of both rings,
 * and the transport over them, which takes its system calls as an argument.
 */
// biome-ignore-all lint/performance/noBarrelFile: the entry of a subpath
export { KernelReceiveRing, type KernelRingQuirks, RING_FULL, TOO_LARGE } from './kernel/receive.ts'
export { KernelTransmitRing, type TransmitMessage } from './kernel/transmit.ts'
export {
  checkMapping,
  checkRingRequest,
  FRAME_HEADER_LENGTH,
  type FrameDescription,
  FrameStatus,
  NO_RING,
  planRing,
  RING_REQUEST_LENGTH,
  RingFrames,
  type RingGeometry,
  RingOption,
  type RingSetup,
  readRingRequest,
  ringSize,
  writeRingRequest,
} from './layout.ts'
export { NoFrame, type ReceiveCopy, ReceiveRing, type ReceiveRingOptions } from './receive.ts'
export { stepsOverSkip } from './skip-probe.ts'
export { type OpenRingSystem, PollEvent, type RingSystem } from './system.ts'
export { TransmitRing, type Transmitted } from './transmit.ts'
export { RingStep, RingTransport, type RingTransportOptions } from './transport.ts'
