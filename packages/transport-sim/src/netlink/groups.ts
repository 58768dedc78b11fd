import { Protocol } from '@ringlink/codec'

/** The protocol number of the database: the last one of Linux, which is unassigned. */
export const DATABASE_PROTOCOL = 31
/** Groups of generic netlink, used or not */
export const GENERIC_GROUPS = 64

/** The protocols of the simulated kernel, and how many groups a socket of each can join: as on Linux 6.18. */
export const groupCounts: ReadonlyMap<number, number> = new Map([
  [Protocol.Route, 39],
  [Protocol.Netfilter, 32],
  [Protocol.Generic, GENERIC_GROUPS],
  [DATABASE_PROTOCOL, 32],
])
