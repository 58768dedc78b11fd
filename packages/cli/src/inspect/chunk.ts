/** Netlink bytes and what is known of them: what every kind of input becomes. */
export interface Chunk {
  readonly bytes: Uint8Array
  /** where they come from: `sendto(3)`, `packet 7`; empty if there is nothing to say */
  readonly label: string
  /** netlink protocol; undefined: as the command line says */
  readonly protocol?: number | undefined
  readonly byteOrder?: 'little' | 'big' | undefined
}
