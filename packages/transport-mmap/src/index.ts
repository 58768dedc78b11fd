/**
 * Netlink over memory shared with the kernel: netlink's own rings (Linux 3.10 to 4.5), or io_uring (6.0 and newer).
 *
 * @packageDocumentation
 */
export { openNetlinkRing } from './netlink/open.ts'
export type { NetlinkRingOptions } from './netlink/options.ts'
export { probeNetlinkRing } from './netlink/probe.ts'
export { openRing, type RingOptions, RingUnsupportedError, ringMembers } from './open-ring.ts'
export type { RingProbe } from './probe.ts'
export { openUring } from './uring/open-uring.ts'
export type { UringOptions } from './uring/options.ts'
export { probeUring, type UringProbe, type UringProbeOptions, type UringRefusal } from './uring/probe.ts'
