/** Headers and checksums of IP packets, for the packages beside this one. */
// biome-ignore-start lint/performance/noBarrelFile: the entry of `@ringlink/transport-sim/internet`
export * from './checksum.ts'
export * from './network-header.ts'
// biome-ignore-end lint/performance/noBarrelFile: the entry of `@ringlink/transport-sim/internet`
