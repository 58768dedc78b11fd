import { expect } from 'vitest'

/** The contents of a connection, according to {@link watchTcp}. */
export interface WatchedConnection {
  toServer: Uint8Array
  toClient: Uint8Array
  packets: number
}

interface Side {
  /** number of the next new byte; undefined before its SYN */
  next: number | undefined
  /** what the other side has acknowledged */
  acknowledged: number
  window: number
  finished: boolean
  bytes: number[]
}

/**
 * Follows a connection packet by packet, reading raw bytes without our code, and fails on everything that an endpoint
 * would not accept: a gap, a byte sent twice, an acknowledgement of what was never sent, more on its way than the
 * window allows, anything out of order.
 */
export function watchTcp(packets: readonly { packet: Uint8Array; direction: string; at: bigint }[]): WatchedConnection {
  const sides: Record<string, Side> = {}
  for (const direction of ['toServer', 'toClient']) {
    sides[direction] = { next: undefined, acknowledged: 0, window: 0, finished: false, bytes: [] }
  }
  let time: bigint | undefined
  for (const [index, { packet, direction, at }] of packets.entries()) {
    if (time !== undefined) expect(at).toBeGreaterThan(time)
    time = at
    const me = sides[direction] as Side
    const other = sides[direction === 'toServer' ? 'toClient' : 'toServer'] as Side
    const view = new DataView(packet.buffer, packet.byteOffset, packet.length)
    const tcp = view.getUint8(0) >> 4 === 4 ? 20 : 40
    const [sequence, acknowledgement, flags] = [
      view.getUint32(tcp + 4),
      view.getUint32(tcp + 8),
      view.getUint8(tcp + 13),
    ]
    const [fin, syn, reset, ack] = [1, 2, 4, 16].map((bit) => (flags & bit) !== 0)
    const data = packet.subarray(tcp + (view.getUint8(tcp + 12) >> 4) * 4)
    expect(reset).toBe(false)
    // The first three packets are the handshake, and nothing else is a SYN.
    expect([index, syn, ack]).toEqual([index, index < 2, index !== 0])
    if (index < 3) expect([direction, data.length]).toEqual([index === 1 ? 'toClient' : 'toServer', 0])
    if (syn) {
      me.next = sequence
      me.acknowledged = sequence
    }
    expect(sequence).toBe(me.next)
    if (ack) {
      expect(acknowledgement).toBe(other.next)
      other.acknowledged = acknowledgement
    }
    me.window = view.getUint16(tcp + 14)
    if (me.finished) expect([data.length, fin]).toEqual([0, false])
    me.bytes.push(...data)
    me.finished ||= fin === true
    me.next = (sequence + data.length + (syn ? 1 : 0) + (fin ? 1 : 0)) % 2 ** 32
    if (other.next !== undefined)
      expect((me.next - me.acknowledged + 2 ** 32) % 2 ** 32).toBeLessThanOrEqual(other.window)
  }
  for (const side of Object.values(sides)) {
    expect(side.finished).toBe(true)
    expect(side.acknowledged).toBe(side.next)
  }
  const bytes = (direction: string) => Uint8Array.from((sides[direction] as Side).bytes)
  return { toServer: bytes('toServer'), toClient: bytes('toClient'), packets: packets.length }
}
