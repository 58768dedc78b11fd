import { LinkType, messagesInHostOrder, nflogMessage, openLinkLayer, type PacketBlock } from '@ringlink/capture'
import { LogMessage, Memory, MessageIterator, Protocol, QueueMessage, QueuePacketView } from '@ringlink/codec'
import { ETHERNET_HEADER_LENGTH, PacketView } from '@ringlink/packet'
import { LogRecord } from 'ringlink'
import { type Entry, entryOfPacket } from './entry.ts'

/** The handlers for the packets of a capture; each returns false when there were enough. */
export interface PacketSink {
  takeRecord(record: LogRecord, at: bigint, lost: number): boolean
  takeEntry(entry: Entry): boolean
}

/** Finds packets in captures of all link types: logged ones, queued ones, and those of a device. */
export class CaptureContents {
  /** packets of each unknown link type, or with a truncated header */
  readonly unknown = new Map<number, number>()
  /** netlink messages that come neither from a queue nor from a log */
  otherMessages = 0
  /** packets and messages that are cut or malformed */
  unreadable = 0
  #record = new LogRecord()
  #packet = new QueuePacketView()
  #headers = new PacketView()
  #messages = new MessageIterator()

  /** Returns false when the sink has had enough. */
  take(packet: PacketBlock, sink: PacketSink): boolean {
    try {
      return this.#take(packet, sink)
    } catch (error) {
      // It costs no other packet.
      if (!(error instanceof Error) || error.name !== 'DecodeError') throw error
      this.unreadable++
      return true
    }
  }

  #take(packet: PacketBlock, sink: PacketSink): boolean {
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
      const messages = bytes.subarray(contents.offset)
      if (isPacket) return this.#takeMessages(messagesInHostOrder(messages, packet.byteOrder), at, lost, sink)
      this.otherMessages++
      return true
    }
    const { etherType, offset } = contents
    const linkLayer = linkType === LinkType.Ethernet ? bytes.subarray(0, ETHERNET_HEADER_LENGTH) : undefined
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
        wantsMore = sink.takeEntry(this.#entryAt(memory, offset, length, at, lostBefore))
      } else {
        this.otherMessages++
        continue
      }
      lostBefore = 0
      if (!wantsMore) return false
    }
    if (messages.problem !== undefined) this.unreadable++
    return true
  }

  #entryAt(memory: Memory, offset: number, length: number, at: bigint, lost: number): Entry {
    const packet = this.#packet.wrap(memory, offset, length)
    const { payloadOffset, payloadLength, protocol } = packet
    const start = payloadLength === 0 ? offset : payloadOffset
    return entryOfPacket(packet, this.#headers.wrapNetwork(memory, start, payloadLength, protocol), at, { lost })
  }
}
