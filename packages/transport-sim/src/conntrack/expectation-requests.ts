/** Requests to the subsystem of expected connections (IPCTNL_MSG_EXP_*), with the answers of Linux 6.18. */
import { Errno, ExpectationFlag, ExpectationMessage, MessageFlag, NewFlag, Subsystem } from '@ringlink/codec'
import { type MessagePolicy, nested, u16, u32 } from '../netlink/attribute-policy.ts'
import type { AttributeTable } from '../netlink/policy.ts'
import type { KernelRequest } from '../netlink/request.ts'
import { ReplyWriter } from '../nfnetlink/reply.ts'
import type { SubsystemMessage } from '../nfnetlink/subsystem.ts'
import { EXPECT, EXPECT_NAT, STATS_EXPECT } from './attributes.ts'
import type { Connection, Expectation, ExpectationNat } from './connection.ts'
import { ConnectionWriter } from './describe.ts'
import { nest, type ParsedTuple, parseTuple, parseZone } from './parse.ts'
import { answer, dump, dumpProcessors, familyOf, isDump, reporterOf } from './requests.ts'
import type { ConntrackTable } from './table.ts'
import type { Tuple } from './tuple.ts'

/** CTA_EXPECT_*, by number: what a request may have of each. */
export const expectationPolicy: MessagePolicy = [
  undefined,
  nested,
  nested,
  nested,
  u32,
  u32,
  { kind: 'name', maximum: 15 },
  u16,
  { kind: 'flags', mask: 0x7 },
  u32,
  nested,
  { kind: 'name' },
]
const natPolicy: MessagePolicy = [undefined, u32, nested]

/** Functions that a kernel with address translation has for expected connections. */
const functions: ReadonlySet<string> = new Set(['nat-follow-master'])

/** The type of a row of counters: IPCTNL_MSG_EXP_GET_STATS_CPU, with the other subsystem in the upper byte. */
const ROW_TYPE = (Subsystem.Conntrack << 8) | (ExpectationMessage.GetProcessorStatistics & 0xff)

/** The messages of the subsystem, by the lower byte of their type. */
export function expectationMessages(table: ConntrackTable): readonly SubsystemMessage[] {
  const requests = new ExpectationRequests(table)
  const withAttributes = (call: SubsystemMessage['call']) => ({ policy: expectationPolicy, call })
  return [
    withAttributes((...args) => requests.create(...args)),
    withAttributes((...args) => requests.get(...args)),
    withAttributes((...args) => requests.delete(...args)),
    { policy: [], call: (request) => requests.processorStatistics(request) },
  ]
}

/** Makes an expectation of a connection out of what was asked for; or a negative errno. */
export function makeExpectation(
  table: ConntrackTable,
  attributes: AttributeTable,
  master: Connection,
  tuple: Tuple,
  mask: Tuple,
): Expectation | number {
  if (master.helper === undefined) return -Errno.EOPNOTSUPP
  // CTA_EXPECT_HELP_NAME has no meaning any more: the helper is that of the master.
  const { helper } = master.helper
  let number = 0
  if (attributes.has(EXPECT.class) && helper !== undefined) {
    number = attributes.be32(EXPECT.class)
    if (number >= helper.policies.length) return -Errno.EINVAL
  }
  const functionName = attributes.has(EXPECT.functionName) ? attributes.text(EXPECT.functionName) : undefined
  if (functionName !== undefined && !functions.has(functionName)) return -Errno.EINVAL
  const nat = attributes.has(EXPECT.nat) ? parseNat(attributes, master.family) : undefined
  if (typeof nat === 'number') return nat
  return {
    tuple,
    mask: { source: mask.source, sourceId: mask.sourceId },
    master,
    id: table.expectations.newId(),
    flags: attributes.has(EXPECT.flags) ? attributes.be32(EXPECT.flags) & ~ExpectationFlag.UserSpace : 0,
    class: number,
    nat,
    functionName,
    timer: undefined,
  }
}

/** Address and port; those that are zero are as if nothing was said. */
function parseNat(attributes: AttributeTable, family: number): ExpectationNat | number | undefined {
  const fields = nest(attributes, EXPECT.nat, natPolicy)
  if (typeof fields === 'number') return fields
  if (!fields.has(EXPECT_NAT.direction) || !fields.has(EXPECT_NAT.tuple)) return -Errno.EINVAL
  const parsed = parseTuple(fields, EXPECT_NAT.tuple, { family, zone: undefined })
  if (typeof parsed === 'number') return parsed
  const { source, sourceId } = parsed.tuple
  if (sourceId === 0 && source.every((byte) => byte === 0)) return undefined
  return { direction: fields.be32(EXPECT_NAT.direction), address: source, sourceId }
}

class ExpectationRequests {
  #table: ConntrackTable
  #reply = new ReplyWriter()
  #writer: ConnectionWriter

  constructor(table: ConntrackTable) {
    this.#table = table
    this.#writer = new ConnectionWriter(this.#reply, () => table.now)
  }

  /** IPCTNL_MSG_EXP_NEW: a new one, or more time for one that is there. */
  create(request: KernelRequest, attributes: AttributeTable): number {
    const { tuple, mask, master } = EXPECT
    if (![tuple, mask, master].every((number) => attributes.has(number))) return -Errno.EINVAL
    const family = familyOf(request)
    const zone = parseZone(attributes, EXPECT.zone)
    const parsed = parseTuple(attributes, tuple, { family, zone: undefined })
    if (typeof parsed === 'number') return parsed
    const found = this.#table.expectations.find(parsed.tuple, zone)
    if (found !== undefined) {
      if ((request.flags & NewFlag.Exclusive) !== 0) return -Errno.EEXIST
      if (attributes.has(EXPECT.timeout)) this.#table.expectations.renew(found, attributes.be32(EXPECT.timeout))
      return 0
    }
    if ((request.flags & NewFlag.Create) === 0) return -Errno.ENOENT
    return this.#add(request, attributes, family, parsed)
  }

  #add(request: KernelRequest, attributes: AttributeTable, family: number, { tuple }: ParsedTuple): number {
    const table = this.#table
    const mask = parseTuple(attributes, EXPECT.mask, { family, zone: undefined })
    if (typeof mask === 'number') return mask
    const named = parseTuple(attributes, EXPECT.master, { family, zone: undefined })
    if (typeof named === 'number') return named
    const master = table.find(named.tuple, parseZone(attributes, EXPECT.zone))?.connection
    if (master === undefined) return -Errno.ENOENT
    const made = makeExpectation(table, attributes, master, tuple, mask.tuple)
    return typeof made === 'number' ? made : table.expectations.add(made, reporterOf(request))
  }

  /** IPCTNL_MSG_EXP_GET */
  get(request: KernelRequest, attributes: AttributeTable): number {
    const family = familyOf(request)
    if (isDump(request)) return this.#dump(request, attributes, family)
    const zone = parseZone(attributes, EXPECT.zone)
    const number = attributes.has(EXPECT.tuple) ? EXPECT.tuple : EXPECT.master
    if (!attributes.has(number)) return -Errno.EINVAL
    const parsed = parseTuple(attributes, number, { family, zone: undefined })
    if (typeof parsed === 'number') return parsed
    const found = this.#table.expectations.find(parsed.tuple, zone)
    if (found === undefined) return -Errno.ENOENT
    if (attributes.has(EXPECT.id) && attributes.be32(EXPECT.id) !== found.id) return -Errno.ENOENT
    return answer(request, this.#row(request, found))
  }

  #dump(request: KernelRequest, attributes: AttributeTable, family: number): number {
    let expectations: readonly Expectation[] = this.#table.expectations.all
    if (attributes.has(EXPECT.master)) {
      const parsed = parseTuple(attributes, EXPECT.master, { family, zone: undefined })
      if (typeof parsed === 'number') return parsed
      const found = this.#table.find(parsed.tuple, parseZone(attributes, EXPECT.zone))
      if (found === undefined) return -Errno.ENOENT
      // Nothing is dumped for a connection without a helper: the request is merely acknowledged.
      if (found.connection.helper === undefined) return 0
      expectations = found.connection.helper.expectations
    }
    const { sequence, socket } = request
    const rows = expectations
      .filter(({ tuple }) => family === 0 || tuple.family === family)
      .map((it) => () => (this.#table.expectations.all.includes(it) ? this.#row({ sequence, socket }, it) : undefined))
    return dump(request, rows)
  }

  #row({ sequence, socket }: Pick<KernelRequest, 'sequence' | 'socket'>, expectation: Expectation): Uint8Array {
    this.#reply.begin({
      type: ExpectationMessage.New,
      flags: MessageFlag.Multipart,
      sequence,
      portId: socket.portId,
      family: expectation.tuple.family,
      resourceId: 0,
    })
    this.#writer.expectation(expectation)
    return this.#reply.end()
  }

  /** IPCTNL_MSG_EXP_DELETE: one, those of a helper, or all. */
  delete(request: KernelRequest, attributes: AttributeTable): number {
    const { expectations } = this.#table
    const reporter = reporterOf(request)
    if (attributes.has(EXPECT.tuple)) {
      const family = familyOf(request)
      const parsed = parseTuple(attributes, EXPECT.tuple, { family, zone: undefined })
      if (typeof parsed === 'number') return parsed
      const found = expectations.find(parsed.tuple, parseZone(attributes, EXPECT.zone))
      if (found === undefined) return -Errno.ENOENT
      if (attributes.has(EXPECT.id) && attributes.be32(EXPECT.id) !== found.id) return -Errno.ENOENT
      expectations.remove(found, reporter)
      return 0
    }
    const name = attributes.has(EXPECT.helperName) ? attributes.text(EXPECT.helperName) : undefined
    for (const expectation of [...expectations.all]) {
      if (name !== undefined && expectation.master.helper?.helper?.name !== name) continue
      expectations.remove(expectation, reporter)
    }
    return 0
  }

  /** IPCTNL_MSG_EXP_GET_STATS_CPU; its rows have a type of the other subsystem. */
  processorStatistics(request: KernelRequest): number {
    return dumpProcessors(request, this.#table, this.#reply, ROW_TYPE, STATS_EXPECT)
  }
}
