import type { GenericOperationFlag } from '@ringlink/codec'
import type { AttributeRules, Strictness } from '../netlink/attribute-rules.ts'
import type { ParsedAttributes } from '../netlink/parsed-attributes.ts'
import type { KernelRequest } from '../netlink/request.ts'

/** How a command is carried out: `struct genl_split_ops`. */
export interface CommandMode {
  /** what requests may have in them; `undefined`: nobody looks */
  readonly rules: AttributeRules | undefined
  readonly strictness: Strictness
  /** 0, a negative errno, or SUPPRESS_ACK */
  readonly call: (request: KernelRequest, attributes: ParsedAttributes | undefined) => number
}

/** A command of a family. */
export interface GenericCommand {
  readonly number: number
  /** GENL_ADMIN_PERM or GENL_UNS_ADMIN_PERM, where it needs a privilege; else 0 */
  readonly privilege: GenericOperationFlag | 0
  readonly do: CommandMode | undefined
  readonly dump: CommandMode | undefined
}

/** A multicast group, with the number that the kernel gave it. */
export interface GenericGroup {
  readonly name: string
  readonly id: number
}

/** A family as the kernel knows it: `struct genl_family`. */
export interface GenericEntry {
  readonly id: number
  readonly name: string
  readonly version: number
  /** bytes of its own header */
  readonly headerSize: number
  readonly commands: ReadonlyMap<number, GenericCommand>
  readonly groups: readonly GenericGroup[]
  /** whether reserved bits of headers and flags are checked */
  readonly checksHeaders: boolean
}
