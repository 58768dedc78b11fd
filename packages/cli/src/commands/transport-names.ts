/** The names of transports: those of the machine, and a simulated kernel. */
export const TRANSPORT_NAMES = ['socket', 'mmap', 'sim'] as const
export type TransportName = (typeof TRANSPORT_NAMES)[number]
