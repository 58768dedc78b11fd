import {
  AttributeBit,
  AttributeIterator,
  type AttributeSet,
  EncodeError,
  type FamilyDescription,
  GenericOperationFlag,
  Memory,
  MessageFlag,
  type OperationDescription,
  type OperationValues,
  readAttributes,
  readBody,
  replyLayout,
  type StructFormat,
} from '@ringlink/codec'
import { didYouMean, GENERIC_ATTRIBUTES, genericHeader, writeStruct } from '@ringlink/codec/internal'
import type { AttributeRules } from '../netlink/attribute-rules.ts'
import { type KernelRequest, SUPPRESS_ACK } from '../netlink/request.ts'
import { sendReply, startDump } from '../netlink/row-answers.ts'
import { tableMessage } from '../netlink/table-message.ts'
import type { CommandMode, GenericCommand, GenericEntry, GenericGroup } from './command.ts'
import type { GenericMulticast } from './controller.ts'
import { rulesOfSet } from './description-rules.ts'
import { type FamilyHandlers, type OperationHandler, Refusal, type RefusalDetails } from './handlers.ts'

type Handler = OperationHandler<unknown, unknown>

/** A generic family of a simulated kernel; made by `SimKernel.registerFamily`. */
export class RegisteredFamily<Description extends FamilyDescription = FamilyDescription> {
  readonly description: Description
  /** `nlmsg_type` of its messages */
  readonly id: number
  readonly #entry: GenericEntry
  readonly #multicast: GenericMulticast
  readonly #end: (entry: GenericEntry) => void
  #isRegistered = true

  constructor(
    description: Description,
    handlers: FamilyHandlers<Description>,
    numbers: { readonly id: number; readonly groups: readonly GenericGroup[] },
    host: { readonly multicast: GenericMulticast; readonly unregister: (entry: GenericEntry) => void },
  ) {
    this.description = description
    this.id = numbers.id
    this.#multicast = host.multicast
    this.#end = host.unregister
    const { generic, name, operations } = description
    const used = Object.entries<OperationDescription>(operations).flatMap(([key, operation]) => {
      const handler = (handlers as Readonly<Record<string, Handler | undefined>>)[key]
      return handler === undefined ? [] : this.#command(operation, handler)
    })
    this.#entry = {
      id: numbers.id,
      name: generic?.name ?? name,
      version: generic?.version ?? 0,
      headerSize: Object.values<OperationDescription>(operations).find(({ header }) => header)?.header?.size ?? 0,
      commands: new Map(used.map((command) => [command.number, command])),
      groups: numbers.groups,
      checksHeaders: true,
    }
  }

  /** For the kernel, which registers it. */
  get entry(): GenericEntry {
    return this.#entry
  }

  /** Sends the notification that `operation` describes to the members of a group. Throws `EncodeError`. */
  notify<Name extends keyof Description['operations'] & string>(
    group: keyof Description['groups'] & string,
    operation: Name,
    values: OperationValues<Description['operations'][Name]>,
  ): void {
    const { groups, operations, name } = this.description
    const groupName = Object.hasOwn(groups, group) ? groups[group] : undefined
    const id = this.#entry.groups.find((it) => it.name === groupName)?.id
    if (id === undefined) throw unknown(`${name} has no group "${group}"${didYouMean(group, Object.keys(groups))}`)
    const described = Object.hasOwn(operations, operation) ? operations[operation] : undefined
    if (described === undefined)
      throw unknown(`${name} has no operation "${operation}"${didYouMean(operation, Object.keys(operations))}`)
    const command = described.event ?? described.do?.reply ?? described.do?.request ?? described.dump?.reply
    if (command === undefined) throw unknown(`${operation} of ${name} has no number that a notification could have`)
    this.#multicast(id, this.#message(described, command, { flags: 0, sequence: 0, portId: 0 }, values))
  }

  /** Ends the family: its requests are ENOENT from now on. Does nothing if called again. */
  unregister(): void {
    if (!this.#isRegistered) return
    this.#isRegistered = false
    this.#end(this.#entry)
  }

  #command(operation: OperationDescription, handler: Handler): GenericCommand[] {
    const { do: single, dump } = operation
    const { accepts, dumpAccepts } = handler
    const rules = accepted(operation.attributes, accepts)
    const doMode = single && handler.do && this.#doMode(operation, single.reply, rules, handler.do)
    const dumpRules = dumpAccepts === accepts ? rules : accepted(operation.attributes, dumpAccepts)
    const dumpMode = dump && handler.dump && this.#dumpMode(operation, dump.reply, dumpRules, handler.dump)
    const number = single?.request ?? dump?.request
    if (number === undefined || (doMode === undefined && dumpMode === undefined)) return []
    const privilege = handler.privileged === true ? GenericOperationFlag.NamespaceAdministrator : 0
    return [{ number, privilege, do: doMode, dump: dumpMode }]
  }

  #doMode(
    operation: OperationDescription,
    reply: number | undefined,
    rules: AttributeRules | undefined,
    handle: NonNullable<Handler['do']>,
  ): CommandMode {
    const call = (request: KernelRequest): number => {
      try {
        const values = handle(requestValues(operation, request), originOf(request))
        if (values === undefined) return 0
        const header = { flags: 0, sequence: request.sequence, portId: request.socket.portId }
        return sendReply(request.socket, this.#message(operation, reply ?? 0, header, values))
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        explain(request, operation.attributes, error.details, this.#entry.headerSize)
        return -error.errno
      }
    }
    return { rules, strictness: 'strict', call }
  }

  #dumpMode(
    operation: OperationDescription,
    reply: number | undefined,
    rules: AttributeRules | undefined,
    handle: NonNullable<Handler['dump']>,
  ): CommandMode {
    const call = (request: KernelRequest): number => {
      const rows: Uint8Array[] = []
      let result = 0
      const header = { flags: MessageFlag.Multipart, sequence: request.sequence, portId: request.socket.portId }
      try {
        for (const values of handle(requestValues(operation, request), originOf(request))) {
          rows.push(this.#message(operation, reply ?? 0, header, values))
        }
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        explain(request, operation.attributes, error.details, this.#entry.headerSize)
        result = -error.errno
      }
      return startDump(request, rows, result) ? SUPPRESS_ACK : 0
    }
    return { rules, strictness: 'strict', call }
  }

  #message(
    operation: OperationDescription,
    command: number,
    header: { readonly flags: number; readonly sequence: number; readonly portId: number },
    values: unknown,
  ): Uint8Array {
    const { header: struct, attributes } = replyLayout(operation)
    const version = this.description.generic?.version ?? 0
    const { header: fields, ...others } = values as { header?: Readonly<Record<string, unknown>> }
    const isHeaded = struct !== undefined
    const fixed = isHeaded ? headed(command, version, struct, fields ?? {}) : genericHeader(command, version)
    const given = isHeaded ? others : (values as object)
    return tableMessage({ type: this.id, ...header }, fixed, attributes, given, true)
  }
}

/** The rules of the members that are accepted; `undefined` where nobody looks at attributes. */
function accepted(set: AttributeSet, names: readonly string[] | undefined): AttributeRules | undefined {
  return names?.length === 0 ? undefined : rulesOfSet(set, names)
}

function headed(
  command: number,
  version: number,
  struct: StructFormat,
  fields: Readonly<Record<string, unknown>>,
): Uint8Array {
  const memory = new Memory(4 + struct.size)
  memory.u8.set(genericHeader(command, version))
  writeStruct(struct, memory, 4, fields, 'header')
  return memory.copy(0, 4 + struct.size)
}

function requestValues({ header, attributes }: OperationDescription, request: KernelRequest): object {
  const size = header?.size ?? 0
  const memory = Memory.from(
    request.memory.copy(request.offset + GENERIC_ATTRIBUTES, request.length - GENERIC_ATTRIBUTES),
  )
  clearByteOrder(memory, size, memory.byteLength)
  const length = request.length - GENERIC_ATTRIBUTES
  if (header === undefined) return readAttributes(attributes, memory, 0, length)
  return readBody({ kind: 'body', header, set: attributes }, memory, 0, length)
}

/** Removes the flag NLA_F_NET_BYTEORDER, which the codec honours and the kernel does not look at. */
function clearByteOrder(memory: Memory, start: number, end: number): void {
  const attributes = new AttributeIterator().wrap(memory, start, end - start)
  while (attributes.next()) {
    const { bits, offset, payloadOffset, payloadLength } = attributes.view
    memory.u16[(offset >> 1) + 1] = (memory.u16[(offset >> 1) + 1] as number) & ~AttributeBit.NetworkOrder
    if ((bits & AttributeBit.Nested) !== 0) clearByteOrder(memory, payloadOffset, payloadOffset + payloadLength)
  }
}

function originOf({ socket, flags }: KernelRequest) {
  return { portId: socket.portId, privileged: socket.settings.privileged, flags }
}

/** Fills the extended ack of a refusal. */
function explain(request: KernelRequest, set: AttributeSet, refusal: RefusalDetails, headerSize: number): void {
  const { details, memory, offset, length } = request
  details.message = refusal.message
  const { attribute, missing } = refusal
  if (missing !== undefined) details.missingType = set.members[missing]?.number ?? -1
  if (attribute === undefined) return
  const start = offset + GENERIC_ATTRIBUTES + headerSize
  const at = offsetOf(memory, start, offset + length, set, attribute)
  if (at !== undefined) details.badAttribute = at - offset
}

/** Where the attribute lies that `path` names; `undefined` where it is not in the request. */
function offsetOf(
  memory: Memory,
  start: number,
  end: number,
  set: AttributeSet,
  [name = '', ...inner]: readonly string[],
): number | undefined {
  const number = set.members[name]?.number
  const attributes = new AttributeIterator().wrap(memory, start, end - start)
  while (attributes.next()) {
    const { type, offset, payloadOffset, payloadLength } = attributes.view
    if (type !== number) continue
    if (inner.length === 0) return offset
    const format = set.members[name]?.format
    if (format?.kind !== 'nested') return undefined
    return offsetOf(memory, payloadOffset, payloadOffset + payloadLength, format.set(), inner)
  }
  return undefined
}

function unknown(text: string): EncodeError {
  return new EncodeError('ATTRIBUTE_UNKNOWN', text)
}
