import { parseQueueCounters } from 'ringlink'
import type { Machine } from './machine.ts'

/** A queue with an owner. */
export interface QueueOwner {
  readonly queue: number
  readonly portId: number
  /** the owner, if known */
  readonly process: string | undefined
  readonly waiting: number
  /** dropped because the queue was full, and because its socket's receive buffer was */
  readonly queueDropped: number
  readonly userDropped: number
}

/** A log group with an owner. */
export interface LogOwner {
  readonly group: number
  readonly portId: number
  readonly process: string | undefined
  /** records that the kernel has collected and not delivered */
  readonly collected: number
}

const NETFILTER = 12

/** Who has which queue in this network namespace; undefined where the list cannot be read. */
export function queueOwners(machine: Machine): QueueOwner[] | undefined {
  const text = machine.read('/proc/self/net/netfilter/nfnetlink_queue')
  if (text === undefined) return undefined
  const owners = new SocketOwners(machine)
  return parseQueueCounters(text).map(({ number, portId, waiting, queueDropped, userDropped }) => {
    return { queue: number, portId, process: owners.nameOf(portId), waiting, queueDropped, userDropped }
  })
}

/** The same of log groups: group | port id | collected | copy mode | range | timeout | users. */
export function logOwners(machine: Machine): LogOwner[] | undefined {
  const text = machine.read('/proc/self/net/netfilter/nfnetlink_log')
  if (text === undefined) return undefined
  const owners = new SocketOwners(machine)
  return text.split('\n').flatMap((line): LogOwner[] => {
    const [group, portId, collected] = line.trim().split(/\s+/).map(Number)
    if (group === undefined || portId === undefined || collected === undefined) return []
    return [{ group, portId, process: owners.nameOf(portId), collected }]
  })
}

/** Messages lost by all netfilter sockets of this network namespace that are open now. */
export function lostMessages(machine: Machine): number | undefined {
  const sockets = netfilterSockets(machine)
  return sockets?.reduce((total, { drops }) => total + drops, 0)
}

interface NetlinkSocketLine {
  readonly portId: number
  readonly drops: number
  readonly inode: string
}

/** sk | protocol | port id | groups | rmem | wmem | dump | locks | drops | inode */
function netfilterSockets(machine: Machine): NetlinkSocketLine[] | undefined {
  const text = machine.read('/proc/self/net/netlink')
  return text?.split('\n').flatMap((line): NetlinkSocketLine[] => {
    const columns = line.trim().split(/\s+/)
    if (Number(columns[1]) !== NETFILTER) return []
    return [{ portId: Number(columns[2]), drops: Number(columns[8]), inode: columns[9] ?? '' }]
  })
}

/** Finds the process of a netlink socket: it has a descriptor of the socket's inode. */
class SocketOwners {
  #machine: Machine
  #inodes: ReadonlyMap<number, string>
  #processes: ReadonlyMap<string, string> | undefined

  constructor(machine: Machine) {
    this.#machine = machine
    this.#inodes = new Map((netfilterSockets(machine) ?? []).map(({ portId, inode }) => [portId, inode]))
  }

  /** `suricata (812)` */
  nameOf(portId: number): string | undefined {
    const inode = this.#inodes.get(portId)
    if (inode === undefined) return undefined
    this.#processes ??= this.#findProcesses()
    return this.#processes.get(`socket:[${inode}]`)
  }

  #findProcesses(): ReadonlyMap<string, string> {
    const machine = this.#machine
    const found = new Map<string, string>()
    for (const process of machine.list('/proc')) {
      if (!/^\d+$/.test(process)) continue
      for (const descriptor of machine.list(`/proc/${process}/fd`)) {
        const target = machine.link(`/proc/${process}/fd/${descriptor}`)
        if (target?.startsWith('socket:') !== true || found.has(target)) continue
        found.set(target, `${machine.read(`/proc/${process}/comm`)?.trim() ?? '?'} (${process})`)
      }
    }
    return found
  }
}
