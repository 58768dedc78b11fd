import {
  type AttributeSet,
  align4,
  type ErrorNames,
  type ExtendedAck,
  KernelError,
  MESSAGE_HEADER_LENGTH,
  type Memory,
  Message,
} from '@ringlink/codec'
import {
  attributeByNumber,
  attributePath,
  describeMessage,
  describePolicy,
  nestedSetAt,
} from '@ringlink/codec/internal'

/** The parts of a sent request that the error for its refusal needs. */
export interface SentRequest {
  /** what the request was for: the error message begins with it */
  readonly what: string
  readonly bytes: Uint8Array
  readonly sequence: number
  /** the request's own table and bytes of fixed header, which know more than the message type does */
  readonly table?: { readonly set: AttributeSet; readonly headerLength: number } | undefined
  /** names of errors besides those of errno.h */
  readonly errors?: ErrorNames | undefined
}

/** The error for `errno`, with the names of the request's attributes that the extended ack points at. */
export function kernelError(
  protocol: number,
  sent: SentRequest,
  errno: number,
  ack: ExtendedAck | undefined,
): KernelError {
  const { what, sequence, errors } = sent
  const { offset, message, missingType, policy } = ack ?? {}
  return new KernelError(what, errno, {
    extendedMessage: message,
    offset,
    attribute: offset === undefined ? undefined : attributeName(protocol, sent, offset),
    missing: missingType === undefined ? undefined : missingName(protocol, sent, missingType, ack?.missingNest),
    policy: policy === undefined ? undefined : describePolicy(policy),
    errnoName: errors?.[errno],
    sequence,
  })
}

/** The attributes of a request whose message type is known. */
interface RequestAttributes {
  readonly set: AttributeSet
  readonly memory: Memory
  readonly start: number
  readonly length: number
}

function requestAttributes(protocol: number, { bytes, table }: SentRequest): RequestAttributes | undefined {
  const { memory, type, length } = new Message(bytes).view
  const description = describeMessage(protocol, type)
  const set = table?.set ?? description?.attributes
  if (set === undefined) return undefined
  const start = MESSAGE_HEADER_LENGTH + align4(table?.headerLength ?? description?.headerLength ?? 0)
  return start > length ? undefined : { set, memory, start, length: length - start }
}

function attributeName(protocol: number, sent: SentRequest, offset: number): string | undefined {
  const known = requestAttributes(protocol, sent)
  if (known === undefined) return undefined
  const names = attributePath(known.set, known.memory, known.start, known.length, offset)
  return names.length > 0 ? names.join(' > ') : undefined
}

/**
 * The kernel's name of the missing attribute `type`: missing from the nest at offset `nest` of the request, or from its
 * top level.
 */
function missingName(protocol: number, sent: SentRequest, type: number, nest: number | undefined): string {
  const known = requestAttributes(protocol, sent)
  const set =
    known === undefined || nest === undefined
      ? known?.set
      : nestedSetAt(known.set, known.memory, known.start, known.length, nest)
  return (set && attributeByNumber(set, type)?.kernelName) ?? `attribute ${type}`
}
