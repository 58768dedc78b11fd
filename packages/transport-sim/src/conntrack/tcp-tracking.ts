/** What connection tracking remembers of a TCP connection, and the states that it goes through. */

import { TcpTrackingFlag, TcpTrackingState } from '@ringlink/codec'

/** `enum tcp_conntrack`. The values from Count on are outcomes of a step, not states. */
export const TcpState = { ...TcpTrackingState, Count: 10, Ignore: 11 } as const

/** Which of the flags RST, SYN, FIN and ACK decides. */
export const TcpKind = { Syn: 0, SynAck: 1, Fin: 2, Ack: 3, Reset: 4, None: 5 } as const

/** TCP flags of a header. */
export const HeaderFlag = {
  Fin: 0x01,
  Syn: 0x02,
  Reset: 0x04,
  Push: 0x08,
  Ack: 0x10,
  Urgent: 0x20,
  Ece: 0x40,
  Cwr: 0x80,
} as const

const NO = TcpState.Count
const IG = TcpState.Ignore
const allTo = (state: number, first: number = NO) => [first, ...Array.from({ length: 9 }, () => state)]

/** The next state, by direction, kind of segment and present state. FIN and RST do the same in both directions. */
const FIN = [NO, NO, 4, 4, 6, 6, 6, 7, 8, NO]
const RESET = allTo(TcpState.Close)
const NOTHING = allTo(NO)
const transitions: readonly (readonly (readonly number[])[])[] = [
  [
    [1, 1, IG, IG, IG, IG, IG, 1, 1, 9],
    [NO, NO, 2, NO, NO, NO, NO, NO, NO, 2],
    FIN,
    [3, NO, 3, 3, 5, 5, 7, 7, 8, NO],
    RESET,
    NOTHING,
  ],
  [
    [NO, 9, NO, NO, NO, NO, NO, 1, NO, 9],
    [NO, 2, IG, IG, IG, IG, IG, IG, IG, 2],
    FIN,
    [NO, IG, 2, 3, 5, 5, 7, 7, 8, IG],
    RESET,
    NOTHING,
  ],
]

/** What a segment leads to: a state, `Ignore`, or `Count` where it is invalid. */
export function nextState(direction: number, kind: number, state: number): number {
  return transitions[direction]?.[kind]?.[state] ?? NO
}

/** What is known of one side (`ip_ct_tcp_state`). Numbers are those of 32 bits without a sign. */
export class TcpSide {
  /** the highest sequence number it has sent, and one */
  end = 0
  /** the highest that the other side has room for */
  maximumEnd = 0
  maximumWindow = 0
  /** the highest that it has acknowledged */
  maximumAck = 0
  scale = 0
  /** bits of `TcpFlag` */
  flags = 0

  reset(): void {
    this.end = 0
    this.maximumEnd = 0
    this.maximumWindow = 0
    this.maximumAck = 0
    this.scale = 0
    this.flags &= TcpTrackingFlag.BeLiberal
  }
}

/** The segment that counted last, or was let pass last. */
export class LastSegment {
  kind: number = TcpKind.None
  direction = 0
  sequence = 0
  ack = 0
  end = 0
  window = 0
  scale = 0
  /** bits of `TcpFlag` */
  flags = 0
}

/** `struct ip_ct_tcp` */
export class TcpTracking {
  state: number = TcpState.None
  readonly sides: readonly [TcpSide, TcpSide] = [new TcpSide(), new TcpSide()]
  readonly last: LastSegment = new LastSegment()
  retransmissions = 0
}

/** A segment of a packet. */
export class TcpSegment {
  readonly flags: number
  readonly sequence: number
  readonly ack: number
  readonly window: number
  /** the sequence number after it */
  readonly end: number
  #view: DataView
  #options: number
  #headerEnd: number

  /** @param at of the header, of which 20 bytes are there */
  constructor(bytes: Uint8Array, at: number) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = view
    this.flags = view.getUint8(at + 13)
    this.sequence = view.getUint32(at + 4)
    this.ack = view.getUint32(at + 8)
    this.window = view.getUint16(at + 14)
    this.#options = at + 20
    this.#headerEnd = at + (view.getUint8(at + 12) >> 4) * 4
    const counted = (this.has(HeaderFlag.Syn) ? 1 : 0) + (this.has(HeaderFlag.Fin) ? 1 : 0)
    this.end = (this.sequence + bytes.length - this.#headerEnd + counted) >>> 0
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0
  }

  get kind(): number {
    if (this.has(HeaderFlag.Reset)) return TcpKind.Reset
    if (this.has(HeaderFlag.Syn)) return this.has(HeaderFlag.Ack) ? TcpKind.SynAck : TcpKind.Syn
    if (this.has(HeaderFlag.Fin)) return TcpKind.Fin
    return this.has(HeaderFlag.Ack) ? TcpKind.Ack : TcpKind.None
  }

  /** Notes in `side` what the options of a SYN allow; nothing changes without options. */
  readOptions(side: { scale: number; flags: number }): void {
    if (this.#headerEnd === this.#options) return
    side.scale = 0
    side.flags &= TcpTrackingFlag.BeLiberal
    for (const { kind, at, length } of this.#eachOption()) {
      if (kind === OPTION.sackPermitted && length === 2) side.flags |= TcpTrackingFlag.SelectiveAcknowledgement
      if (kind !== OPTION.windowScale || length !== 3) continue
      side.scale = Math.min(this.#view.getUint8(at + 2), MAXIMUM_SCALE)
      side.flags |= TcpTrackingFlag.WindowScale
    }
  }

  /** The highest right edge of the blocks that it acknowledges selectively, if that is after `ack`. */
  highestSack(ack: number): number {
    let highest = ack
    for (const { kind, at, length } of this.#eachOption()) {
      if (kind !== OPTION.sack || length < 10 || (length - 2) % 8 !== 0) continue
      for (let edge = at + 6; edge < at + length; edge += 8) {
        const right = this.#view.getUint32(edge)
        if (isAfter(right, highest)) highest = right
      }
      break
    }
    return highest
  }

  *#eachOption(): Generator<{ readonly kind: number; readonly at: number; readonly length: number }> {
    const view = this.#view
    for (let at = this.#options; at < this.#headerEnd; ) {
      const kind = view.getUint8(at)
      if (kind === OPTION.end) return
      if (kind === OPTION.none) {
        at++
        continue
      }
      if (this.#headerEnd - at < 2) return
      const length = view.getUint8(at + 1)
      if (length < 2 || length > this.#headerEnd - at) return
      yield { kind, at, length }
      at += length
    }
  }
}

const OPTION = { end: 0, none: 1, windowScale: 3, sackPermitted: 4, sack: 5 } as const
const MAXIMUM_SCALE = 14

/** Whether sequence number `a` comes before `b`, numbers being those of a circle. */
export function isBefore(a: number, b: number): boolean {
  return ((a - b) | 0) < 0
}

export function isAfter(a: number, b: number): boolean {
  return isBefore(b, a)
}
