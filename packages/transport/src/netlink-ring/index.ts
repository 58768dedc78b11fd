/**
 * The memory-mapped rings of netlink (Linux 3.10 to 4.5), without system calls: the layout, both ends of both rings,
 * and the transport over them, which takes its system calls as an argument.
 */
// biome-ignore-all lint/performance/noBarrelFile: the entry of a subpath
export * from './kernel/receive.ts'
export * from './kernel/transmit.ts'
export * from './layout.ts'
export * from './receive.ts'
export * from './skip-probe.ts'
export * from './system.ts'
export * from './transmit.ts'
export * from './transport.ts'
