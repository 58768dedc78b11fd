/** The controller of generic netlink: it tells which families there are, and reports changes to its group. */
import {
  type AttributeValues,
  ControllerCommand,
  controllerAttributes,
  Errno,
  GenericFamilyId,
  GenericOperationFlag,
  MAXIMUM_GENERIC_NAME,
  MessageFlag,
  PolicyType,
} from '@ringlink/codec'
import { attributeNumbers, genericHeader } from '@ringlink/codec/internal'
import type { AttributeRule, AttributeRules } from '../netlink/attribute-rules.ts'
import type { ParsedAttributes } from '../netlink/parsed-attributes.ts'
import { type KernelRequest, SUPPRESS_ACK } from '../netlink/request.ts'
import { sendReply, startDump } from '../netlink/row-answers.ts'
import { tableMessage } from '../netlink/table-message.ts'
import type { CommandMode, GenericCommand, GenericEntry, GenericGroup } from './command.ts'
import type { GenericNetlink } from './generic.ts'
import { policyRows } from './policies.ts'

const VERSION = 2
const numbers = attributeNumbers(controllerAttributes)

const familyRule: ReadonlyMap<number, AttributeRule> = new Map([
  [numbers.id, { type: PolicyType.U16 }],
  [numbers.name, { type: PolicyType.TerminatedString, longest: MAXIMUM_GENERIC_NAME - 1 }],
])
const familyRules: AttributeRules = { maximum: numbers.name, rules: familyRule }
const policyRules: AttributeRules = {
  maximum: numbers.operation,
  rules: new Map([...familyRule, [numbers.operation, { type: PolicyType.U32 }]]),
}

type ControllerValues = AttributeValues<typeof controllerAttributes>

/** Sends a message to the members of a group of generic netlink. */
export type GenericMulticast = (group: number, message: Uint8Array) => void

export class Controller {
  readonly #generic: GenericNetlink
  readonly #multicast: GenericMulticast

  constructor(generic: GenericNetlink, multicast: GenericMulticast) {
    this.#generic = generic
    this.#multicast = multicast
    const mode = (rules: AttributeRules, strictness: CommandMode['strictness'], call: CommandMode['call']) => ({
      rules,
      strictness,
      call,
    })
    const commands: GenericCommand[] = [
      {
        number: ControllerCommand.GetFamily,
        privilege: 0,
        do: mode(familyRules, 'liberal', (request, found) => this.#getFamily(request, found)),
        dump: mode(familyRules, 'strict', (request) => this.#listFamilies(request)),
      },
      {
        number: ControllerCommand.GetPolicy,
        privilege: 0,
        do: undefined,
        dump: mode(policyRules, 'strict', (request, found) => this.#listPolicies(request, found)),
      },
    ]
    generic.add({
      id: GenericFamilyId.Controller,
      name: 'nlctrl',
      version: VERSION,
      headerSize: 0,
      commands: new Map(commands.map((command) => [command.number, command])),
      groups: [{ name: 'notify', id: GenericFamilyId.Controller }],
      checksHeaders: false,
    })
  }

  /** Reports a family that was registered, and its groups. */
  registered(family: GenericEntry): void {
    this.#report(ControllerCommand.NewFamily, describe(family))
    for (const group of family.groups) this.#reportGroup(ControllerCommand.NewGroup, family, group)
  }

  /** Reports the end of a family, after that of its groups. */
  unregistered(family: GenericEntry): void {
    for (const group of family.groups) this.#reportGroup(ControllerCommand.DeleteGroup, family, group)
    this.#report(ControllerCommand.DeleteFamily, describe(family))
  }

  #reportGroup(command: number, { name, id }: GenericEntry, group: GenericGroup): void {
    this.#report(command, { name, id, groups: [describeGroup(group)] })
  }

  #report(command: number, values: ControllerValues): void {
    const header = { type: GenericFamilyId.Controller, flags: 0, sequence: 0, portId: 0 }
    const message = tableMessage(header, genericHeader(command, VERSION), controllerAttributes, values)
    this.#multicast(GenericFamilyId.Controller, message)
  }

  #getFamily(request: KernelRequest, found: ParsedAttributes | undefined): number {
    const family = this.#find(found)
    if (typeof family === 'number') return family
    return sendReply(request.socket, familyMessage(request, family, 0))
  }

  #listFamilies(request: KernelRequest): number {
    const rows = this.#generic.families.map((family) => familyMessage(request, family, MessageFlag.Multipart))
    return startDump(request, rows) ? SUPPRESS_ACK : -Errno.ENOBUFS
  }

  #listPolicies(request: KernelRequest, found: ParsedAttributes | undefined): number {
    const family = this.#find(found)
    if (typeof family === 'number') return family
    let commands = [...family.commands.values()]
    if (found?.has(numbers.operation) === true) {
      commands = commands.filter(({ number }) => number === found.u32(numbers.operation))
      if (commands.length === 0) {
        request.details.badAttribute = found.at(numbers.operation) - 4 - request.offset
        return -Errno.ENOENT
      }
    }
    const rows = policyRows(commands).map((row) => {
      const fixed = genericHeader(ControllerCommand.GetPolicy, VERSION)
      return tableMessage(
        answer(request, MessageFlag.Multipart),
        fixed,
        controllerAttributes,
        { id: family.id, ...row },
        true,
      )
    })
    return startDump(request, rows) ? SUPPRESS_ACK : -Errno.ENOBUFS
  }

  /** The family that a request names, or a negative errno. A name decides where there is a number as well. */
  #find(found: ParsedAttributes | undefined): GenericEntry | number {
    if (found === undefined || !(found.has(numbers.id) || found.has(numbers.name))) return -Errno.EINVAL
    const family = found.has(numbers.name)
      ? this.#generic.named(found.text(numbers.name))
      : this.#generic.family(found.u16(numbers.id))
    return family ?? -Errno.ENOENT
  }
}

function answer({ sequence, socket }: KernelRequest, flags: number) {
  return { type: GenericFamilyId.Controller, flags, sequence, portId: socket.portId }
}

function familyMessage(request: KernelRequest, family: GenericEntry, flags: number): Uint8Array {
  const fixed = genericHeader(ControllerCommand.NewFamily, VERSION)
  return tableMessage(answer(request, flags), fixed, controllerAttributes, describe(family))
}

function describe({ name, id, version, headerSize, commands, groups }: GenericEntry): ControllerValues {
  const operations = [...commands.values()].map((command) => ({ id: command.number, flags: flagsOf(command) }))
  return {
    name,
    id,
    version,
    headerSize,
    // Families whose commands have policies of their own, as all have here, tell none for all of them.
    maximumAttribute: 0,
    operations: operations.length === 0 ? undefined : operations,
    groups: groups.length === 0 ? undefined : groups.map(describeGroup),
  }
}

function describeGroup({ id, name }: GenericGroup): { id: number; name: string } {
  return { id, name }
}

function flagsOf({ privilege, do: single, dump }: GenericCommand): number {
  const hasPolicy = single?.rules !== undefined || dump?.rules !== undefined
  return (
    privilege |
    (single === undefined ? 0 : GenericOperationFlag.Do) |
    (dump === undefined ? 0 : GenericOperationFlag.Dump) |
    (hasPolicy ? GenericOperationFlag.Policy : 0)
  )
}
