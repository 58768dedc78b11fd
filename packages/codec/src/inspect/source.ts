/** The inspected bytes, and the limits of the result. */
import type { DecodeErrorCode } from '../errors.ts'
import type { MessageDescription } from '../messages.ts'
import type { Framing } from './layout.ts'
import type { BytesNode, FieldNode, InspectNode, ProblemNode } from './tree.ts'

/** What tells messages of one type apart. */
export interface MessageContext {
  /** `nlmsg_flags` */
  readonly flags: number
  /** what follows the netlink header, as far as it is there */
  readonly payload: Uint8Array
}

/** Looks up the description of a message. */
export type DescribeMessage = (
  protocol: number,
  type: number,
  context: MessageContext,
) => MessageDescription | undefined

/** The remaining budget, which each node and each byte that is shown reduces. */
export interface Budget {
  nodes: number
  bytes: number
}

export interface Source {
  readonly bytes: Uint8Array
  readonly framing: Framing
  readonly protocol: number
  readonly describe: DescribeMessage
  readonly maximumDepth: number
  readonly budget: Budget
}

export interface Region {
  readonly start: number
  readonly end: number
}

/** A window on the bytes of a region. */
export function part({ bytes }: Source, { start, end }: Region): Uint8Array {
  return bytes.subarray(start, end)
}

/** The two digits of each byte. */
const byteDigits: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Copies the bytes of a region, as many as the budget allows. */
export function takeBytes(source: Source, region: Region): Uint8Array {
  const taken = Math.min(region.end - region.start, source.budget.bytes)
  source.budget.bytes -= taken
  return source.bytes.slice(region.start, region.start + taken)
}

export function bytesNode(source: Source, name: string, region: Region): BytesNode {
  let hexadecimal = ''
  for (const byte of takeBytes(source, region)) hexadecimal += byteDigits[byte]
  return { kind: 'bytes', name, offset: region.start, length: region.end - region.start, hexadecimal }
}

/** A node for the bytes of a region, if there are any. */
export function rest(source: Source, name: string, region: Region): InspectNode[] {
  return region.end > region.start ? [bytesNode(source, name, region)] : []
}

/** Nodes for a problem and for the bytes that it leaves unread. */
export function malformed(source: Source, region: Region, code: ProblemNode['code'], text: string): InspectNode[] {
  return [problemNode(region.start, code, text), ...rest(source, 'not read', region)]
}

export function problemNode(
  offset: number,
  code: DecodeErrorCode | 'MESSAGE_COUNT' | 'NODE_COUNT' | 'BYTE_COUNT',
  text: string,
): ProblemNode {
  return { kind: 'problem', name: code, offset, length: 0, code, text }
}

/** Takes a node from the budget; false when there are none left. */
export function takeNode({ budget }: Source): boolean {
  if (budget.nodes <= 0) return false
  budget.nodes--
  return true
}

export function field(name: string, offset: number, length: number, value: number, meaning?: string): FieldNode {
  return { kind: 'field', name, offset, length, value, meaning }
}
