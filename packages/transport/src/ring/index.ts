/**
 * The memory-mapped rings of netlink (Linux 3.10 to 4.5), without a system call: the layout, both ends of both rings, and
 * the transport over them, which is given its system.
 */
// biome-ignore-all lint/performance/noBarrelFile: the entry of a subpath
export * from './kernel-receive-ring.ts'
export * from './kernel-transmit-ring.ts'
export * from './layout.ts'
export * from './receive-ring.ts'
export * from './ring-system.ts'
export * from './ring-transport.ts'
export * from './skip-probe.ts'
export * from './transmit-ring.ts'
