/** The tables of families by which messages are shown: each family is loaded when the first of its messages comes. */
import {
  ControllerCommand,
  ControlType,
  controllerAttributes,
  type FamilyDescription,
  GenericFamilyId,
  GetFlag,
  isNetlinkError,
  MESSAGE_HEADER_LENGTH,
  Memory,
  MessageFlag,
  MessageIterator,
  type OperationDescription,
  Protocol,
  readAttributes,
  replyLayout,
  Subsystem,
} from '@ringlink/codec'
import type { DescribeMessage, MessageContext, MessageDescription } from '@ringlink/codec/inspect'
import { loadFamily, nameAmong } from './load.ts'
import { FAMILY_NAMES } from './names.ts'

/** Bytes of genlmsghdr and of nfgenmsg. */
const PROTOCOL_HEADER = 4
type Name = (typeof FAMILY_NAMES)[number]

/** The families of each protocol whose messages have types of their own. */
const PROTOCOL_FAMILIES: ReadonlyMap<number, readonly Name[]> = new Map<number, readonly Name[]>([
  [Protocol.Route, ['rt-link', 'rt-addr', 'rt-route', 'rt-neigh', 'rt-rule', 'tc']],
  [Protocol.SocketDiagnostics, ['inet_diag', 'unix_diag', 'netlink_diag', 'packet_diag', 'vsock_diag']],
  [Protocol.Xfrm, ['xfrm']],
  [Protocol.Audit, ['audit']],
])
/** The subsystems of netfilter that the codec itself has no tables of. */
const SUBSYSTEM_FAMILIES: ReadonlyMap<number, Name> = new Map<number, Name>([
  [Subsystem.IpSet, 'ipset'],
  [Subsystem.Accounting, 'nfacct'],
  [Subsystem.ConntrackTimeout, 'cttimeout'],
  [Subsystem.ConntrackHelper, 'cthelper'],
  [Subsystem.Hook, 'nf_hook'],
  [Subsystem.OperatingSystemFingerprint, 'nf_osf'],
])
/** AF_*: which family of sock_diag a message is of, by its first byte. */
const SOCKET_FAMILIES: ReadonlyMap<number, Name> = new Map<number, Name>([
  [1, 'unix_diag'],
  [2, 'inet_diag'],
  [10, 'inet_diag'],
  [16, 'netlink_diag'],
  [17, 'packet_diag'],
  [40, 'vsock_diag'],
])

/** The names of generic families by their numbers, as a kernel has them. */
export type GenericNames = () => Promise<ReadonlyMap<number, string>>

/** Descriptions of messages, loaded as they are needed. */
export class FamilyTables {
  readonly #loaded = new Map<Name, FamilyDescription>()
  readonly #generic = new Map<number, string>([[GenericFamilyId.Controller, 'nlctrl']])
  readonly #ask: GenericNames
  #asked = false

  /** @param ask the running kernel, for families that no message of the input has named */
  constructor(ask: GenericNames) {
    this.#ask = ask
  }

  /**
   * Loads what the messages in `bytes` need. Of `isForeign` ones, in the other byte order, generic families stay
   * unknown: their numbers are those of another machine.
   */
  async prepare(bytes: Uint8Array, protocol: number, isForeign: boolean): Promise<void> {
    for (const name of PROTOCOL_FAMILIES.get(protocol) ?? []) await this.#load(name)
    if (protocol !== Protocol.Netfilter && protocol !== Protocol.Generic) return
    if (isForeign) {
      if (protocol === Protocol.Netfilter) for (const name of SUBSYSTEM_FAMILIES.values()) await this.#load(name)
      return
    }
    const memory = Memory.from(bytes)
    const messages = new MessageIterator().wrap(memory, 0, bytes.length)
    while (messages.next()) {
      const { view } = messages
      // An error repeats its request.
      const request = view.type === ControlType.Error && view.payloadLength >= PROTOCOL_HEADER + MESSAGE_HEADER_LENGTH
      const type = request ? (memory.u16[(view.payloadOffset + 8) >> 1] as number) : view.type
      if (protocol === Protocol.Netfilter) await this.#load(SUBSYSTEM_FAMILIES.get(type >> 8))
      else {
        if (view.type === GenericFamilyId.Controller) this.#learn(memory, view.payloadOffset, view.payloadLength)
        if (type > ControlType.Overrun) await this.#loadGeneric(type)
      }
    }
  }

  /** Looks up a message; for `inspect`. */
  readonly describe: DescribeMessage = (protocol, type, context) => {
    const family = this.#familyOf(protocol, type, context)
    if (family === undefined) return undefined
    for (const [name, operation] of Object.entries(family.operations)) {
      const found = described(family, name, operation, type, context)
      if (found !== undefined) return found
    }
    return undefined
  }

  #familyOf(protocol: number, type: number, { payload }: MessageContext): FamilyDescription | undefined {
    if (protocol === Protocol.Generic) return this.#named(this.#generic.get(type))
    if (protocol === Protocol.Netfilter) return this.#named(SUBSYSTEM_FAMILIES.get(type >> 8))
    if (protocol === Protocol.SocketDiagnostics) return this.#named(SOCKET_FAMILIES.get(payload[0] ?? 0))
    return (PROTOCOL_FAMILIES.get(protocol) ?? [])
      .map((name) => this.#named(name))
      .find((family) => Object.values(family?.operations ?? {}).some((operation) => hasType(operation, type)))
  }

  #named(name: string | undefined): FamilyDescription | undefined {
    const known = name === undefined ? undefined : nameAmong(name, FAMILY_NAMES)
    return known && this.#loaded.get(known)
  }

  async #load(name: Name | undefined): Promise<void> {
    if (name !== undefined && !this.#loaded.has(name)) this.#loaded.set(name, await loadFamily(name))
  }

  async #loadGeneric(type: number): Promise<void> {
    if (!this.#generic.has(type) && !this.#asked) {
      this.#asked = true
      for (const [id, name] of await this.#ask()) if (!this.#generic.has(id)) this.#generic.set(id, name)
    }
    const name = this.#generic.get(type)
    await this.#load(name === undefined ? undefined : nameAmong(name, FAMILY_NAMES))
  }

  /** Notes a family that a message of the controller names. */
  #learn(memory: Memory, offset: number, length: number): void {
    const command = memory.u8[offset]
    if (length < PROTOCOL_HEADER || command !== ControllerCommand.NewFamily) return
    try {
      const start = offset + PROTOCOL_HEADER
      const { id, name } = readAttributes(controllerAttributes, memory, start, length - PROTOCOL_HEADER)
      if (id !== undefined && name !== undefined) this.#generic.set(id, name)
    } catch (error) {
      // What is malformed is shown as such.
      if (!isNetlinkError(error)) throw error
    }
  }
}

function hasType({ do: exchange, dump, event, record }: OperationDescription, type: number): boolean {
  const [first, last] = record?.types ?? [1, 0]
  return (
    [exchange?.request, exchange?.reply, dump?.request, dump?.reply, event].includes(type) ||
    (type >= first && type <= last)
  )
}

/** The description of a message, if it is one of the operation. */
function described(
  { generic, protocol, errors }: FamilyDescription,
  name: string,
  operation: OperationDescription,
  type: number,
  { flags, payload }: MessageContext,
): MessageDescription | undefined {
  const number = generic === undefined ? type : (payload[0] ?? -1)
  const isRequest = (flags & MessageFlag.Request) !== 0
  const isDump = isRequest && (flags & GetFlag.Dump) === GetFlag.Dump
  const { do: exchange, dump, event, kernelName } = operation
  const asked = isDump ? dump?.request === number : exchange?.request === number || dump?.request === number
  const answers = [exchange?.reply, dump?.reply, event, exchange?.reply === undefined ? exchange?.request : undefined]
  const isIts = isRequest
    ? asked
    : answers.includes(number) || (operation.record !== undefined && hasType(operation, type))
  if (!isIts) return undefined
  const { header, attributes } = isRequest ? operation : replyLayout(operation)
  const own = generic !== undefined || protocol === Protocol.Netfilter ? PROTOCOL_HEADER : 0
  const isText = operation.record !== undefined && operation.do === undefined && operation.dump === undefined
  return {
    kernelName: isText ? name : kernelName,
    headerLength: own + (header?.size ?? 0),
    attributes,
    // Netfilter's own header is shown by the codec.
    header: protocol === Protocol.Netfilter ? undefined : header,
    family: generic?.name,
    errors,
    isText,
  }
}
