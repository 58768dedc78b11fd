/** Messages of netfilter subsystems, attribute by attribute. */
import { AttributeWriter, beginMessage, encodeText, finishMessage, Memory } from '@ringlink/codec'
import { NFNETLINK_ATTRIBUTES, writeNfnetlinkHeader } from '@ringlink/codec/internal'

/** The header fields of a message. */
export interface ReplyHeader {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  readonly portId: number
  readonly family: number
  readonly resourceId: number
}

const SIZE = 1 << 16

/** Builds one message. */
export class ReplyWriter {
  #memory = new Memory(SIZE)
  #writer = new AttributeWriter()

  begin(header: ReplyHeader): this {
    const start = beginMessage(this.#memory, 0, SIZE, header)
    writeNfnetlinkHeader(this.#memory, start, SIZE, header.family, header.resourceId)
    this.#writer.wrap(this.#memory, NFNETLINK_ATTRIBUTES, SIZE)
    return this
  }

  /** The message's bytes. */
  end(): Uint8Array {
    const length = finishMessage(this.#memory, 0, this.#writer.end)
    return this.#memory.copy(0, length)
  }

  u8(type: number, value: number): void {
    this.#memory.u8[this.#writer.reserve(type, 1)] = value
  }

  be16(type: number, value: number): void {
    this.#memory.data.setUint16(this.#writer.reserve(type, 2), value)
  }

  be32(type: number, value: number): void {
    this.#memory.data.setUint32(this.#writer.reserve(type, 4), value)
  }

  be64(type: number, value: bigint | number): void {
    this.#memory.data.setBigUint64(this.#writer.reserve(type, 8), BigInt(value))
  }

  text(type: number, value: string): void {
    this.#writer.bytes(type, encodeText(`${value}\0`))
  }

  bytes(type: number, value: Uint8Array): void {
    this.#writer.bytes(type, value)
  }

  nest(type: number, write: () => void): void {
    const start = this.#writer.position
    this.#writer.reserve(type, 0)
    write()
    this.#writer.endNest(start)
  }

  /** A value, as expressions show constants: NFTA_DATA_VALUE in a nest. */
  value(type: number, value: Uint8Array): void {
    this.nest(type, () => this.bytes(1, value))
  }
}
