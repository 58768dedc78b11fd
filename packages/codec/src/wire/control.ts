/**
 * Control messages: Error (with errno 0 an acknowledgement) and Done (uapi/linux/netlink.h, struct nlmsgerr). Noop and
 * Overrun are only a header. All numbers are in host byte order.
 *
 *  Error:  nlmsghdr | s32 -errno or 0 | nlmsghdr of the request | its payload, unless Capped | extended ack
 *  Done:   nlmsghdr | s32 -errno or 0 | extended ack            the end of a dump
 *  Done:   nlmsghdr | nfgenmsg                                  the end of a datagram of log records
 *
 * Only the end of a dump has the flag `MessageFlag.Multipart`. The extended ack is attributes, present if the message
 * has the flag `AcknowledgeFlag.Attributes`.
 */

import { DecodeError } from '../errors.ts'
import { bytes, nested, s64, text, u32, u64 } from '../schema/describe.ts'
import { type AttributeValues, attributeSet } from '../schema/format.ts'
import { readAttributes } from '../schema/read.ts'
import { AttributeIterator } from './attribute.ts'
import { align4 } from './memory.ts'
import { AcknowledgeFlag, ControlType, MESSAGE_HEADER_LENGTH, MessageFlag, MessageView } from './message.ts'

const ERROR = MESSAGE_HEADER_LENGTH
const REQUEST = ERROR + 4
const MINIMUM_ERROR_LENGTH = REQUEST + MESSAGE_HEADER_LENGTH
const MINIMUM_DONE_LENGTH = ERROR + 4

/** NL_POLICY_TYPE_ATTR_*: what the kernel would have accepted for an attribute. */
export const policyAttributes = attributeSet('NL_POLICY_TYPE_ATTR', {
  type: u32(1, 'NL_POLICY_TYPE_ATTR_TYPE'),
  minimumSigned: s64(2, 'NL_POLICY_TYPE_ATTR_MIN_VALUE_S'),
  maximumSigned: s64(3, 'NL_POLICY_TYPE_ATTR_MAX_VALUE_S'),
  minimumUnsigned: u64(4, 'NL_POLICY_TYPE_ATTR_MIN_VALUE_U'),
  maximumUnsigned: u64(5, 'NL_POLICY_TYPE_ATTR_MAX_VALUE_U'),
  minimumLength: u32(6, 'NL_POLICY_TYPE_ATTR_MIN_LENGTH'),
  maximumLength: u32(7, 'NL_POLICY_TYPE_ATTR_MAX_LENGTH'),
  policyIndex: u32(8, 'NL_POLICY_TYPE_ATTR_POLICY_IDX'),
  policyMaximumType: u32(9, 'NL_POLICY_TYPE_ATTR_POLICY_MAXTYPE'),
  bitfieldMask: u32(10, 'NL_POLICY_TYPE_ATTR_BITFIELD32_MASK'),
  padding: bytes(11, 'NL_POLICY_TYPE_ATTR_PAD'),
  mask: u64(12, 'NL_POLICY_TYPE_ATTR_MASK'),
})

/** NLMSGERR_ATTR_*: what the kernel reports in addition to the errno. */
export const extendedAckAttributes = attributeSet('NLMSGERR_ATTR', {
  message: text(1, 'NLMSGERR_ATTR_MSG', 4096),
  offset: u32(2, 'NLMSGERR_ATTR_OFFS'),
  cookie: bytes(3, 'NLMSGERR_ATTR_COOKIE'),
  policy: nested(4, 'NLMSGERR_ATTR_POLICY', policyAttributes),
  missingType: u32(5, 'NLMSGERR_ATTR_MISS_TYPE'),
  missingNest: u32(6, 'NLMSGERR_ATTR_MISS_NEST'),
})
/** The extended ack as an owned value. */
export type ExtendedAck = AttributeValues<typeof extendedAckAttributes>

/** What the payload of an attribute is, by a policy (`NL_POLICY_TYPE_ATTR_TYPE`). */
export const PolicyType = {
  /** NL_ATTR_TYPE_INVALID: none is accepted */
  Invalid: 0,
  /** NL_ATTR_TYPE_FLAG */
  Flag: 1,
  /** NL_ATTR_TYPE_U8 */
  U8: 2,
  /** NL_ATTR_TYPE_U16 */
  U16: 3,
  /** NL_ATTR_TYPE_U32 */
  U32: 4,
  /** NL_ATTR_TYPE_U64 */
  U64: 5,
  /** NL_ATTR_TYPE_S8 */
  S8: 6,
  /** NL_ATTR_TYPE_S16 */
  S16: 7,
  /** NL_ATTR_TYPE_S32 */
  S32: 8,
  /** NL_ATTR_TYPE_S64 */
  S64: 9,
  /** NL_ATTR_TYPE_BINARY */
  Binary: 10,
  /** NL_ATTR_TYPE_STRING */
  String: 11,
  /** NL_ATTR_TYPE_NUL_STRING */
  TerminatedString: 12,
  /** NL_ATTR_TYPE_NESTED */
  Nested: 13,
  /** NL_ATTR_TYPE_NESTED_ARRAY */
  NestedArray: 14,
  /** NL_ATTR_TYPE_BITFIELD32 */
  Bitfield32: 15,
  /** NL_ATTR_TYPE_SINT; Linux 6.7 */
  Sint: 16,
  /** NL_ATTR_TYPE_UINT; Linux 6.7 */
  Uint: 17,
} as const
export type PolicyType = (typeof PolicyType)[keyof typeof PolicyType]

/** The values of `PolicyType` in words, by number. */
const policyTypeNames: readonly string[] = [
  'invalid',
  'flag',
  'u8',
  'u16',
  'u32',
  'u64',
  's8',
  's16',
  's32',
  's64',
  'binary',
  'string',
  'nul-terminated string',
  'nested attributes',
  'array of nested attributes',
  'bitfield32',
  'signed integer of 4 or 8 bytes',
  'unsigned integer of 4 or 8 bytes',
]

/** A kernel's policy as text: `u32 from 1 to 65536`, `string of at most 15 bytes`. */
export function describePolicy(policy: AttributeValues<typeof policyAttributes>): string {
  const { type, minimumLength, maximumLength, bitfieldMask, mask } = policy
  const minimum = policy.minimumSigned ?? policy.minimumUnsigned
  const maximum = policy.maximumSigned ?? policy.maximumUnsigned
  const name = type === undefined ? 'an attribute' : (policyTypeNames[type] ?? `an attribute of type ${type}`)
  return [
    name,
    minimum === undefined && maximum === undefined ? undefined : `${rangeText(minimum, maximum)}`,
    minimumLength === undefined && maximumLength === undefined
      ? undefined
      : `of ${rangeText(minimumLength, maximumLength).replace(/^from /, '')} bytes`,
    bitfieldMask === undefined ? undefined : `with bits of 0x${bitfieldMask.toString(16)}`,
    mask === undefined ? undefined : `with bits of 0x${mask.toString(16)}`,
  ]
    .filter((part) => part !== undefined)
    .join(' ')
}

function rangeText(minimum: number | bigint | undefined, maximum: number | bigint | undefined): string {
  if (minimum === undefined) return `at most ${maximum}`
  if (maximum === undefined) return `at least ${minimum}`
  return minimum === maximum ? `exactly ${minimum}` : `from ${minimum} to ${maximum}`
}

/** An Error message in place. After {@link wrap} no getter can fail. */
export class ErrorView {
  #message: MessageView = new MessageView()

  /** Aims at an Error message. Throws `DecodeError`. */
  wrap(message: MessageView): this {
    expectType(message, ControlType.Error, 'Error message', MINIMUM_ERROR_LENGTH)
    this.#message.memory = message.memory
    this.#message.offset = message.offset
    return this
  }

  /** positive, as in `errno.h`; 0 is an acknowledgement */
  get errno(): number {
    return 0 - (this.#message.memory.i32[(this.#message.offset + ERROR) >> 2] as number)
  }

  /** `nlmsg_type` of the request */
  get requestType(): number {
    return this.#message.memory.u16[(this.requestOffset + 4) >> 1] as number
  }

  /** `nlmsg_seq` of the request */
  get requestSequence(): number {
    return this.#message.memory.u32[(this.requestOffset + 8) >> 2] as number
  }

  /** offset of the repeated request */
  get requestOffset(): number {
    return this.#message.offset + REQUEST
  }

  /** bytes of the request that are repeated: all of it, or its header when the kernel capped it */
  get requestLength(): number {
    const { length, flags } = this.#message
    if ((flags & AcknowledgeFlag.Capped) !== 0) return MESSAGE_HEADER_LENGTH
    const claimed = this.#message.memory.u32[this.requestOffset >> 2] as number
    return Math.max(MESSAGE_HEADER_LENGTH, Math.min(claimed, length - REQUEST))
  }

  /** The extended ack, if there is one. Throws `DecodeError` when it is malformed. */
  extendedAck(): ExtendedAck | undefined {
    return readExtendedAck(this.#message, REQUEST + align4(this.requestLength))
  }

  /** As {@link extendedAck}, but of a malformed one the attributes that can be read. Never throws. */
  availableAck(): ExtendedAck | undefined {
    return readAvailableAck(this.#message, REQUEST + align4(this.requestLength))
  }
}

/** A Done message in place. After {@link wrap} no getter can fail. */
export class DoneView {
  #message: MessageView = new MessageView()

  /** Aims at a Done message. Throws `DecodeError`. */
  wrap(message: MessageView): this {
    expectType(message, ControlType.Done, 'Done message', MESSAGE_HEADER_LENGTH)
    this.#message.memory = message.memory
    this.#message.offset = message.offset
    return this
  }

  /** positive; 0 on success, and if the message is not the end of a dump, because only that carries a number */
  get errno(): number {
    const { length, flags } = this.#message
    if (length < MINIMUM_DONE_LENGTH || (flags & MessageFlag.Multipart) === 0) return 0
    const value = this.#message.memory.i32[(this.#message.offset + ERROR) >> 2] as number
    // Some dumps end with their last positive return value; only a negative one is an error.
    return value < 0 ? -value : 0
  }

  /** The extended ack, if there is one. Throws `DecodeError` when it is malformed. */
  extendedAck(): ExtendedAck | undefined {
    return readExtendedAck(this.#message, MINIMUM_DONE_LENGTH)
  }

  /** As {@link extendedAck}, but of a malformed one the attributes that can be read. Never throws. */
  availableAck(): ExtendedAck | undefined {
    return readAvailableAck(this.#message, MINIMUM_DONE_LENGTH)
  }
}

function expectType(message: MessageView, type: number, what: string, need: number): void {
  const { offset, length } = message
  if (message.type !== type)
    throw new DecodeError('MESSAGE_TYPE', `${what} of type ${message.type}`, { offset, need, have: length })
  if (length < need) throw new DecodeError('SHORT_HEADER', what, { offset, need, have: length })
}

function readExtendedAck(message: MessageView, start: number): ExtendedAck | undefined {
  if ((message.flags & AcknowledgeFlag.Attributes) === 0 || start > message.length) return undefined
  return readAttributes(extendedAckAttributes, message.memory, message.offset + start, message.length - start)
}

/**
 * The readable part of an extended ack: leaves out malformed attributes, and everything after one whose length is too
 * large.
 */
function readAvailableAck(message: MessageView, start: number): ExtendedAck | undefined {
  if ((message.flags & AcknowledgeFlag.Attributes) === 0 || start > message.length) return undefined
  const { memory } = message
  const ack: ExtendedAck = {}
  const iterator = new AttributeIterator().wrap(memory, message.offset + start, message.length - start)
  const { view } = iterator
  while (iterator.next()) {
    try {
      Object.assign(ack, readAttributes(extendedAckAttributes, memory, view.offset, view.length))
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
    }
  }
  return ack
}
