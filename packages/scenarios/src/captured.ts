/** The IP packets of a capture, to be injected: what `@ringlink/capture` reads, without link layers and padding. */
import { CaptureDecoder, LinkType, nflogMessage, openLinkLayer, type PacketBlock } from '@ringlink/capture'
import { LogRecordView, Memory } from '@ringlink/codec'
import type { DecodeError } from '@ringlink/codec/errors'
import type { TimedPacket } from './flows.ts'
import { readNetworkHeader } from './headers.ts'

/** A packet out of a capture. Its bytes are a window on the file's, or a copy. */
export interface CapturedPacket extends TimedPacket {
  /** nanoseconds since 1970 */
  readonly at: bigint
  /** what the frame was before its header was taken off: `LinkType` */
  readonly linkType: number
  /** bytes that the packet had before the capture cut it */
  readonly fullLength: number
}

export interface CapturedPackets {
  readonly packets: readonly CapturedPacket[]
  /** frames without an IP packet, or of a link type that is unknown */
  readonly skipped: number
  /** where and why the capture ends too early, if it does */
  readonly truncated: DecodeError | undefined
}

const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_IPV6 = 0x86dd

/** Reads the IP packets of a capture that is in memory, pcapng or classic pcap. Throws as `CaptureDecoder` does. */
export function capturedPackets(bytes: Uint8Array): CapturedPackets {
  const decoder = new CaptureDecoder()
  decoder.push(bytes)
  const packets: CapturedPacket[] = []
  let skipped = 0
  for (let block = decoder.next(); block !== undefined; block = decoder.next()) {
    if (block.type !== 'packet') continue
    const found = packetOf(block)
    if (found === undefined) skipped++
    else packets.push({ ...found, at: block.at, linkType: block.linkType })
  }
  return { packets, skipped, truncated: decoder.finish() }
}

function packetOf(block: PacketBlock): { packet: Uint8Array; fullLength: number } | undefined {
  // The log may have cut the packet itself, which only the packet's own length tells.
  if (block.linkType === LinkType.Nflog) return trimmed(loggedPayload(block), Number.POSITIVE_INFINITY)
  const contents = openLinkLayer(block)
  if (contents?.kind !== 'network') return undefined
  if (contents.etherType !== ETHERTYPE_IPV4 && contents.etherType !== ETHERTYPE_IPV6) return undefined
  return trimmed(block.bytes.subarray(contents.offset), block.fullLength - contents.offset)
}

function loggedPayload(block: PacketBlock): Uint8Array {
  const message = nflogMessage(block)
  const { memory, payloadOffset, payloadLength } = new LogRecordView().wrap(Memory.from(message), 0, message.length)
  return memory.copy(payloadOffset, payloadLength)
}

/** An IP packet without the padding of its frame, as the kernel takes it. */
function trimmed(bytes: Uint8Array, wireLength: number): { packet: Uint8Array; fullLength: number } | undefined {
  const header = readNetworkHeader(bytes)
  if (typeof header === 'string') return undefined
  // A packet that claims more than was on the wire is handed on as it was seen.
  const fullLength = Math.min(header.length, Math.max(bytes.length, wireLength))
  return { packet: bytes.subarray(0, fullLength), fullLength }
}
