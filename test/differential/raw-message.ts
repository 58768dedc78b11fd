/** Messages of scripts, whose attributes may be any bytes. */
import type { Transport } from '@ringlink/transport'

export interface RawMessage {
  readonly type: number
  readonly flags: number
  readonly family: number
  /** of the nfgenmsg; default 0 */
  readonly version?: number
  readonly resourceId?: number
  /** attributes as bytes */
  readonly body: Uint8Array
}

/** Sends messages in one datagram, numbered from `last + 1`. Returns the number of the last one. */
export function sendRaw({ outbox }: Transport, messages: readonly RawMessage[], last: number): number {
  const parts = messages.map(({ type, flags, family, version = 0, resourceId = 0, body }, index) => {
    const bytes = new Uint8Array(20 + ((body.length + 3) & ~3))
    const view = new DataView(bytes.buffer)
    view.setUint32(0, 20 + body.length, true)
    view.setUint16(4, type, true)
    view.setUint16(6, flags, true)
    view.setUint32(8, last + 1 + index, true)
    bytes[16] = family
    bytes[17] = version
    view.setUint16(18, resourceId)
    bytes.set(body, 20)
    return bytes
  })
  const whole = Buffer.concat(parts)
  const offset = outbox.reserve(whole.length)
  outbox.memory.u8.set(whole, offset)
  outbox.commit(whole.length)
  outbox.flush()
  return last + messages.length
}
