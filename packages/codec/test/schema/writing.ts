/** Writing values of a set, and the errors of it. */

import { expect } from 'vitest'
import {
  type AttributeSet,
  type AttributeValues,
  AttributeWriter,
  Memory,
  readAttributes,
  writeAttributes,
} from '../../src/index.ts'

export const OFFSET = 8

export const code = (name: string) => expect.objectContaining({ code: name })

export function writing<Set extends AttributeSet>(set: Set, values: AttributeValues<Set>, limit = 1 << 17) {
  const memory = new Memory(1 << 17)
  const writer = new AttributeWriter().wrap(memory, OFFSET, limit)
  writeAttributes(writer, set, values)
  return { memory, writer, read: () => readAttributes(set, memory, OFFSET, writer.end - OFFSET) }
}
