/**
 * Scripts for families that are described by tables: rtnetlink and generic netlink. The same script runs on both
 * kernels.
 */
import {
  AttributeWriter,
  GetFlag,
  Memory,
  MessageFlag,
  type OperationDescription,
  Protocol,
  writeAttributes,
} from '@ringlink/codec'
import { writeStruct } from '@ringlink/codec/internal'

export type FamilySocket = 'a' | 'b' | 'c'

/** One message. Its number follows from its place. */
export interface FamilyMessage {
  /** `nlmsg_type`, or the name of a generic family, whose number is looked up */
  readonly type: number | string
  readonly flags: number
  /** everything after the netlink header */
  readonly body: Uint8Array
}

export type FamilyStep =
  | {
      readonly do: 'open'
      readonly socket: FamilySocket
      readonly protocol: number
      readonly groups?: readonly number[]
      readonly strictChecking?: boolean
    }
  | { readonly do: 'send'; readonly socket: FamilySocket; readonly messages: readonly FamilyMessage[] }
  | { readonly do: 'read'; readonly socket: FamilySocket }
  /** waits until the kernel has done what it does later by itself: states of links, addresses that it checks */
  | { readonly do: 'settle' }
  /** waits until no address is left that has a time to live */
  | { readonly do: 'expire' }

export const ACKNOWLEDGED: number = MessageFlag.Request | MessageFlag.Acknowledge
export const DUMPED: number = MessageFlag.Request | GetFlag.Dump

/** The struct and the attributes of a request, as the tables write them. Fields that are left out are 0. */
export function bodyOf(
  { header, attributes }: OperationDescription,
  values: Readonly<Record<string, unknown>>,
  before: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const memory = new Memory(16_384)
  memory.u8.set(before)
  const start = before.length + (header?.size ?? 0)
  const { header: fields = {}, ...others } = values
  if (header !== undefined) {
    const given: Record<string, unknown> = {}
    for (const { name } of header.fields) {
      if (name !== undefined) given[name] = (fields as Readonly<Record<string, unknown>>)[name] ?? 0
    }
    writeStruct(header, memory, before.length, given, 'header')
  }
  const writer = new AttributeWriter().wrap(memory, start, memory.byteLength)
  writeAttributes(writer, attributes, others)
  return memory.copy(0, writer.end)
}

/** An attribute of any bytes. */
export function rawAttribute(type: number, payload: Uint8Array | readonly number[]): Uint8Array {
  const bytes = new Uint8Array((4 + payload.length + 3) & ~3)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, 4 + payload.length, true)
  view.setUint16(2, type, true)
  bytes.set(payload, 4)
  return bytes
}

export const joined = (...parts: (Uint8Array | readonly number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]))

export const open = (
  socket: FamilySocket,
  protocol: number = Protocol.Route,
  groups: readonly number[] = [],
): FamilyStep => ({ do: 'open', socket, protocol, groups })
export const read = (socket: FamilySocket = 'a'): FamilyStep => ({ do: 'read', socket })
export const settle: FamilyStep = { do: 'settle' }
export const expire: FamilyStep = { do: 'expire' }
/** Each message in a send of its own, with what it was answered. */
export const ask = (...messages: readonly FamilyMessage[]): FamilyStep[] =>
  messages.flatMap((it): FamilyStep[] => [{ do: 'send', socket: 'a', messages: [it] }, read('a')])
