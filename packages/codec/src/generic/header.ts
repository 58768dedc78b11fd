/**
 * genlmsghdr, the header that follows the netlink header in every message of generic netlink (uapi/linux/genetlink.h).
 *
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +---------------+---------------+-------------------------------+
 *  |    command    |    version    |          reserved (0)         |
 *  +---------------+---------------+-------------------------------+
 *
 * The number of a family, `nlmsg_type`, is the kernel's choice: its controller tells it by the family's name
 * (controller.ts).
 */
import { MESSAGE_HEADER_LENGTH } from '../wire/message.ts'

/** Length of the header in bytes (`GENL_HDRLEN`). */
export const GENERIC_HEADER_LENGTH = 4
/** Offset of what follows the header, in bytes from the start of the message. */
export const GENERIC_ATTRIBUTES: number = MESSAGE_HEADER_LENGTH + GENERIC_HEADER_LENGTH
/** The longest name of a family or group in bytes, with the zero byte (`GENL_NAMSIZ`). */
export const MAXIMUM_GENERIC_NAME = 16

/** Numbers of generic families, `nlmsg_type`, that do not change. */
export const GenericFamilyId = {
  /** GENL_MIN_ID, GENL_ID_CTRL: the controller, and the smallest number */
  Controller: 0x10,
  /** GENL_ID_VFS_DQUOT */
  DiskQuota: 0x11,
  /** GENL_ID_PMCRAID */
  PmcRaid: 0x12,
  /** GENL_START_ALLOC: the first that the kernel chooses */
  FirstChosen: 0x13,
  /** GENL_MAX_ID */
  Maximum: 1023,
} as const
export type GenericFamilyId = (typeof GenericFamilyId)[keyof typeof GenericFamilyId]

/** The header as bytes. */
export function genericHeader(command: number, version: number): Uint8Array {
  return Uint8Array.of(command, version, 0, 0)
}
