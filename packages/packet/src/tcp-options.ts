/**
 * TCP options (RFC 9293 section 3.2): kind, length with kind and length included, value; kinds 0 and 1 are one byte.
 *
 *   maximum segment size: 2, 4, size (2)       window scale: 3, 3, shift (1)     SACK permitted: 4, 2
 *   SACK: 5, 2 + 8 n, n times start (4) and end (4)                              timestamps: 8, 10, value (4), echo (4)
 */
import { read16, read32 } from './bytes.ts'
import { OptionIterator } from './option-iterator.ts'

/** Kinds of options (IANA "TCP Option Kind Numbers"). */
export const TcpOption = {
  /** TCPOPT_NOP */
  NoOperation: 1,
  /** TCPOPT_MSS */
  MaximumSegmentSize: 2,
  /** TCPOPT_WINDOW */
  WindowScale: 3,
  /** TCPOPT_SACK_PERM */
  SackPermitted: 4,
  /** TCPOPT_SACK */
  Sack: 5,
  /** TCPOPT_TIMESTAMP */
  Timestamps: 8,
  /** TCPOPT_MD5SIG */
  Md5Signature: 19,
  /** TCPOPT_AO */
  AuthenticationOption: 29,
  /** TCPOPT_MPTCP */
  MultipathTcp: 30,
  /** TCPOPT_FASTOPEN */
  FastOpenCookie: 34,
} as const
export type TcpOption = (typeof TcpOption)[keyof typeof TcpOption]

/**
 * Walks the options of a TCP header. A property is `undefined` in an option of another kind or of an unusual length.
 */
export class TcpOptionIterator extends OptionIterator {
  get maximumSegmentSize(): number | undefined {
    return this.#is(TcpOption.MaximumSegmentSize, 4) ? read16(this.memory, this.offset + 2) : undefined
  }

  /** bits that the window is shifted by */
  get windowScale(): number | undefined {
    return this.#is(TcpOption.WindowScale, 3) ? this.memory.u8[this.offset + 2] : undefined
  }

  /** TSval */
  get timestampValue(): number | undefined {
    return this.#is(TcpOption.Timestamps, 10) ? read32(this.memory, this.offset + 2) : undefined
  }

  /** TSecr */
  get timestampEcho(): number | undefined {
    return this.#is(TcpOption.Timestamps, 10) ? read32(this.memory, this.offset + 6) : undefined
  }

  /** how many blocks a SACK option has; 0 in other options */
  get sackBlocks(): number {
    return this.kind === TcpOption.Sack && (this.length - 2) % 8 === 0 ? (this.length - 2) >> 3 : 0
  }

  /** The first sequence number of block `index` of a SACK option. */
  sackStart(index: number): number | undefined {
    return index >= 0 && index < this.sackBlocks ? read32(this.memory, this.offset + 2 + index * 8) : undefined
  }

  /** The sequence number after block `index` of a SACK option. */
  sackEnd(index: number): number | undefined {
    return index >= 0 && index < this.sackBlocks ? read32(this.memory, this.offset + 6 + index * 8) : undefined
  }

  #is(kind: number, length: number): boolean {
    return this.kind === kind && this.length === length
  }
}
