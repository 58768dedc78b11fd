/** What {@link inspect} makes of bytes: plain objects that own all they hold. Offsets count from the first byte given. */

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
  readonly value: number | bigint | Uint8Array
  /** the kernel's names for the value, where there are */
  readonly meaning?: string | undefined
}

/** A header inside a message: the request that an error repeats. */
export interface GroupNode extends Place {
  readonly kind: 'group'
  readonly children: readonly InspectNode[]
}

/** Bytes that nothing is known of. */
export interface BytesNode extends Place {
  readonly kind: 'bytes'
  /** two digits a byte, no blanks; fewer bytes than `length` where a limit was met */
  readonly hexadecimal: string
}

export interface AttributeNode extends Place {
  readonly kind: 'attribute'
  /** its name in the codec's table; `undefined` if it is not there */
  readonly member: string | undefined
  /** `nla_type` without its flag bits */
  readonly number: number
  /** the flag bits of `nla_type` */
  readonly bits: number
  /** how the table says that it is laid out */
  readonly format: AttributeFormat['kind'] | undefined
  /** of a flag, a number, text or bytes; the other formats have children */
  readonly value?: true | number | bigint | string | Uint8Array
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

/** Why bytes could not be read, at the place where that was seen. */
export interface ProblemNode extends Place {
  readonly kind: 'problem'
  readonly code: DecodeErrorCode | 'MESSAGE_COUNT' | 'NODE_COUNT' | 'BYTE_COUNT'
  readonly text: string
}

export type InspectNode = FieldNode | GroupNode | BytesNode | AttributeNode | MessageNode | ProblemNode
