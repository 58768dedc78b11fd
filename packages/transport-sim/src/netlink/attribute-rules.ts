import type { PolicyType } from '@ringlink/codec'

/** What one attribute may be. */
export interface AttributeRule {
  readonly type: PolicyType
  /** bounds of an integer; default those of its type */
  readonly minimum?: bigint | undefined
  readonly maximum?: bigint | undefined
  /** bounds of a text without its zero byte, or of bytes */
  readonly shortest?: number | undefined
  readonly longest?: number | undefined
  /** what is in a nest, where the kernel checks that together with the rest */
  readonly nest?: AttributeRules | undefined
}

/**
 * What the attributes of a message or nest may be. A number up to `maximum` without a rule is not checked, or
 * unsupported if strict.
 */
export interface AttributeRules {
  /** the highest attribute number that is known */
  readonly maximum: number
  readonly rules: ReadonlyMap<number, AttributeRule>
}

/**
 * `liberal`: as families of before Linux 5.2 read requests; `exact`: no unknown attributes and no bytes after the last
 * one; `strict`: in addition exact lengths, marked nests, and nothing without a rule.
 */
export type Strictness = 'liberal' | 'exact' | 'strict'
