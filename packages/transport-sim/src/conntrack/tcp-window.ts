/** Whether a TCP segment is one that the other side can take: the windows of both sides as the kernel guesses them. */
import { TcpTrackingFlag } from '@ringlink/codec'
import type { TcpSegment, TcpSide, TcpTracking } from './tcp-tracking.ts'
import { HeaderFlag, isAfter, isBefore, TcpKind, TcpState } from './tcp-tracking.ts'

/** What comes of a segment. */
export const WindowCheck = { Accept: 0, Ignore: 1, Invalid: 2 } as const
export type WindowCheck = (typeof WindowCheck)[keyof typeof WindowCheck]

/** A segment, where it belongs, and how strict to be. */
export interface WindowQuestion {
  readonly tcp: TcpTracking
  readonly segment: TcpSegment
  readonly direction: number
  /** what is added to the sequence numbers of the other side before they are sent on */
  readonly offset: (direction: number, sequence: number) => number
  readonly isLiberal: boolean
}

/** The least by which an acknowledgement may lag (`MAXACKWINCONST`). */
const ACK_LAG = 66_000

const u32 = (value: number) => value >>> 0

/** Checks a segment, and notes what it tells where it is in the window. */
export function checkWindow({ tcp, segment, direction, offset, isLiberal }: WindowQuestion): WindowCheck {
  const sender = tcp.sides[direction] as TcpSide
  const receiver = tcp.sides[1 - direction] as TcpSide
  let { sequence, end, ack } = segment
  const moved = offset(1 - direction, u32(ack - 1))
  let sack = (receiver.flags & TcpTrackingFlag.SelectiveAcknowledgement) === 0 ? ack : segment.highestSack(ack)
  ack = u32(ack - moved)
  sack = u32(sack - moved)
  if (beginsAtOnce(tcp, sender, receiver, segment, direction, sack)) return WindowCheck.Accept
  const isReset = segment.has(HeaderFlag.Reset)
  if (!segment.has(HeaderFlag.Ack) || (isReset && ack === 0)) {
    ack = receiver.end
    sack = ack
  }
  // A reset that answers a SYN.
  if (isReset && sequence === 0 && tcp.state === TcpState.SynSent) {
    sequence = sender.end
    end = sender.end
  }
  const refused = compare(sender, receiver, { sequence, end, sack })
  if (refused !== WindowCheck.Accept) {
    return isLiberal || (sender.flags & TcpTrackingFlag.BeLiberal) !== 0 ? WindowCheck.Accept : refused
  }
  learn(sender, receiver, segment, { end, ack, sack })
  if (segment.kind === TcpKind.Ack) countRetransmission(tcp, segment, { direction, sequence, end, ack })
  return WindowCheck.Accept
}

/** Makes up what is known of a side that has sent nothing so far; true where there is nothing to compare with then. */
function beginsAtOnce(
  tcp: TcpTracking,
  sender: TcpSide,
  receiver: TcpSide,
  segment: TcpSegment,
  direction: number,
  sack: number,
): boolean {
  const isSyn = segment.has(HeaderFlag.Syn)
  const hasAck = segment.has(HeaderFlag.Ack)
  if (sender.maximumWindow === 0) {
    if (isSyn) {
      beginSide(sender, receiver, segment, direction)
      return !hasAck
    }
    sender.end = segment.end
    sender.maximumWindow = Math.max(1, u32(segment.window << sender.scale))
    sender.maximumEnd = u32(segment.end + sender.maximumWindow)
    if (receiver.maximumWindow === 0) {
      receiver.end = sack
      receiver.maximumEnd = sack
    } else if (sack === u32(receiver.end + 1)) {
      receiver.end = sack
    }
    return false
  }
  const isOpening = tcp.state === TcpState.SynSent || tcp.state === TcpState.SynReceived
  if (!isSyn || !isOpening || !isAfter(segment.end, sender.end)) return false
  beginSide(sender, receiver, segment, direction)
  return direction === 1 && !hasAck
}

function beginSide(sender: TcpSide, receiver: TcpSide, segment: TcpSegment, direction: number): void {
  sender.end = segment.end
  sender.maximumEnd = segment.end
  sender.maximumWindow = Math.max(1, segment.window)
  segment.readOptions(sender)
  // Windows are scaled only where both sides have said so.
  if (direction === 1 && (sender.flags & receiver.flags & TcpTrackingFlag.WindowScale) === 0) {
    sender.scale = 0
    receiver.scale = 0
  }
}

interface Range {
  readonly sequence: number
  readonly end: number
  readonly sack: number
}

function compare(sender: TcpSide, receiver: TcpSide, { sequence, end, sack }: Range): WindowCheck {
  const lowestAck = u32(receiver.end - Math.max(sender.maximumWindow, ACK_LAG) - 1)
  const startsAbove = !isBefore(sequence, u32(sender.maximumEnd + 1))
  const endsInside = isAfter(end, u32(sender.end - receiver.maximumWindow - 1))
  const acksSeen = isBefore(sack, u32(receiver.end + 1))
  if (startsAbove) {
    const excess = u32(end - sender.maximumEnd + 1)
    const isSlight = receiver.maximumWindow !== 0 && endsInside && isAfter(sack, lowestAck)
    if (!isSlight || excess > receiver.maximumWindow || !acksSeen) return WindowCheck.Invalid
    // What is sent beyond the window may be acknowledged anyway.
    sender.end = end
    sender.flags |= TcpTrackingFlag.DataUnacknowledged
    return WindowCheck.Ignore
  }
  if (!acksSeen) return WindowCheck.Invalid
  if (receiver.maximumWindow !== 0 && !endsInside) return WindowCheck.Ignore
  return isAfter(sack, lowestAck) ? WindowCheck.Accept : WindowCheck.Ignore
}

function learn(
  sender: TcpSide,
  receiver: TcpSide,
  segment: TcpSegment,
  { end, ack, sack }: { readonly end: number; readonly ack: number; readonly sack: number },
): void {
  const window = segment.has(HeaderFlag.Syn) ? segment.window : u32(segment.window << sender.scale)
  sender.maximumWindow = Math.max(sender.maximumWindow, u32(window + u32(sack - ack)))
  if (isAfter(end, sender.end)) {
    sender.end = end
    sender.flags |= TcpTrackingFlag.DataUnacknowledged
  }
  if (segment.has(HeaderFlag.Ack)) {
    const isFirst = (sender.flags & TcpTrackingFlag.MaximumAcknowledged) === 0
    if (isFirst || isAfter(ack, sender.maximumAck)) sender.maximumAck = ack
    sender.flags |= TcpTrackingFlag.MaximumAcknowledged
  }
  if (receiver.maximumWindow !== 0 && isAfter(end, sender.maximumEnd)) {
    receiver.maximumWindow = u32(receiver.maximumWindow + u32(end - sender.maximumEnd))
  }
  if (isAfter(u32(sack + window), u32(receiver.maximumEnd - 1))) {
    receiver.maximumEnd = u32(sack + Math.max(1, window))
  }
  if (ack === receiver.end) receiver.flags &= ~TcpTrackingFlag.DataUnacknowledged
}

function countRetransmission(
  tcp: TcpTracking,
  { window }: TcpSegment,
  seen: { readonly direction: number; readonly sequence: number; readonly end: number; readonly ack: number },
): void {
  const { last } = tcp
  const isSame =
    last.direction === seen.direction &&
    last.sequence === seen.sequence &&
    last.ack === seen.ack &&
    last.end === seen.end &&
    last.window === window
  if (isSame) {
    tcp.retransmissions = (tcp.retransmissions + 1) & 0xff
    return
  }
  Object.assign(last, seen, { window })
  tcp.retransmissions = 0
}
