import { Memory, QueuePacketView, queuePacketAttributes } from '@ringlink/codec'
import { type Decoder, PAYLOAD_BYTES } from './decoder.ts'

/** The view: aimed at each message, a property is a load. */
export function viewDecoder(slots: Uint8Array, slot: number, length: number): Decoder {
  const memory = Memory.from(slots)
  const view = new QueuePacketView()
  const [first, second, third] = PAYLOAD_BYTES
  return {
    decode(index) {
      view.wrap(memory, index * slot, length)
      const { payloadOffset: at } = view
      const { u8 } = memory
      const bytes = (u8[at + first] as number) + (u8[at + second] as number) + (u8[at + third] as number)
      return view.id + (view.mark ?? 0) + (view.outputDevice ?? 0) + bytes
    },
  }
}

/** Everything that is in the message, as owned values: for those who keep it, not for a hot loop. */
export function ownedDecoder(slots: Uint8Array, slot: number, length: number): Decoder {
  const memory = Memory.from(slots)
  const view = new QueuePacketView()
  return {
    decode(index) {
      const {
        packetHeader,
        mark = 0,
        outputDevice = 0,
        payload,
      } = queuePacketAttributes(view.wrap(memory, index * slot, length))
      const bytes = PAYLOAD_BYTES.reduce((sum, at) => sum + (payload?.[at] ?? 0), 0)
      return (packetHeader?.id ?? 0) + mark + outputDevice + bytes
    },
  }
}
