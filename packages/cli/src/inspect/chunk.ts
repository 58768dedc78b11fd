/** Netlink bytes with their origin: the result of every kind of input. */
export interface Chunk {
  readonly bytes: Uint8Array
  /** where they come from: `sendto(3)`, `packet 7`; empty if unknown */
  readonly label: string
  /** netlink protocol; undefined: that of the command line */
  readonly protocol?: number | undefined
  readonly byteOrder?: 'little' | 'big' | undefined
}
