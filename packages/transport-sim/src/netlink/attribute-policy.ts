/**
 * What a subsystem accepts as one attribute. `bytes` is a struct: the least length counts, and errors do not report it.
 * `text` and `binary` have a longest length, an end of text not counted; `name` is text that must end with a zero byte.
 */
export type AttributePolicy =
  | { readonly kind: 'bytes'; readonly minimum: number }
  | { readonly kind: 'text' | 'name' | 'binary'; readonly maximum: number }
  /** a number in network order, 0 to 255 or of the bits of `mask` */
  | { readonly kind: 'small' }
  | { readonly kind: 'flags'; readonly mask: number }
  | { readonly kind: 'u8' | 'u16' | 'u32' | 'u64' | 'nested' }

/** The policies of a message, by attribute number; an attribute without one is taken as it is. */
export type MessagePolicy = readonly (AttributePolicy | undefined)[]
