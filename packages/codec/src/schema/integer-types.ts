/** The types of integers that tables name. */
import type { Constants, Hint, IntegerFormat } from './format.ts'

const integer = (size: 1 | 2 | 4 | 8, order: 'network' | 'host', signed = false): IntegerFormat => ({
  kind: 'integer',
  size,
  order,
  signed,
})
const formats = {
  u8: integer(1, 'host'),
  u16: integer(2, 'host'),
  u32: integer(4, 'host'),
  u64: integer(8, 'host'),
  s8: integer(1, 'host', true),
  s16: integer(2, 'host', true),
  s32: integer(4, 'host', true),
  s64: integer(8, 'host', true),
  be16: integer(2, 'network'),
  be32: integer(4, 'network'),
  be64: integer(8, 'network'),
  sbe16: integer(2, 'network', true),
  sbe32: integer(4, 'network', true),
  sbe64: integer(8, 'network', true),
} as const

/** The name of an integer's type. */
export type IntegerType = keyof typeof formats
/** The value of an integer of a type. */
export type IntegerValue<Type extends IntegerType> = Type extends 'u64' | 's64' | 'be64' | 'sbe64' ? bigint : number

/** How people are shown an integer: by the names of its values, or as an address. */
export interface IntegerMeaning {
  readonly constants?: Constants | undefined
  readonly hint?: Hint | undefined
}

/** The format of an integer. */
export function integerFormat(type: IntegerType, { constants, hint }: IntegerMeaning): IntegerFormat {
  if (constants === undefined && hint === undefined) return formats[type]
  return { ...formats[type], ...(constants && { constants }), ...(hint && { hint }) }
}
