/**
 * The tree that {@link inspect} returns: plain objects that own all they hold. Offsets count from the first byte of the
 * input.
 */

import type { DecodeErrorCode } from '../errors.ts'
import type { AttributeFormat } from '../schema/format.ts'

interface Place {
  readonly name: string
  readonly offset: number
  /** bytes, without padding */
  readonly length: number
}

/** One number of a header or struct. */
export interface FieldNode extends Place {
  readonly kind: 'field'
  readonly value: number | bigint | string | Uint8Array
  /** the kernel's names for the value, if there are any */
  readonly meaning?: string | undefined
}

/** A header inside a message: the request that an error repeats. */
export interface GroupNode extends Place {
  readonly kind: 'group'
  readonly children: readonly InspectNode[]
}

/** Bytes of unknown meaning. */
export interface BytesNode extends Place {
  readonly kind: 'bytes'
  /** two hexadecimal digits per byte, no blanks; fewer bytes than `length` if a limit was reached */
  readonly hexadecimal: string
}

export interface AttributeNode extends Place {
  readonly kind: 'attribute'
  /** its name in the codec's table, if it has one */
  readonly member: string | undefined
  /** `nla_type` without its flag bits */
  readonly number: number
  /** the flag bits of `nla_type` */
  readonly bits: number
  /** its format according to the table */
  readonly format: AttributeFormat['kind'] | undefined
  /** value of a flag, a number, text or bytes; the other formats have children */
  readonly value?: true | number | bigint | string | Uint8Array
  /** the kernel's names for the value, where there are */
  readonly meaning?: string | undefined
  readonly children: readonly InspectNode[]
}

export interface MessageNode extends Place {
  readonly kind: 'message'
  readonly type: number
  readonly flags: number
  readonly sequence: number
  readonly portId: number
  /** the header's fields first, then those of the protocol's header, then attributes */
  readonly children: readonly InspectNode[]
}

/** Why bytes could not be read, at the place of the problem. */
export interface ProblemNode extends Place {
  readonly kind: 'problem'
  readonly code: DecodeErrorCode | 'MESSAGE_COUNT' | 'NODE_COUNT' | 'BYTE_COUNT'
  readonly text: string
}

export type InspectNode = FieldNode | GroupNode | BytesNode | AttributeNode | MessageNode | ProblemNode
