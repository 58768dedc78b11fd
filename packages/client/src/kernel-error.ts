import {
  attributeByNumber,
  attributePath,
  describeMessage,
  type ExtendedAck,
  KernelError,
  MESSAGE_HEADER_LENGTH,
  Message,
} from '@ringlink/codec'

/** A request that was sent, as far as the error for its refusal needs it. */
export interface SentRequest {
  /** what it was for: the error's text begins with it */
  readonly what: string
  readonly bytes: Uint8Array
  readonly sequence: number
}

/** The error for `errno`, with the names of the attributes that the extended ack points at in the request. */
export function kernelError(
  protocol: number,
  { what, bytes, sequence }: SentRequest,
  errno: number,
  ack: ExtendedAck | undefined,
): KernelError {
  const { offset, message, missingType } = ack ?? {}
  const request = new Message(bytes).view
  const description = describeMessage(protocol, request.type)
  const start = MESSAGE_HEADER_LENGTH + (description?.headerLength ?? 0)
  const names =
    description === undefined || offset === undefined || start > request.length
      ? []
      : attributePath(description.attributes, request.memory, start, request.length - start, offset)
  const missing =
    missingType === undefined || description === undefined
      ? undefined
      : (attributeByNumber(description.attributes, missingType)?.kernelName ?? `attribute ${missingType}`)
  return new KernelError(what, errno, {
    extendedMessage: message,
    offset,
    attribute: names.length > 0 ? names.join(' > ') : undefined,
    missing,
    sequence,
  })
}
