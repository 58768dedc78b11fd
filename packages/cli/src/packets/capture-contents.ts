import { LinkType, nflogMessage, openLinkLayer, type PacketBlock } from '@ringlink/capture'
import {
  LogMessage,
  LogRecordView,
  Memory,
  MessageIterator,
  Protocol,
  QueueMessage,
  QueuePacketView,
} from '@ringlink/codec'
import { type Entry, entryOfPacket } from './entry.ts'

/** What becomes of the packets of a capture; each returns false when there were enough. */
export interface PacketSink {
  takeRecord(record: LogRecordView, at: bigint, lost: number): boolean
  takeEntry(entry: Entry): boolean
}

const ETHERNET_LENGTH = 14

/** Finds packets in captures of all link types: what was logged, what was queued, what a device had. */
export class CaptureContents {
  /** packets of each link type that is not known here, or whose header was cut */
  readonly unknown = new Map<number, number>()
  /** netlink messages that neither a queue nor a log has sent */
  otherMessages = 0
  #record = new LogRecordView()
  #packet = new QueuePacketView()
  #messages = new MessageIterator()

  /** False when the sink has had enough. Throws `DecodeError` for a malformed message. */
  take(packet: PacketBlock, sink: PacketSink): boolean {
    const { at, bytes, linkType } = packet
    const lost = Number(packet.dropCount ?? 0)
    const contents = openLinkLayer(packet)
    if (contents === undefined) {
      this.unknown.set(linkType, (this.unknown.get(linkType) ?? 0) + 1)
      return true
    }
    if (contents.kind === 'log') {
      const message = nflogMessage(packet)
      return sink.takeRecord(this.#record.wrap(Memory.from(message), 0, message.length), at, lost)
    }
    if (contents.kind === 'netlink') {
      const isPacket = contents.protocol === Protocol.Netfilter
      if (isPacket) return this.#takeMessages(bytes.slice(contents.offset), at, lost, sink)
      this.otherMessages++
      return true
    }
    const { etherType, offset } = contents
    const linkLayer = linkType === LinkType.Ethernet ? bytes.subarray(0, ETHERNET_LENGTH) : undefined
    return sink.takeEntry({ at, lost, linkLayer, etherType, bytes: bytes.subarray(offset) })
  }

  /** @param bytes a copy, which begins on a boundary of four bytes */
  #takeMessages(bytes: Uint8Array<ArrayBuffer>, at: bigint, lost: number, sink: PacketSink): boolean {
    const memory = Memory.from(bytes)
    const messages = this.#messages.wrap(memory, 0, bytes.length)
    let lostBefore = lost
    while (messages.next()) {
      const { type, offset, length } = messages.view
      let wantsMore = true
      if (type === LogMessage.Packet) {
        wantsMore = sink.takeRecord(this.#record.wrap(memory, offset, length), at, lostBefore)
      } else if (type === QueueMessage.Packet) {
        wantsMore = sink.takeEntry(entryOfPacket(this.#packet.wrap(memory, offset, length), at, { lost: lostBefore }))
      } else {
        this.otherMessages++
        continue
      }
      lostBefore = 0
      if (!wantsMore) return false
    }
    return true
  }
}
