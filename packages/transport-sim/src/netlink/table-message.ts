/** Messages of the kernel that are written from tables: a header, structs where there are any, and attributes. */
import {
  type AttributeSet,
  type AttributeValues,
  AttributeWriter,
  beginMessage,
  finishMessage,
  Memory,
  type MessageHeader,
  writeAttributes,
} from '@ringlink/codec'

const SIZE = 1 << 16

/** Writes nests without the flag NLA_F_NESTED, as subsystems of before Linux 5.2 do. */
class UnmarkedWriter extends AttributeWriter {
  override beginNest(type: number): number {
    const start = this.position
    this.reserve(type, 0)
    return start
  }
}

// Shared: a message is written and copied at one go.
const memory = new Memory(SIZE)
const marked = new AttributeWriter()
const unmarked = new UnmarkedWriter()

/**
 * A message as bytes: the header, `fixed` (a multiple of four bytes), and attributes in the order of the values' keys.
 * Throws `EncodeError` for values that the set does not have.
 */
export function tableMessage<Set extends AttributeSet>(
  header: MessageHeader,
  fixed: Uint8Array,
  set: Set,
  values: AttributeValues<Set>,
  marksNests = false,
): Uint8Array {
  const start = beginMessage(memory, 0, SIZE, header)
  memory.u8.set(fixed, start)
  const writer = (marksNests ? marked : unmarked).wrap(memory, start + fixed.length, SIZE)
  writeAttributes(writer, set, values)
  return memory.copy(0, finishMessage(memory, 0, writer.end))
}
