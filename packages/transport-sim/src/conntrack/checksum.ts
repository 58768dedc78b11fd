import { Memory } from '@ringlink/codec/memory'
import { PacketView, transportChecksum } from '@ringlink/packet'

/** Whether the checksum of a packet's transport header is right, as far as the bytes are there to tell. */
export function hasValidChecksum(bytes: Uint8Array): boolean {
  const view = new PacketView().wrapNetwork(Memory.from(bytes), 0, bytes.length)
  const state = transportChecksum(view)
  return state !== 'invalid' && state !== 'partial'
}
