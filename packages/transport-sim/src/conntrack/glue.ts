/** How queued packets and log records tell their connections, and what verdicts change of them (nfnl_ct_hook). */
import { AttributeBit } from '@ringlink/codec'
import type { SimPacket } from '../netfilter/packet.ts'
import type { AttributeTable } from '../netlink/policy.ts'
import { ReplyWriter } from '../nfnetlink/reply.ts'
import { EXPECT } from './attributes.ts'
import { changeByVerdict } from './change.ts'
import { ConnectionWriter } from './describe.ts'
import { allocatedFor } from './events.ts'
import { expectationPolicy, makeExpectation } from './expectation-requests.ts'
import { nest, parseTuple } from './parse.ts'
import type { Reporter } from './reporter.ts'
import { connectionPolicy } from './requests.ts'
import type { ConntrackTable } from './table.ts'

/**
 * The attributes of a family that connections are in: the connection, how the packet stands to it, and what is
 * expected.
 */
export interface ConnectionAttributes {
  readonly connection: number
  readonly information: number
}

/** A connection as attributes, and what the kernel makes room for. */
export interface DescribedConnection {
  readonly bytes: Uint8Array
  readonly allocated: number
}

const HEADER = { type: 0, flags: 0, sequence: 0, portId: 0, family: 0, resourceId: 0 } as const
const HEADER_LENGTH = 20

/** Between connection tracking and the two that send packets to user space. */
export class ConntrackGlue {
  #table: ConntrackTable
  #reply = new ReplyWriter()
  #writer: ConnectionWriter

  constructor(table: ConntrackTable) {
    this.#table = table
    this.#writer = new ConnectionWriter(this.#reply, () => table.now)
  }

  /** The connection of a packet; undefined for one that has none. */
  describe({ connection, connectionInfo }: SimPacket, numbers: ConnectionAttributes): DescribedConnection | undefined {
    if (connection === undefined) return undefined
    const reply = this.#reply.begin(HEADER)
    reply.nest(numbers.connection | AttributeBit.Nested, () => this.#writer.ofPacket(connection))
    reply.be32(numbers.information, connectionInfo)
    return { bytes: reply.end().subarray(HEADER_LENGTH), allocated: allocatedFor(connection) }
  }

  /** Changes the connection of a packet as a verdict says. What cannot be changed is left, and nobody is told. */
  change(
    { connection }: SimPacket,
    verdict: AttributeTable,
    numbers: { readonly connection: number; readonly expectation: number },
    reporter: Reporter,
  ): void {
    if (connection === undefined || !verdict.has(numbers.connection)) return
    const changes = nest(verdict, numbers.connection, connectionPolicy)
    if (typeof changes === 'number' || changeByVerdict(this.#table, connection, changes) !== 0) return
    if (!verdict.has(numbers.expectation)) return
    const expected = nest(verdict, numbers.expectation, expectationPolicy)
    if (typeof expected === 'number') return
    const context = { family: connection.family, zone: undefined }
    const tuple = expected.has(EXPECT.tuple) ? parseTuple(expected, EXPECT.tuple, context) : -1
    const mask = expected.has(EXPECT.mask) ? parseTuple(expected, EXPECT.mask, context) : -1
    if (typeof tuple === 'number' || typeof mask === 'number') return
    const made = makeExpectation(this.#table, expected, connection, tuple.tuple, mask.tuple)
    if (typeof made !== 'number') this.#table.expectations.add(made, reporter)
  }
}
