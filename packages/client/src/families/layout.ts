/** Where the parts of a family's messages lie. */
import {
  type AttributeSet,
  type FamilyDescription,
  MESSAGE_HEADER_LENGTH,
  Memory,
  type MessageView,
  type OperationDescription,
  readAttributes,
  readBody,
  type StructFormat,
} from '@ringlink/codec'
import { GENERIC_ATTRIBUTES, GENERIC_HEADER_LENGTH, genericHeader, writeStruct } from '@ringlink/codec/internal'

/** The bytes before the attributes of a request. */
export function requestHeader(
  { generic }: FamilyDescription,
  { header, kernelName }: OperationDescription,
  command: number,
  fields: Readonly<Record<string, unknown>> | undefined,
): Uint8Array {
  const start = generic === undefined ? 0 : GENERIC_HEADER_LENGTH
  const bytes = new Uint8Array(start + (header?.size ?? 0))
  if (generic !== undefined) bytes.set(genericHeader(command, generic.version))
  if (header !== undefined && fields !== undefined) bytes.set(structBytes(header, fields, kernelName), start)
  return bytes
}

function structBytes(header: StructFormat, fields: Readonly<Record<string, unknown>>, kernelName: string): Uint8Array {
  const memory = new Memory(header.size)
  writeStruct(header, memory, 0, fields, kernelName)
  return memory.u8.subarray(0, header.size)
}

/** The number that says which operation a message belongs to: its type, or its command. */
export function messageNumber({ generic }: FamilyDescription, { memory, offset, length, type }: MessageView): number {
  if (generic === undefined) return type
  return length < GENERIC_ATTRIBUTES ? -1 : (memory.u8[offset + MESSAGE_HEADER_LENGTH] as number)
}

/** The values of a message. Throws `DecodeError`. */
export function messageValues(
  { generic }: FamilyDescription,
  { header, attributes }: { readonly header: StructFormat | undefined; readonly attributes: AttributeSet },
  { memory, offset, length }: MessageView,
): object {
  const start = Math.min(length, generic === undefined ? MESSAGE_HEADER_LENGTH : GENERIC_ATTRIBUTES)
  if (header === undefined) return readAttributes(attributes, memory, offset + start, length - start)
  return readBody({ kind: 'body', header, set: attributes }, memory, offset + start, length - start)
}
