/** Explains why the kernel refused to bind a queue or log group to a socket, and what to do. */
import { readdirSync, readlinkSync } from 'node:fs'
import { Errno, isNetlinkError, type KernelError, Protocol } from '@ringlink/codec'
import type { Transport } from '@ringlink/transport'
import { ClientError, type ClientErrorCode } from './errors.ts'
import type { Session } from './session.ts'

/** What explains a refused bind. */
export interface Refusal {
  /** what was to be bound: `queue 5`, `log group 5` */
  readonly what: string
  readonly number: number
  readonly refused: ClientErrorCode
  readonly unsupported: ClientErrorCode
  /** what the kernel lacks, with its name in the kernel configuration */
  readonly missing: string
  /** the file below /proc/net that lists what is bound: number first, port id of the owner second */
  readonly owners: string
  /** the option that the kernel does not support, if known */
  readonly option: string | undefined
  readonly session: Session
}

const unsupportedErrnos: readonly number[] = [Errno.EOPNOTSUPP, Errno.ENOTSUPP, Errno.EAGAIN]

/** Whether the kernel refused because it does not support an option. */
export function isNotSupported(error: unknown): boolean {
  return isNetlinkError(error, 'KERNEL') && unsupportedErrnos.includes((error as unknown as KernelError).errno)
}

/**
 * The error for a refused bind, with a message that says what to do. Returns an error that is not the kernel's
 * unchanged.
 */
export function explainRefusal(error: unknown, refusal: Refusal): unknown {
  if (!(error instanceof Error) || !isNetlinkError(error, 'KERNEL')) return error
  const { what, refused, unsupported, missing, option } = refusal
  const explain = (code: ClientErrorCode, message: string) => {
    return new ClientError(code, `cannot bind ${what}: ${message}`, { cause: error })
  }
  switch ((error as unknown as KernelError).errno) {
    case Errno.EPERM:
      return explain(refused, explainPermission(refusal))
    case Errno.EBUSY:
      return explain(refused, 'this process already owns it, through this transport; use that one')
    case Errno.EINVAL:
    case Errno.ENOSYS:
      return explain(unsupported, `the kernel has ${missing}`)
    case Errno.EOPNOTSUPP:
    case Errno.ENOTSUPP:
    case Errno.EAGAIN:
      return explain(
        unsupported,
        option === undefined
          ? 'the kernel does not support one of the options'
          : `the kernel does not support the option ${option}${advice[option] ?? ''}; open it without`,
      )
    default:
      return error
  }
}

const advice: Readonly<Record<string, string>> = {
  conntrack: ' (CONFIG_NETFILTER_NETLINK_GLUE_CT, module nf_conntrack_netlink)',
  securityContext: ' (CONFIG_NETWORK_SECMARK)',
}

/** EPERM means a missing privilege, or another socket as the owner: the kernel's list tells which. */
function explainPermission({ number, owners, session }: Refusal): string {
  const owner = ownerOf(session.transport, owners, number)
  if (owner === undefined) {
    return 'CAP_NET_ADMIN is missing in this network namespace (run as root, or in a namespace of your own: unshare -Urn)'
  }
  if (isOwnPort(owner, session.transport)) {
    return `this process already owns it, through another transport (port id ${owner}); close that one, or use a number other than ${number}`
  }
  return `another process owns it (port id ${owner}, usually its process id); stop that process, or use a number other than ${number}`
}

/** The port id that the kernel lists as the owner of `number`. */
function ownerOf(transport: Transport, file: string, number: number): number | undefined {
  try {
    for (const line of transport.readProcNet(file).split('\n')) {
      const [listed = '', portId = ''] = line.trim().split(/\s+/)
      if (/^\d+$/.test(listed) && Number(listed) === number) return Number(portId)
    }
  } catch (error) {
    // An unprivileged process may not read this file.
    if (!isNetlinkError(error)) throw error
  }
  return undefined
}

/** Port ids of the transports of sessions that are open in this thread. */
const openPorts = new Map<number, number>()

/** Notes the port id of a session until the returned function is called. */
export function notePort(portId: number): () => void {
  openPorts.set(portId, (openPorts.get(portId) ?? 0) + 1)
  return () => {
    const left = (openPorts.get(portId) ?? 1) - 1
    if (left > 0) openPorts.set(portId, left)
    else openPorts.delete(portId)
  }
}

/** Whether a port id belongs to a socket of this process: a session of this thread, or one of the open files. */
function isOwnPort(portId: number, transport: Transport): boolean {
  const here = (openPorts.get(portId) ?? 0) - (portId === transport.portId ? 1 : 0)
  return here > 0 || isOpenFile(socketInode(portId, transport))
}

/** The inode of the netfilter socket with this port id, from /proc/net/netlink: sk, protocol, port id, ..., inode. */
function socketInode(portId: number, transport: Transport): string | undefined {
  try {
    const rows = transport.readProcNet('netlink').split('\n')
    const columns = rows.map((row) => row.trim().split(/\s+/))
    return columns
      .find(([, protocol, port]) => protocol === String(Protocol.Netfilter) && port === String(portId))
      ?.at(-1)
  } catch (error) {
    if (!isNetlinkError(error)) throw error
    return undefined
  }
}

function isOpenFile(inode: string | undefined): boolean {
  if (inode === undefined) return false
  try {
    return readdirSync('/proc/self/fd').some((descriptor) => linkOf(descriptor) === `socket:[${inode}]`)
  } catch {
    // No readable /proc: a socket that is not known to be ours belongs to another process.
    return false
  }
}

function linkOf(descriptor: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    // The descriptor was closed after it was listed, as the one of the listing itself is.
    return undefined
  }
}
