import type { AttributeSet } from '@ringlink/codec'

/**
 * The policy of an attribute. `bytes` is a struct: it has a minimum length, which errors do not report. `text` and
 * `binary` have a maximum length, without the zero byte; `name` is text that must end with a zero byte.
 */
export type AttributePolicy =
  | { readonly kind: 'bytes'; readonly minimum: number }
  | { readonly kind: 'text' | 'binary'; readonly maximum: number }
  /** of any length without a maximum */
  | { readonly kind: 'name'; readonly maximum?: number }
  /** only the kernel sends it (NLA_REJECT) */
  | { readonly kind: 'rejected' }
  /** a number in network order, 0 to 255 or of the bits of `mask` */
  | { readonly kind: 'small' }
  | { readonly kind: 'flags'; readonly mask: number }
  /** a byte, at most that where it says so */
  | { readonly kind: 'u8'; readonly maximum?: number }
  | { readonly kind: 'u16' | 'u32' | 'u64' | 'nested' }

/**
 * The policies of a message, by attribute number; an attribute without one is not checked. As long as the highest
 * number is large.
 */
export type MessagePolicy = readonly (AttributePolicy | undefined)[]

export const u8 = { kind: 'u8' } as const
export const u16 = { kind: 'u16' } as const
export const u32 = { kind: 'u32' } as const
export const u64 = { kind: 'u64' } as const
export const small = { kind: 'small' } as const
export const nested = { kind: 'nested' } as const

/** The policies of the members of a set. */
export function policyOf<Set extends AttributeSet>(
  set: Set,
  policies: { readonly [Name in keyof Set['members']]?: AttributePolicy },
): MessagePolicy {
  return Array.from(set.names, (name) => (name === undefined ? undefined : policies[name]))
}
