/**
 * The description of a netlink family: its operations, with the numbers and layouts of their messages, and its
 * multicast groups.
 */
import type { Memory } from '../wire/memory.ts'
import { type AttributeSet, attributeSet, type StructFormat } from './format.ts'
import type { Structure } from './structure.ts'

/** The numbers of a request and its answer: message types, or commands of a generic family. */
export interface MessageNumbers {
  readonly request: number
  readonly reply?: number | undefined
  /**
   * the answer comes after the acknowledgement; a dump is then a request like any other, whose answer has several
   * messages
   */
  readonly isLate?: boolean | undefined
}

/** Messages whose payload is a record of its own format, such as text, in place of a struct and attributes. */
export interface RecordFormat {
  /**
   * `nlmsg_type` of the first and the last of them; `undefined`: each datagram is a record, without a netlink header
   */
  readonly types: readonly [first: number, last: number] | undefined
  /** Reads `length` bytes at `offset`. Throws `DecodeError`. */
  readonly read: (memory: Memory, offset: number, length: number, type: number) => object
  /** The bytes of a request. Throws `EncodeError`. */
  readonly write?: ((values: unknown) => Uint8Array) | undefined
}

/** What a message of a family is: a struct, if there is one, and attributes. */
export interface MessageLayout {
  readonly header: StructFormat | undefined
  readonly attributes: AttributeSet
}

/** An operation. `Values` is what its messages hold; it exists only for the type checker. */
export interface OperationDescription<out Values = unknown, out RequestValues = unknown> {
  /** the name in the uapi header */
  readonly kernelName: string
  /** the struct that messages begin with, after that of the protocol */
  readonly header: StructFormat | undefined
  readonly attributes: AttributeSet
  readonly do: MessageNumbers | undefined
  readonly dump: MessageNumbers | undefined
  /** the number of the notification that it is */
  readonly event: number | undefined
  /** what its answers and notifications are, where they are not what requests are */
  readonly reply?: MessageLayout | undefined
  /** how its messages are read and written, where they are not a struct and attributes */
  readonly record?: RecordFormat | undefined
  readonly valuesType?: Values
  readonly requestType?: RequestValues
}

/** What a message of an operation holds: its attributes, and `header` where it begins with a struct. */
export type OperationValues<Operation> = Operation extends OperationDescription<infer Values> ? Values : never
/** What a request of an operation may say: any attribute, and any field of the header; those left out are zero. */
export type OperationRequest<Operation> =
  Operation extends OperationDescription<unknown, infer RequestValues> ? RequestValues : never

/** A generic family has a name, by which the kernel's controller tells its number. */
export interface GenericName {
  readonly name: string
  readonly version: number
}

/** A multicast group: the name that a generic family gives it, or its number. */
export type GroupDescription = string | number

export interface FamilyDescription<
  Operations extends Readonly<Record<string, OperationDescription>> = Readonly<Record<string, OperationDescription>>,
  Groups extends Readonly<Record<string, GroupDescription>> = Readonly<Record<string, GroupDescription>>,
> {
  /** the specification's name: `rt-link` */
  readonly name: string
  /** `Protocol`; of generic families `Protocol.Generic` */
  readonly protocol: number
  readonly generic: GenericName | undefined
  /** the kernel module that brings it, the option that the kernel is built with, or its first kernel: `Linux 6.3` */
  readonly module: string | undefined
  readonly operations: Operations
  readonly groups: Groups
  /** how to find out whether the kernel has it, where neither its protocol nor its name tells */
  readonly presence?: PresenceProbe | undefined
  /** names of the numbers that it refuses with besides those of errno.h */
  readonly errors?: ErrorNames | undefined
}

/** Names of errors by their numbers. */
export type ErrorNames = Readonly<Record<number, string>>

/** A request that every kernel with the family carries out, and that a kernel without it refuses with `errno`. */
export interface PresenceProbe {
  readonly operation: string
  readonly mode: 'do' | 'dump'
  readonly request: unknown
  readonly errno: number
}

interface OperationNumbers {
  readonly do?: MessageNumbers
  readonly dump?: MessageNumbers
  readonly event?: number
}

/** An operation whose messages are attributes, with `Values`. */
export function operation<Values>(
  kernelName: string,
  attributes: AttributeSet,
  numbers: OperationNumbers,
): OperationDescription<Values, Values> {
  return describe(kernelName, undefined, attributes, numbers)
}

/** An operation whose messages begin with a struct that the attributes follow. */
export function headedOperation<Header, Values>(
  kernelName: string,
  header: Structure<Header>,
  attributes: AttributeSet,
  numbers: OperationNumbers,
): OperationDescription<{ header: Header } & Values, { header?: Partial<Header> | undefined } & Values> {
  return describe(kernelName, header, attributes, numbers)
}

/** An operation whose answers are other structs and attributes than its requests. */
export function askingOperation<RequestHeader, RequestValues, Header, Values>(
  kernelName: string,
  request: { readonly header?: Structure<RequestHeader>; readonly attributes: AttributeSet },
  reply: { readonly header: Structure<Header>; readonly attributes: AttributeSet },
  numbers: OperationNumbers,
): OperationDescription<{ header: Header } & Values, { header?: Partial<RequestHeader> | undefined } & RequestValues> {
  return { ...describe(kernelName, request.header, request.attributes, numbers), reply }
}

/** An operation whose messages are records with `Values`. */
export function recordOperation<Values, RequestValues = never>(
  kernelName: string,
  record: RecordFormat,
  numbers: OperationNumbers,
): OperationDescription<Values, RequestValues> {
  return { ...describe(kernelName, undefined, attributeSet(kernelName, {}), numbers), record }
}

function describe(
  kernelName: string,
  header: StructFormat | undefined,
  attributes: AttributeSet,
  numbers: OperationNumbers,
): OperationDescription<never, never> {
  return { kernelName, header, attributes, do: numbers.do, dump: numbers.dump, event: numbers.event }
}

/** A family whose messages have types of their own: rtnetlink, nfnetlink and the like. */
export function rawFamily<
  const Operations extends Readonly<Record<string, OperationDescription>>,
  const Groups extends Readonly<Record<string, GroupDescription>>,
>(
  name: string,
  protocol: number,
  operations: Operations,
  groups: Groups,
  module?: string,
  presence?: PresenceProbe,
  errors?: ErrorNames,
): FamilyDescription<Operations, Groups> {
  const description = { name, protocol, generic: undefined, module, operations, groups }
  return { ...description, ...(presence && { presence }), ...(errors && { errors }) }
}

/** What the answers and notifications of an operation are. */
export function replyLayout(operation: OperationDescription): MessageLayout {
  return operation.reply ?? operation
}

const GENERIC_PROTOCOL = 16

/** A family of generic netlink. */
export function genericFamily<
  const Operations extends Readonly<Record<string, OperationDescription>>,
  const Groups extends Readonly<Record<string, GroupDescription>>,
>(
  name: string,
  generic: GenericName,
  operations: Operations,
  groups: Groups,
  module?: string,
): FamilyDescription<Operations, Groups> {
  return { name, protocol: GENERIC_PROTOCOL, generic, module, operations, groups }
}
