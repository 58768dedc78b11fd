/** Why the kernel did not let a socket have a queue or a log group, and what to do. */
import { readdirSync, readlinkSync } from 'node:fs'
import { Errno, isNetlinkError, type KernelError, Protocol } from '@ringlink/codec'
import type { Transport } from '@ringlink/transport'
import { match } from 'ts-pattern'
import { ClientError, type ClientErrorCode } from './errors.ts'
import type { Session } from './session.ts'

/** How a refused bind is explained. */
export interface Refusal {
  /** what was to be bound: `queue 5`, `log group 5` */
  readonly what: string
  readonly number: number
  readonly refused: ClientErrorCode
  readonly unsupported: ClientErrorCode
  /** what the kernel is without, and what it is called there */
  readonly missing: string
  /** the file below /proc/net in which the kernel lists what is bound, with the number first and the port id of the owner second */
  readonly owners: string
  /** the option that the kernel does not support, if it is known */
  readonly option: string | undefined
  readonly session: Session
}

const unsupportedErrnos: readonly number[] = [Errno.EOPNOTSUPP, Errno.ENOTSUPP, Errno.EAGAIN]

/** Whether the kernel refused because it does not have an option. */
export function isNotSupported(error: unknown): boolean {
  return isNetlinkError(error, 'KERNEL') && unsupportedErrnos.includes((error as unknown as KernelError).errno)
}

/** The error of a bind with a text that says what to do; an error that is not the kernel's stays as it is. */
export function explainRefusal(error: unknown, refusal: Refusal): unknown {
  if (!(error instanceof Error) || !isNetlinkError(error, 'KERNEL')) return error
  const { what, refused, unsupported, missing, option } = refusal
  const explain = (code: ClientErrorCode, message: string) => {
    return new ClientError(code, `cannot bind ${what}: ${message}`, { cause: error })
  }
  return match((error as unknown as KernelError).errno)
    .with(Errno.EPERM, () => explain(refused, explainPermission(refusal)))
    .with(Errno.EBUSY, () => explain(refused, 'this process owns it already, by this very transport; use that one'))
    .with(Errno.EINVAL, Errno.ENOSYS, () => explain(unsupported, `the kernel has ${missing}`))
    .with(Errno.EOPNOTSUPP, Errno.ENOTSUPP, Errno.EAGAIN, () =>
      explain(
        unsupported,
        option === undefined
          ? 'the kernel does not support one of the options'
          : `the kernel does not support the option ${option}${advice[option] ?? ''}; open it without`,
      ),
    )
    .otherwise(() => error)
}

const advice: Readonly<Record<string, string>> = {
  conntrack: ' (CONFIG_NETFILTER_NETLINK_GLUE_CT, module nf_conntrack_netlink)',
  securityContext: ' (CONFIG_NETWORK_SECMARK)',
}

/** EPERM is for want of a privilege, or because another socket is the owner: the kernel's list tells which. */
function explainPermission({ number, owners, session }: Refusal): string {
  const owner = ownerOf(session.transport, owners, number)
  if (owner === undefined) {
    return 'CAP_NET_ADMIN is missing in this network namespace (run as root, or in a namespace of your own: unshare -Urn)'
  }
  if (isOwnPort(owner, session.transport)) {
    return `this process owns it already, by another transport (port id ${owner}); close that one, or use another number than ${number}`
  }
  return `another process owns it (port id ${owner}, mostly its process id); end that one, or use another number than ${number}`
}

/** The port id that the kernel lists as the owner of `number`. */
function ownerOf(transport: Transport, file: string, number: number): number | undefined {
  try {
    for (const line of transport.readProcNet(file).split('\n')) {
      const [listed = '', portId = ''] = line.trim().split(/\s+/)
      if (/^\d+$/.test(listed) && Number(listed) === number) return Number(portId)
    }
  } catch (error) {
    // A process without privilege may not read it.
    if (!isNetlinkError(error)) throw error
  }
  return undefined
}

/** Port ids of the transports of sessions that are open in this thread. */
const openPorts = new Map<number, number>()

/** Notes that a session has a port, until the function that it returns is called. */
export function notePort(portId: number): () => void {
  openPorts.set(portId, (openPorts.get(portId) ?? 0) + 1)
  return () => {
    const left = (openPorts.get(portId) ?? 1) - 1
    if (left > 0) openPorts.set(portId, left)
    else openPorts.delete(portId)
  }
}

/** Whether a port is a socket of this process: of a session in this thread, or one that is among the open files. */
function isOwnPort(portId: number, transport: Transport): boolean {
  const here = (openPorts.get(portId) ?? 0) - (portId === transport.portId ? 1 : 0)
  return here > 0 || isOpenFile(socketInode(portId, transport))
}

/** The inode of the netfilter socket with a port, which /proc/net/netlink lists: sk, protocol, port id, ..., inode. */
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
    // No /proc here, or none of it for this process: what is not known to be ours is another's.
    return false
  }
}

function linkOf(descriptor: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    // Closed since it was listed, as the descriptor of the listing itself is.
    return undefined
  }
}
