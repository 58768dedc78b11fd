import type { PacketView } from '@ringlink/packet'
import type { QueuePacket } from 'ringlink'

/** What headers are read from: a packet of a queue, a record of a log, a packet of a capture. */
export interface PacketSource extends Pick<QueuePacket, 'memory' | 'payloadOffset' | 'payloadLength' | 'mark'> {
  /** EtherType; 0 where only the first byte tells */
  readonly protocol: number
}

/** Aims a view at the packet. */
export function wrapSource(view: PacketView, source: PacketSource): PacketView {
  const { memory, payloadOffset, payloadLength, protocol } = source
  // Without a payload the offset means nothing.
  return view.wrapNetwork(memory, payloadLength === 0 ? 0 : payloadOffset, payloadLength, protocol)
}
