/**
 * Generic netlink (net/netlink/genetlink.c): families with numbers that the kernel chooses, and the way of a request to
 * its command.
 */
import { Errno, GenericFamilyId, GetFlag, type Memory, MessageFlag } from '@ringlink/codec'
import { GENERIC_ATTRIBUTES } from '@ringlink/codec/internal'
import { Dispatcher } from '../netlink/dispatch.ts'
import { GENERIC_GROUPS } from '../netlink/groups.ts'
import type { KernelRequest } from '../netlink/request.ts'
import { parseRequest } from '../netlink/rules.ts'
import type { SimSocket } from '../netlink/socket.ts'
import type { GenericCommand, GenericEntry, GenericGroup } from './command.ts'

/** The first number for groups: 0 means no group, and 1 is kept for the drop monitor. */
const FIRST_GROUP = 2
/** Groups with the number of a family: of the controller, VFS_DQUOT and pmcraid. */
const keptGroups: ReadonlySet<number> = new Set<number>([
  GenericFamilyId.Controller,
  GenericFamilyId.DiskQuota,
  GenericFamilyId.PmcRaid,
])
const PLAIN_FLAGS = MessageFlag.Request | MessageFlag.Acknowledge | MessageFlag.Echo

export class GenericNetlink {
  readonly #families = new Map<number, GenericEntry>()
  readonly #dispatcher = new Dispatcher()
  #nextId: number = GenericFamilyId.FirstChosen

  /** in the order of their numbers */
  get families(): GenericEntry[] {
    return [...this.#families.values()].sort((a, b) => a.id - b.id)
  }

  family(id: number): GenericEntry | undefined {
    return this.#families.get(id)
  }

  named(name: string): GenericEntry | undefined {
    return this.families.find((family) => family.name === name)
  }

  /**
   * A number that no family has; the next one each time, so that one is not used again soon. `undefined`: all are
   * taken.
   */
  freeId(): number | undefined {
    const count = GenericFamilyId.Maximum - GenericFamilyId.FirstChosen + 1
    for (let tried = 0; tried < count; tried++) {
      const id = this.#nextId
      this.#nextId = id === GenericFamilyId.Maximum ? GenericFamilyId.FirstChosen : id + 1
      if (!this.#families.has(id)) return id
    }
    return undefined
  }

  /** Numbers for groups of these names: the lowest consecutive ones that are free; `undefined` without that many. */
  freeGroups(names: readonly string[]): GenericGroup[] | undefined {
    const taken = new Set(this.families.flatMap(({ groups }) => groups.map(({ id }) => id)))
    const isFree = (id: number) => id <= GENERIC_GROUPS && !taken.has(id) && !keptGroups.has(id)
    for (let first = FIRST_GROUP; first <= GENERIC_GROUPS; first++) {
      if (names.every((_, index) => isFree(first + index)))
        return names.map((name, index) => ({ name, id: first + index }))
    }
    return undefined
  }

  add(entry: GenericEntry): void {
    this.#families.set(entry.id, entry)
  }

  remove(id: number): void {
    this.#families.delete(id)
  }

  /** Processes one send of a socket. */
  send(socket: SimSocket, memory: Memory, offset: number, length: number): void {
    this.#dispatcher.run(socket, memory, offset, length, (request) => this.#receive(request))
  }

  #receive(request: KernelRequest): number {
    const { memory, offset, length, type, flags, details } = request
    const family = this.#families.get(type)
    if (family === undefined) return -Errno.ENOENT
    if (length < GENERIC_ATTRIBUTES + family.headerSize) return -Errno.EINVAL
    const isDump = (flags & GetFlag.Dump) === GetFlag.Dump
    if (family.checksHeaders) {
      if (memory.u16[(offset + GENERIC_ATTRIBUTES - 2) >> 1] !== 0) {
        details.message = 'genlmsghdr.reserved field is not 0'
        return -Errno.EINVAL
      }
      if (((isDump ? flags & ~GetFlag.Dump : flags) & ~PLAIN_FLAGS) !== 0) {
        details.message = 'ambiguous or reserved bits set in nlmsg_flags'
        return -Errno.EINVAL
      }
    }
    const command = family.commands.get(memory.u8[offset + GENERIC_ATTRIBUTES - 4] as number)
    const mode = isDump ? command?.dump : command?.do
    if (command === undefined || mode === undefined) return -Errno.EOPNOTSUPP
    if (isForbidden(command, request.socket)) return -Errno.EPERM
    if (isDump && request.socket.dump !== undefined) return -Errno.EBUSY
    if (mode.rules === undefined) return mode.call(request, undefined)
    const attributes = parseRequest(request, GENERIC_ATTRIBUTES + family.headerSize, mode.rules, mode.strictness)
    return typeof attributes === 'number' ? attributes : mode.call(request, attributes)
  }
}

function isForbidden({ privilege }: GenericCommand, { settings }: SimSocket): boolean {
  return privilege !== 0 && !settings.privileged
}
