/** Generic netlink's controller: what a family of that name has (uapi/linux/genetlink.h, enum CTRL_ATTR_*). */
import {
  attributeSet,
  Errno,
  indexedArray,
  isNetlinkError,
  type Message,
  nested,
  readAttributes,
  text,
  u16,
  u32,
} from '@ringlink/codec'
import { ClientError } from '../errors.ts'
import type { Session } from '../session.ts'
import type { RequestOptions } from '../session-options.ts'
import { GENERIC_ATTRIBUTES, genericHeader } from './layout.ts'

/** GENL_ID_CTRL */
export const CONTROLLER = 0x10
/** CTRL_CMD_GETFAMILY */
const GET_FAMILY = 3
const VERSION = 2

const operationAttributes = attributeSet('CTRL_ATTR_OP', {
  id: u32(1, 'CTRL_ATTR_OP_ID'),
  flags: u32(2, 'CTRL_ATTR_OP_FLAGS'),
})
const groupAttributes = attributeSet('CTRL_ATTR_MCAST_GRP', {
  name: text(1, 'CTRL_ATTR_MCAST_GRP_NAME'),
  id: u32(2, 'CTRL_ATTR_MCAST_GRP_ID'),
})
const familyAttributes = attributeSet('CTRL_ATTR', {
  id: u16(1, 'CTRL_ATTR_FAMILY_ID'),
  name: text(2, 'CTRL_ATTR_FAMILY_NAME'),
  version: u32(3, 'CTRL_ATTR_VERSION'),
  headerSize: u32(4, 'CTRL_ATTR_HDRSIZE'),
  maximumAttribute: u32(5, 'CTRL_ATTR_MAXATTR'),
  operations: indexedArray(nested(6, 'CTRL_ATTR_OPS', operationAttributes)),
  groups: indexedArray(nested(7, 'CTRL_ATTR_MCAST_GROUPS', groupAttributes)),
})

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
 * Asks the controller for the family called `name`; `module` brings it. Rejects with code `FAMILY_UNSUPPORTED` where the kernel does not
 * have it, and as a request does.
 */
export async function findFamily(
  session: Session,
  name: string,
  module: string | undefined,
  options: RequestOptions,
): Promise<GenericFamily> {
  const what = `find family ${name}`
  const header = genericHeader(GET_FAMILY, VERSION)
  let messages: Message[]
  try {
    messages = await session.request(
      { what, type: CONTROLLER, header, set: familyAttributes, attributes: { name } },
      options,
    )
  } catch (error) {
    const isAbsent = isNetlinkError(error, 'KERNEL') && 'errno' in error && error.errno === Errno.ENOENT
    throw isAbsent ? familyUnsupported(name, module, error) : error
  }
  const [message] = messages
  if (message === undefined) throw familyUnsupported(name, module)
  const { memory, offset, length } = message.view
  const values = readAttributes(familyAttributes, memory, offset + GENERIC_ATTRIBUTES, length - GENERIC_ATTRIBUTES)
  return {
    id: values.id ?? 0,
    version: values.version ?? 0,
    groups: new Map((values.groups ?? []).map((group) => [group.name ?? '', group.id ?? 0])),
    commands: new Set((values.operations ?? []).map(({ id }) => id ?? 0)),
  }
}

/** The error for a family that the kernel does not have. */
export function familyUnsupported(name: string, module: string | undefined, cause?: Error): ClientError {
  const remedy =
    module === undefined
      ? ''
      : module.startsWith('CONFIG_')
        ? `: it needs a kernel that is built with ${module}`
        : `: load it with "modprobe ${module}"`
  const text = `open family ${name}: the kernel does not have it${remedy}`
  return new ClientError('FAMILY_UNSUPPORTED', text, cause === undefined ? undefined : { cause })
}
