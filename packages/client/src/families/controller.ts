/** Asks generic netlink's controller what a family of that name has. */
import {
  ControllerCommand,
  controllerAttributes,
  Errno,
  GenericFamilyId,
  isNetlinkError,
  type Message,
  readAttributes,
} from '@ringlink/codec'
import { GENERIC_ATTRIBUTES, genericHeader } from '@ringlink/codec/internal'
import { ClientError } from '../errors.ts'
import type { Session } from '../session.ts'
import type { RequestOptions } from '../session-options.ts'

/** The version of the controller's messages. */
export const CONTROLLER_VERSION = 2

/** What the kernel has under the name of a generic family. */
export interface GenericFamily {
  /** `nlmsg_type` of its messages */
  readonly id: number
  readonly version: number
  /** multicast groups by the names that the family gives them */
  readonly groups: ReadonlyMap<string, number>
  /** the commands that it has */
  readonly commands: ReadonlySet<number>
}

/**
 * Asks the controller for the family called `name`; `module` brings it. Rejects with code `FAMILY_UNSUPPORTED` where
 * the kernel does not have it, and as a request does.
 */
export async function findFamily(
  session: Session,
  name: string,
  module: string | undefined,
  options: RequestOptions,
): Promise<GenericFamily> {
  const what = `find family ${name}`
  const header = genericHeader(ControllerCommand.GetFamily, CONTROLLER_VERSION)
  let messages: Message[]
  try {
    messages = await session.request(
      { what, type: GenericFamilyId.Controller, header, set: controllerAttributes, attributes: { name } },
      options,
    )
  } catch (error) {
    const isAbsent = isNetlinkError(error, 'KERNEL') && 'errno' in error && error.errno === Errno.ENOENT
    throw isAbsent ? familyUnsupported(name, module, error) : error
  }
  const [message] = messages
  if (message === undefined) throw familyUnsupported(name, module)
  const { memory, offset, length } = message.view
  const values = readAttributes(controllerAttributes, memory, offset + GENERIC_ATTRIBUTES, length - GENERIC_ATTRIBUTES)
  return {
    id: values.id ?? 0,
    version: values.version ?? 0,
    groups: new Map((values.groups ?? []).map((group) => [group.name ?? '', group.id ?? 0])),
    commands: new Set((values.operations ?? []).map(({ id }) => id ?? 0)),
  }
}

/** The error for a family that the kernel does not have. */
export function familyUnsupported(name: string, module: string | undefined, cause?: Error): ClientError {
  const text = `open family ${name}: the kernel does not have it${remedyFor(module)}`
  return new ClientError('FAMILY_UNSUPPORTED', text, cause === undefined ? undefined : { cause })
}

/** What would bring a family: a module, an option of the kernel's build, or a later kernel. */
function remedyFor(module: string | undefined): string {
  if (module === undefined) return ''
  if (module.startsWith('CONFIG_')) return `: it needs a kernel that is built with ${module}`
  return module.startsWith('Linux ') ? `: it needs ${module} or later` : `: load it with "modprobe ${module}"`
}
