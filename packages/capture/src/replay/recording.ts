import { Protocol } from '@ringlink/codec'
import type { DecodeError } from '@ringlink/codec/errors'
import { TransportError } from '@ringlink/transport'
import type { CaptureBlock, InterfaceBlock, PacketBlock, StatisticsBlock } from '../pcapng/block.ts'
import { HOST_BYTE_ORDER } from '../pcapng/encoder.ts'
import { LinkType } from '../pcapng/link-type.ts'
import type { ByteSource } from '../pcapng/reader.ts'
import { netlinkPacket, nflogMessage } from '../pcapng/record.ts'
import { CaptureDecoder } from '../read/decoder.ts'
import type { SentComparison } from './sent.ts'
import { RecordingSource } from './source.ts'

/** A frame of the recording, or a loss that is not followed by a frame. */
export interface RecordedFrame {
  /** `undefined` if there is only a loss */
  readonly bytes: Uint8Array | undefined
  readonly fullLength: number
  /** nanoseconds since 1970 */
  readonly at: bigint
  /** bytes that had been sent before it */
  readonly sentBefore: number
  lost: number
}

/** Selects the packets of the capture to play. */
export interface RecordingChoice {
  readonly interface?: number | string | undefined
  /** netlink protocol */
  readonly protocol: number
}

/** Limits of reading ahead: frames, bytes of frames, and sent messages. */
const READ_AHEAD = 1024
const READ_AHEAD_BYTES = 4_194_304

/** The frames of a capture, read ahead as far as there is room, and the state of its end. */
export class Recording {
  /** the error if the capture ends in the middle of a block */
  truncated: DecodeError | undefined
  /** the error if reading has ended early */
  failure: unknown
  #choice: RecordingChoice
  #sent: SentComparison | undefined
  #source: RecordingSource
  #decoder = new CaptureDecoder()
  // Interfaces of the section that are played.
  #played = new Set<number>()
  // Losses reported so far, by interface.
  #drops = new Map<number, bigint>()
  #inbox: RecordedFrame[] = []
  #next = 0
  #aheadBytes = 0
  // Losses of packets that are not played.
  #pendingLoss = 0
  #isRead = false
  #isClosed = false

  /** @param arrived called when more of a stream has arrived */
  constructor(source: ByteSource, choice: RecordingChoice, sent: SentComparison | undefined, arrived: () => void) {
    this.#choice = choice
    this.#sent = sent
    this.#source = new RecordingSource(source, arrived)
  }

  /** frames that were read and not taken */
  get waiting(): number {
    return this.#inbox.length - this.#next
  }

  /** everything was read, and all frames were taken */
  get isOver(): boolean {
    return this.#isRead && this.waiting === 0
  }

  /** {@link fill} may find more at once */
  get hasMore(): boolean {
    return this.#source.hasMore
  }

  /** A frame that was read and not taken; the next one is 0. */
  frame(index: number): RecordedFrame | undefined {
    return this.#inbox[this.#next + index]
  }

  take(count: number): RecordedFrame[] {
    const frames = this.#inbox.slice(this.#next, this.#next + count)
    for (const { bytes } of frames) this.#aheadBytes -= bytes?.length ?? 0
    this.#next += count
    if (this.#next >= READ_AHEAD || this.#next === this.#inbox.length) {
      this.#inbox = this.#inbox.slice(this.#next)
      this.#next = 0
    }
    return frames
  }

  /** Reads ahead as far as there is room. */
  fill(): void {
    if (this.#isRead || this.#isClosed) return
    try {
      while (this.#hasRoom()) {
        const block = this.#decoder.next()
        if (block !== undefined) this.#admit(block)
        else if (!this.#feed()) return
      }
    } catch (error) {
      this.failure = error
      this.#isRead = true
    }
  }

  close(): void {
    this.#isClosed = true
    this.#inbox = []
    this.#next = 0
    this.#source.close()
  }

  #hasRoom(): boolean {
    if ((this.#sent?.missing ?? 0) >= READ_AHEAD) return false
    return this.waiting < READ_AHEAD && this.#aheadBytes < READ_AHEAD_BYTES
  }

  /** Passes more bytes to the decoder. Returns false if none have arrived. */
  #feed(): boolean {
    const chunk = this.#source.take()
    if (chunk !== undefined) {
      this.#decoder.push(chunk)
      return true
    }
    if (!this.#source.hasEnded) return false
    this.#isRead = true
    this.failure = this.#source.failure
    this.truncated = this.#decoder.finish() ?? this.#source.cut
    this.#sent?.end()
    return false
  }

  #admit(block: CaptureBlock): void {
    if (block.type === 'section') {
      this.#played.clear()
      this.#drops.clear()
    }
    if (block.type === 'interface' && this.#isChosen(block)) this.#played.add(block.interface)
    if (block.type === 'statistics' && this.#played.has(block.interface)) this.#admitLoss(block)
    if (block.type === 'packet' && this.#played.has(block.interface)) this.#admitPacket(block)
  }

  #admitPacket(block: PacketBlock): void {
    this.#drops.set(block.interface, (this.#drops.get(block.interface) ?? 0n) + (block.dropCount ?? 0n))
    const frame = this.#frameOf(block)
    if (frame === undefined) return
    if (block.direction === 'outbound') {
      this.#pendingLoss += toCount(block.dropCount)
      this.#sent?.record(frame.messages)
      return
    }
    const lost = this.#pendingLoss + toCount(block.dropCount)
    this.#pendingLoss = 0
    const { messages: bytes, fullLength } = frame
    this.#aheadBytes += bytes.length
    this.#inbox.push({ bytes, fullLength, at: block.at, sentBefore: this.#sent?.recordedBytes ?? 0, lost })
  }

  /** Losses that only the statistics report. */
  #admitLoss({ interface: number, dropped = 0n, at }: StatisticsBlock): void {
    const lost = dropped - (this.#drops.get(number) ?? 0n)
    if (lost <= 0n) return
    this.#drops.set(number, dropped)
    const sentBefore = this.#sent?.recordedBytes ?? 0
    this.#inbox.push({ bytes: undefined, fullLength: 0, at, sentBefore, lost: toCount(lost) })
  }

  #isChosen({ interface: number, name, linkType }: InterfaceBlock): boolean {
    if (linkType !== LinkType.Netlink && linkType !== LinkType.Nflog) return false
    const chosen = this.#choice.interface
    return chosen === undefined || chosen === (typeof chosen === 'number' ? number : name)
  }

  #frameOf(packet: PacketBlock): { messages: Uint8Array; fullLength: number } | undefined {
    const { protocol } = this.#choice
    if (packet.linkType === LinkType.Nflog && protocol === Protocol.Netfilter) {
      const messages = nflogMessage(packet)
      return { messages, fullLength: messages.length + packet.fullLength - packet.bytes.length }
    }
    if (packet.linkType !== LinkType.Netlink) return undefined
    if (packet.byteOrder !== HOST_BYTE_ORDER) {
      const text = `netlink messages of a machine with ${packet.byteOrder}-endian numbers`
      throw new TransportError('UNSUPPORTED', 'replay', text)
    }
    const frame = netlinkPacket(packet)
    return frame.protocol === protocol ? frame : undefined
  }
}

function toCount(count = 0n): number {
  return Number(count < BigInt(Number.MAX_SAFE_INTEGER) ? count : Number.MAX_SAFE_INTEGER)
}
