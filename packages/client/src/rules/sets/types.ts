/** Sets that rules look packets up in, and that live while the rules do. */
import type { NumberRange } from '../properties.ts'

/** What a value in a set is. */
export type SetElementType = 'ipv4' | 'ipv6' | 'port' | 'mark' | 'interface' | 'hardwareAddress'

/** How a set is made. */
export interface SetOptions {
  /**
   * what elements are; several types: each element is a list of as many values, as `['10.0.0.1', 53]` for `['ipv4',
   * 'port']`
   */
  readonly type: SetElementType | readonly SetElementType[]
  /** makes it a map, whose elements have a verdict or a mark each */
  readonly to?: 'verdict' | 'mark' | undefined
  /**
   * elements may be networks and ranges, which must not overlap; default false: single values only. Several types:
   * Linux 5.6
   */
  readonly ranges?: boolean | undefined
  /** milliseconds after which an element without a time of its own goes; default never */
  readonly timeout?: number | undefined
  /** elements at most; default as many as the kernel has memory for, and 65,535 where rules add them */
  readonly size?: number | undefined
  /** rules add elements (`addTo`); default false. Not with `ranges` or `to` */
  readonly dynamic?: boolean | undefined
}

/** Sets by their names. */
export type RuleSets = Readonly<Record<string, SetOptions>>

/** An address, network or name as text, a port or mark as a number, a range of numbers. */
export type SetPart = string | number | NumberRange

/** A value of a set: one, or in a set of several types, a list of them. */
export type SetValue = SetPart | readonly SetPart[]

/**
 * What a map has for an element: a verdict, also to continue with the next rule or in a chain of these rules; or a
 * mark.
 */
export type MapTarget =
  | 'accept'
  | 'drop'
  | 'continue'
  | 'return'
  | { readonly jump: string }
  | { readonly goto: string }
  | number

/** An element, and the time that it has. */
export interface SetElement {
  readonly value: SetValue
  /** in a map, what the element has */
  readonly to?: MapTarget | undefined
  /** milliseconds that the element lives; default as the set says */
  readonly timeout?: number | undefined
}

/** An element of a set as the kernel lists it. */
export interface ListedElement {
  readonly value: SetValue
  /** in a map, what the element has */
  readonly to?: MapTarget
  /** milliseconds that it lives; `undefined`: forever */
  readonly timeout: number | undefined
  /** milliseconds that are left */
  readonly expires: number | undefined
}
