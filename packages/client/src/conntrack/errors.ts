/** Explains why the kernel refused a request on connections, and what to do. */
import { Errno, isNetlinkError, type KernelError } from '@ringlink/codec'
import { ClientError, type ClientErrorCode } from '../errors.ts'

const PRIVILEGE =
  'CAP_NET_ADMIN is missing in this network namespace (run as root, or in a namespace of your own: unshare -Urn)'
const MISSING =
  'the kernel has no connection tracking over netlink (CONFIG_NF_CT_NETLINK, module nf_conntrack_netlink), or it lacks what was asked for'

/** What EOPNOTSUPP says of a request with a helper. */
export const NO_HELPER =
  'the kernel has no such helper for the protocol of the connection, or the connection began without one (a helper is given by create, or by a rule: ct helper set)'
/** What EOPNOTSUPP says of an expectation. */
export const MASTER_WITHOUT_HELPER = 'the master has no helper, and the kernel expects connections for helpers only'

const NO_ROOM_FOR_LABELS =
  'the connection has no room for labels: a connection has it if it began while a rule of the network namespace sets one (ct label set)'

/** The error for labels that the kernel could not store. */
export function noRoomForLabels(what: string, cause?: unknown): ClientError {
  return new ClientError('CONNTRACK_UNSUPPORTED', `${what}: ${NO_ROOM_FOR_LABELS}`, { cause })
}

/** Explains the refusal of a change of labels. Returns other errors unchanged. */
export function explainLabels(error: unknown, what: string): unknown {
  const isFull = isNetlinkError(error, 'KERNEL') && (error as unknown as KernelError).errno === Errno.ENOSPC
  return isFull ? noRoomForLabels(what, error) : error
}

/** Whether the kernel has no such object (any more). */
export function isGone(error: unknown): boolean {
  return isNetlinkError(error, 'KERNEL') && (error as unknown as KernelError).errno === Errno.ENOENT
}

/** The subject of a request: `connection`, `expectation`. */
export type Subject = 'connection' | 'expectation'

/**
 * The error for a refusal, with a message that says what to do. Returns other errors unchanged, and the kernel's if
 * there is nothing to add.
 *
 * @param unsupported what EOPNOTSUPP says, where that is known better
 */
export function explainRefused(error: unknown, what: string, subject: Subject, unsupported = MISSING): unknown {
  if (!isNetlinkError(error, 'KERNEL')) return error
  const cause = error as unknown as KernelError
  const explain = (code: ClientErrorCode, message: string) => new ClientError(code, `${what}: ${message}`, { cause })
  switch (cause.errno) {
    case Errno.ENOENT:
      return explain('CONNECTION_GONE', `there is no such ${subject}`)
    case Errno.EEXIST:
      return explain('CONNECTION_EXISTS', `there is such a ${subject} already, or one with the same tuple`)
    case Errno.EPERM:
      return explain('CONNTRACK_REFUSED', PRIVILEGE)
    case Errno.EOPNOTSUPP:
      return explain('CONNTRACK_UNSUPPORTED', unsupported)
    default:
      return error
  }
}

/** As {@link explainRefused}, for a request that cannot be invalid: a kernel without the module answers EINVAL. */
export function explainMissing(error: unknown, what: string): unknown {
  if (isNetlinkError(error, 'KERNEL') && (error as unknown as KernelError).errno === Errno.EINVAL)
    return new ClientError('CONNTRACK_UNSUPPORTED', `${what}: ${MISSING}`, { cause: error })
  return explainRefused(error, what, 'connection')
}
