/** What the trackers of the protocols work with. */

import type { ConntrackDirection, ConntrackEventBit } from '@ringlink/codec'
import type { Connection } from './connection.ts'
import type { ConntrackSettings } from './settings.ts'

/** What comes of a packet. */
export const Outcome = {
  Accept: 0,
  /** it belongs to no connection */
  Invalid: 1,
  /** its connection is over: look again */
  Repeat: 2,
  Drop: 3,
} as const
export type Outcome = (typeof Outcome)[keyof typeof Outcome]

/** The table of connections, as trackers need it. */
export interface TrackingHost {
  readonly settings: ConntrackSettings
  /** milliseconds */
  readonly now: number
  /** Sets the time that a connection has from now on. */
  refresh(connection: Connection, milliseconds: number): void
  note(connection: Connection, event: ConntrackEventBit): void
  /** Ends a connection; false where it has ended. */
  kill(connection: Connection): boolean
}

/** A packet of a connection. */
export interface TrackedPacket {
  /** from the network header on */
  readonly bytes: Uint8Array
  readonly family: number
  /** of the transport header */
  readonly at: number
  readonly direction: ConntrackDirection
  /** its checksum is to be verified: it comes from outside and nobody has done so */
  readonly verify: boolean
}
