/**
 * The tracker of TCP (nf_conntrack_proto_tcp): which segments belong to a connection, and what state they bring it to.
 */
import { ConntrackDirection, ConntrackEventBit, ConntrackStatus, TcpTrackingFlag } from '@ringlink/codec'
import { hasValidChecksum } from './checksum.ts'
import type { Connection } from './connection.ts'
import type { ConntrackSettings } from './settings.ts'
import { HeaderFlag, isBefore, nextState, TcpKind, TcpSegment, TcpState, TcpTracking } from './tcp-tracking.ts'
import { checkWindow, WindowCheck } from './tcp-window.ts'
import { Outcome, type TrackedPacket, type TrackingHost } from './tracking.ts'

const { Syn, Fin, Reset, Ack, Urgent } = HeaderFlag
const HEADER_LENGTH = 20
const SECOND = 1000
/** SYN_SENT2 has no sysctl. */
const SYN_SENT2_TIMEOUT = 120 * SECOND
/** The least that an established connection keeps when packets say that it is over. */
const SHORTEST_SHRUNK = 120 * SECOND

/** Flags that go together, apart from PSH, ECE and CWR. */
const validFlags: ReadonlySet<number> = new Set([
  Syn,
  Syn | Urgent,
  Syn | Ack,
  Reset,
  Reset | Ack,
  Fin | Ack,
  Fin | Ack | Urgent,
  Ack,
  Ack | Urgent,
])
const CHECKED_FLAGS = Syn | Fin | Reset | Ack | Urgent

/** States in which a connection is about to end. */
const closingStates: ReadonlySet<number> = new Set([
  TcpState.FinWait,
  TcpState.CloseWait,
  TcpState.LastAck,
  TcpState.TimeWait,
  TcpState.Close,
])

/** Takes a segment of a connection. */
export function trackTcp(host: TrackingHost, connection: Connection, packet: TrackedPacket): Outcome {
  const segment = readSegment(packet)
  if (segment === undefined) return Outcome.Invalid
  if (!connection.isConfirmed) {
    const tcp = begin(segment, host.settings)
    if (tcp === undefined) return Outcome.Invalid
    connection.tcp = tcp
  }
  connection.tcp ??= new TcpTracking()
  return new Step(host, connection, connection.tcp, packet, segment).take()
}

function readSegment(packet: TrackedPacket): TcpSegment | undefined {
  const { bytes, at } = packet
  const length = bytes.length - at
  if (length < HEADER_LENGTH) return undefined
  const headerLength = ((bytes[at + 12] as number) >> 4) * 4
  if (headerLength < HEADER_LENGTH || length < headerLength) return undefined
  if (packet.verify && !hasValidChecksum(bytes)) return undefined
  const segment = new TcpSegment(bytes, at)
  return validFlags.has(segment.flags & CHECKED_FLAGS) ? segment : undefined
}

/** What is known after the first segment; undefined where a connection cannot begin with it. */
function begin(segment: TcpSegment, settings: ConntrackSettings): TcpTracking | undefined {
  const state = nextState(ConntrackDirection.Original, segment.kind, TcpState.None)
  if (state >= TcpState.Count) return undefined
  const tcp = new TcpTracking()
  const [original, reply] = tcp.sides
  original.end = segment.end
  original.maximumWindow = Math.max(1, segment.window)
  original.maximumEnd = segment.end
  if (state === TcpState.SynSent) {
    segment.readOptions(original)
    return tcp
  }
  if (!settings.tcpLoose) return undefined
  original.maximumEnd = (segment.end + original.maximumWindow) >>> 0
  original.flags = TcpTrackingFlag.SelectiveAcknowledgement | TcpTrackingFlag.BeLiberal
  reply.flags = original.flags
  return tcp
}

/** What {@link Step} decides about a segment before its place in the window is looked at. */
const Decision = { Check: 0, InWindow: 1 } as const

/** One segment that is taken. */
class Step {
  #host: TrackingHost
  #connection: Connection
  #tcp: TcpTracking
  #packet: TrackedPacket
  #segment: TcpSegment
  #direction: ConntrackDirection
  #kind: number
  #before: number
  #after: number

  constructor(
    host: TrackingHost,
    connection: Connection,
    tcp: TcpTracking,
    packet: TrackedPacket,
    segment: TcpSegment,
  ) {
    this.#host = host
    this.#connection = connection
    this.#tcp = tcp
    this.#packet = packet
    this.#segment = segment
    this.#direction = packet.direction
    this.#kind = segment.kind
    this.#before = tcp.state
    this.#after = nextState(packet.direction, segment.kind, tcp.state)
  }

  take(): Outcome {
    let decision: number = Decision.Check
    const after = this.#after
    if (after === TcpState.Count) return Outcome.Invalid
    if (after === TcpState.Ignore || (after === TcpState.SynSent && this.#before >= TcpState.TimeWait)) {
      if (after === TcpState.SynSent && this.#reopens()) {
        return this.#host.kill(this.#connection) ? Outcome.Repeat : Outcome.Drop
      }
      if (!this.#answersIgnoredSyn()) {
        this.#ignore()
        return Outcome.Accept
      }
    } else if (after === TcpState.TimeWait && this.#isChallengeAck()) {
      this.#tcp.last.flags &= ~TcpTrackingFlag.ChallengeAcknowledgement
      return Outcome.Accept
    } else if (after === TcpState.SynSent2) {
      this.#tcp.last.flags |= TcpTrackingFlag.SimultaneousOpen
    } else if (after === TcpState.SynReceived) {
      const isSimultaneous = (this.#tcp.last.flags & TcpTrackingFlag.SimultaneousOpen) !== 0
      if (this.#direction === ConntrackDirection.Reply && this.#kind === TcpKind.Ack && isSimultaneous) {
        this.#after = TcpState.Established
      }
    } else if (after === TcpState.Close && this.#kind === TcpKind.Reset) {
      const reset = this.#judgeReset()
      if (reset === undefined) return Outcome.Invalid
      decision = reset
    }
    if (decision === Decision.Check) {
      const checked = this.#check()
      if (checked === WindowCheck.Ignore) return Outcome.Accept
      if (checked === WindowCheck.Invalid) {
        this.#shrink()
        return Outcome.Invalid
      }
    }
    return this.#advance()
  }

  #side(direction: number) {
    return this.#tcp.sides[direction === 0 ? 0 : 1]
  }

  /** A SYN after the end: the same connection again, or a new one of the same ports. */
  #reopens(): boolean {
    const { sides, last } = this.#tcp
    const wasClosed = ((sides[0].flags | sides[1].flags) & TcpTrackingFlag.CloseInitiated) !== 0
    return wasClosed || (last.direction === this.#direction && last.kind === TcpKind.Reset)
  }

  /** The other side answers a SYN that did not fit what was known: it and the sender know better. */
  #answersIgnoredSyn(): boolean {
    const { last } = this.#tcp
    const answers =
      this.#kind === TcpKind.SynAck &&
      last.kind === TcpKind.Syn &&
      last.direction !== this.#direction &&
      this.#segment.ack === last.end
    if (!answers) return false
    this.#before = TcpState.SynSent
    this.#after = TcpState.SynReceived
    const side = this.#side(last.direction)
    side.end = last.end
    side.maximumEnd = last.end
    side.maximumWindow = Math.max(1, last.window)
    side.scale = last.scale
    last.flags &= ~TcpTrackingFlag.ChallengeAcknowledgement
    side.flags = last.flags
    this.#side(this.#direction).reset()
    return true
  }

  /** Lets a segment pass that may be right, and remembers it for the answer. */
  #ignore(): void {
    const { last } = this.#tcp
    const segment = this.#segment
    last.kind = this.#kind
    last.direction = this.#direction
    last.sequence = segment.sequence
    last.end = segment.end
    last.window = segment.window
    if (this.#kind === TcpKind.Syn && this.#direction === ConntrackDirection.Original) {
      const seen = { scale: 0, flags: 0 }
      segment.readOptions(seen)
      last.scale = (seen.flags & TcpTrackingFlag.WindowScale) === 0 ? 0 : seen.scale
      last.flags = seen.flags & (TcpTrackingFlag.WindowScale | TcpTrackingFlag.SelectiveAcknowledgement)
      if (this.#before === TcpState.LastAck) last.flags |= TcpTrackingFlag.ChallengeAcknowledgement
    }
    if (
      this.#before === TcpState.SynSent &&
      this.#kind === TcpKind.Ack &&
      this.#direction === ConntrackDirection.Reply
    ) {
      last.ack = segment.ack
    }
  }

  #isChallengeAck(): boolean {
    const { last } = this.#tcp
    return (
      this.#before === TcpState.LastAck &&
      this.#kind === TcpKind.Ack &&
      last.direction !== this.#direction &&
      last.kind === TcpKind.Syn &&
      (last.flags & TcpTrackingFlag.ChallengeAcknowledgement) !== 0
    )
  }

  /** Whether a reset is taken, and whether without a look at the window; undefined for one that is invalid. */
  #judgeReset(): number | undefined {
    const { last, state } = this.#tcp
    const { sequence, ack } = this.#segment
    if (closingStates.has(state)) return Decision.InWindow
    const other = this.#side(1 - this.#direction)
    if ((other.flags & TcpTrackingFlag.MaximumAcknowledged) !== 0 && last.kind !== TcpKind.Syn) {
      const isEstablished = state === TcpState.Established && this.#connection.has(ConntrackStatus.Assured)
      if (sequence === 0 && !isEstablished) return Decision.Check
      if (isBefore(sequence, other.maximumAck) && !this.#host.settings.tcpIgnoreInvalidReset) return undefined
      if (!isEstablished || sequence === other.maximumAck) return Decision.Check
      const endsTrain = last.kind === TcpKind.Ack && last.direction === this.#direction && sequence === last.end
      if (endsTrain) return Decision.Check
      // Not exactly where it should be: the connection stays, in case it is challenged.
      this.#after = this.#before
    }
    const answersSyn = this.#connection.has(ConntrackStatus.SeenReply) && last.kind === TcpKind.Syn
    const answersAck = !this.#connection.has(ConntrackStatus.Assured) && last.kind === TcpKind.Ack
    if ((answersSyn || answersAck) && ack === last.end) return Decision.InWindow
    const answersChallenge =
      this.#before === TcpState.SynSent &&
      last.kind === TcpKind.Ack &&
      last.direction === ConntrackDirection.Reply &&
      sequence === last.ack
    return answersChallenge ? Decision.InWindow : Decision.Check
  }

  #check(): WindowCheck {
    const { adjustments } = this.#connection
    return checkWindow({
      tcp: this.#tcp,
      segment: this.#segment,
      direction: this.#direction,
      isLiberal: this.#host.settings.tcpBeLiberal,
      offset: (direction, sequence) => {
        const adjustment = adjustments?.[direction === 0 ? 0 : 1]
        if (adjustment === undefined) return 0
        return isBefore(adjustment.position, sequence) ? adjustment.after : adjustment.before
      },
    })
  }

  /** Both sides say that it is over, though out of the window: the long time of an established connection is cut. */
  #shrink(): void {
    const connection = this.#connection
    const { last } = this.#tcp
    if (!connection.has(ConntrackStatus.Assured) || connection.has(ConntrackStatus.FixedTimeout)) return
    if (this.#kind !== TcpKind.Reset && this.#kind !== TcpKind.Fin) return
    if (last.direction === this.#direction || (last.kind !== TcpKind.Fin && last.kind !== TcpKind.Reset)) {
      last.kind = this.#kind
      last.direction = this.#direction
      return
    }
    const remaining = connection.remaining(this.#host.now)
    const { unacknowledged } = this.#host.settings.timeouts.tcp
    if (remaining >= SHORTEST_SHRUNK && remaining > unacknowledged) this.#host.refresh(connection, unacknowledged)
  }

  #advance(): Outcome {
    const tcp = this.#tcp
    const connection = this.#connection
    const { settings } = this.#host
    tcp.last.kind = this.#kind
    tcp.last.direction = this.#direction
    tcp.state = this.#after
    const hasChanged = this.#before !== this.#after
    if (hasChanged && this.#after === TcpState.FinWait)
      this.#side(this.#direction).flags |= TcpTrackingFlag.CloseInitiated
    let timeout = this.#timeout()
    if (hasChanged) this.#host.note(connection, ConntrackEventBit.ProtocolInformation)
    if (!connection.has(ConntrackStatus.SeenReply)) {
      if (this.#kind === TcpKind.Reset) {
        connection.count(this.#direction, this.#packet.bytes.length)
        this.#host.kill(connection)
        return Outcome.Accept
      }
      // A SYN that is sent again does not keep it alive.
      if (this.#kind === TcpKind.Syn && this.#before === TcpState.SynSent) return Outcome.Accept
      if (this.#after === TcpState.Established) timeout = Math.min(timeout, settings.timeouts.tcp.unacknowledged)
    } else if (!connection.has(ConntrackStatus.Assured) && this.#after === TcpState.Established) {
      if (this.#before === TcpState.SynReceived || this.#before === TcpState.Established) {
        connection.status |= ConntrackStatus.Assured
        this.#host.note(connection, ConntrackEventBit.Assured)
      }
    }
    this.#host.refresh(connection, timeout)
    connection.count(this.#direction, this.#packet.bytes.length)
    return Outcome.Accept
  }

  #timeout(): number {
    const { settings } = this.#host
    const { maximumRetransmissions, unacknowledged, close } = settings.timeouts.tcp
    const { sides, retransmissions, last } = this.#tcp
    const usual = timeoutOf(this.#after, settings)
    if (retransmissions >= settings.tcpMaximumRetransmissions && usual > maximumRetransmissions) {
      return maximumRetransmissions
    }
    if (this.#kind === TcpKind.Reset) return close
    const isUnacknowledged = ((sides[0].flags | sides[1].flags) & TcpTrackingFlag.DataUnacknowledged) !== 0
    if (isUnacknowledged && usual > unacknowledged) return unacknowledged
    return last.window === 0 && usual > maximumRetransmissions ? maximumRetransmissions : usual
  }
}

function timeoutOf(state: number, { timeouts: { tcp } }: ConntrackSettings): number {
  switch (state) {
    case TcpState.SynReceived:
      return tcp.synReceived
    case TcpState.Established:
      return tcp.established
    case TcpState.FinWait:
      return tcp.finWait
    case TcpState.CloseWait:
      return tcp.closeWait
    case TcpState.LastAck:
      return tcp.lastAck
    case TcpState.TimeWait:
      return tcp.timeWait
    case TcpState.Close:
      return tcp.close
    case TcpState.SynSent2:
      return SYN_SENT2_TIMEOUT
    default:
      return tcp.synSent
  }
}
