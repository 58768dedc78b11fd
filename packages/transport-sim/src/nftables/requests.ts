/** The requests to nf_tables that read, which need no batch: NFT_MSG_GET…, and the one of nft_compat. */
import {
  CompatMessage,
  CompatType,
  compatAttributes,
  Errno,
  Family,
  GetFlag,
  MessageFlag,
  NfTablesMessage,
} from '@ringlink/codec'
import { type MessagePolicy, policyOf, u32 } from '../netlink/attribute-policy.ts'
import type { AttributeTable } from '../netlink/policy.ts'
import { type KernelRequest, SUPPRESS_ACK } from '../netlink/request.ts'
import { sendNfnetlinkReply } from '../netlink/row-answers.ts'
import { RowDump } from '../netlink/row-dump.ts'
import { ReplyWriter } from '../nfnetlink/reply.ts'
import type { SubsystemMessage } from '../nfnetlink/subsystem.ts'
import { blame } from './blame.ts'
import { chainPolicy, findChain } from './chains.ts'
import {
  type AnswerHeader,
  describeChain,
  describeElements,
  describeRule,
  describeSet,
  describeTable,
} from './describe.ts'
import { elementsPolicy, findElements } from './element-messages.ts'
import { targetRevision } from './expressions/statements.ts'
import { CHAIN, COMPAT, ELEMENTS, GENERATION, OBJECT, RULE, SET, TABLE } from './numbers.ts'
import { describeObject, objectPolicy } from './objects.ts'
import { rulePolicy } from './rule-messages.ts'
import type { NfTablesTable } from './ruleset.ts'
import { setPolicy } from './set-messages.ts'
import type { NfTables } from './state.ts'
import { familyOf, findTable, tablePolicy } from './tables.ts'

/** The reader of a request, by default no particular socket. */
const READER = 0
/** NLM_F_APPEND, which dumped rules have */
const APPEND = 0x800
/** elements in one message of a dump */
const ELEMENTS_PER_MESSAGE = 64

/** The process that all sockets of a simulated kernel belong to. */
export const PROCESS = { id: 1000, name: 'simulated' } as const

type Reader = (request: KernelRequest, attributes: AttributeTable) => number

/** The messages of the subsystem by the lower byte of their type; those that belong in a batch are refused here. */
export function nfTablesMessages(state: NfTables): readonly SubsystemMessage[] {
  const readers = new NfTablesReaders(state)
  const known: [number, MessagePolicy, Reader][] = [
    [NfTablesMessage.GetTable, tablePolicy, (...args) => readers.table(...args)],
    [NfTablesMessage.GetChain, chainPolicy, (...args) => readers.chain(...args)],
    [NfTablesMessage.GetRule, rulePolicy, (...args) => readers.rule(...args)],
    [NfTablesMessage.GetAndResetRule, rulePolicy, (...args) => readers.rule(...args)],
    [NfTablesMessage.GetSet, setPolicy, (...args) => readers.set(...args)],
    [NfTablesMessage.GetSetElement, elementsPolicy, (...args) => readers.elements(...args)],
    [NfTablesMessage.GetObject, objectPolicy, (...args) => readers.object(...args)],
    [NfTablesMessage.GetGeneration, [], (request) => readers.generation(request)],
  ]
  const messages: SubsystemMessage[] = []
  for (let i = 0; i <= (NfTablesMessage.GetAndResetSetElement & 0xff); i++) {
    messages.push({ policy: [], call: () => -Errno.EINVAL })
  }
  for (const [type, policy, call] of known) {
    if (type === NfTablesMessage.GetAndResetRule && !state.features.ruleResets) continue
    messages[type & 0xff] = { policy, call }
  }
  return messages
}

class NfTablesReaders {
  #state: NfTables
  #reply = new ReplyWriter()

  constructor(state: NfTables) {
    this.#state = state
  }

  generation(request: KernelRequest): number {
    const reply = describeGeneration(this.#reply, this.#header(request, 0), this.#state.generation)
    return answer(request, reply)
  }

  table(request: KernelRequest, attributes: AttributeTable): number {
    if (isDump(request)) {
      return this.#dump(request, (header) =>
        this.#tables(request).map((table) => () => describeTable(this.#reply, header, table)),
      )
    }
    const table = findTable(this.#state, attributes, TABLE.name, familyOf(request), READER)
    if (typeof table === 'number') return blame(request, attributes, TABLE.name, table)
    return answer(request, describeTable(this.#reply, this.#header(request, 0), table))
  }

  chain(request: KernelRequest, attributes: AttributeTable): number {
    if (isDump(request)) {
      return this.#dump(request, (header) =>
        this.#tables(request).flatMap(({ chains }) =>
          chains.map((chain) => () => describeChain(this.#reply, header, chain)),
        ),
      )
    }
    const table = findTable(this.#state, attributes, CHAIN.table, familyOf(request), READER)
    if (typeof table === 'number') return blame(request, attributes, CHAIN.table, table)
    const chain = findChain(table, attributes, CHAIN.name)
    if (typeof chain === 'number') return blame(request, attributes, CHAIN.name, chain)
    return answer(request, describeChain(this.#reply, this.#header(request, 0), chain))
  }

  rule(request: KernelRequest, attributes: AttributeTable): number {
    const reset = request.type === NfTablesMessage.GetAndResetRule
    if (isDump(request)) {
      const tableName = attributes.has(RULE.table) ? attributes.text(RULE.table) : undefined
      const chainName = tableName !== undefined && attributes.has(RULE.chain) ? attributes.text(RULE.chain) : undefined
      return this.#dump(request, (header) =>
        this.#tables(request)
          .filter(({ name }) => name === (tableName ?? name))
          .flatMap(({ chains }) => chains.filter(({ name }) => name === (chainName ?? name)))
          .flatMap((chain) =>
            chain.rules.map((rule, index) => () => {
              const previous = chain.rules[index - 1]?.handle ?? 0n
              const flags = header.flags | APPEND
              return describeRule(this.#reply, { ...header, flags }, chain, rule, { previous, reset })
            }),
          ),
      )
    }
    const table = findTable(
      this.#state,
      attributes,
      RULE.table,
      familyOf(request),
      reset ? request.socket.portId : READER,
    )
    if (typeof table === 'number') return blame(request, attributes, RULE.table, table)
    const chain = findChain(table, attributes, RULE.chain)
    if (typeof chain === 'number') return blame(request, attributes, RULE.chain, chain)
    if (!attributes.has(RULE.handle)) return -Errno.EINVAL
    const handle = attributes.be64(RULE.handle)
    const rule = chain.rules.find((it) => it.handle === handle)
    if (rule === undefined) return blame(request, attributes, RULE.handle, Errno.ENOENT)
    return answer(request, describeRule(this.#reply, this.#header(request, 0), chain, rule, { previous: 0n, reset }))
  }

  set(request: KernelRequest, attributes: AttributeTable): number {
    const { features } = this.#state
    let table: NfTablesTable | undefined
    if (attributes.has(SET.table)) {
      const found = findTable(this.#state, attributes, SET.table, familyOf(request), READER)
      if (typeof found === 'number') return blame(request, attributes, SET.table, found)
      table = found
    }
    if (isDump(request)) {
      return this.#dump(request, (header) =>
        this.#tables(request)
          .filter((it) => it === (table ?? it))
          .flatMap((it) => it.sets.map((set) => () => describeSet(this.#reply, header, it, set, features))),
      )
    }
    if (familyOf(request) === Family.Unspecified) return -Errno.EAFNOSUPPORT
    if (table === undefined || !attributes.has(SET.name)) return -Errno.EINVAL
    const set = table.sets.find((it) => it.properties.name === attributes.text(SET.name))
    if (set === undefined) return blame(request, attributes, SET.name, Errno.ENOENT)
    return answer(request, describeSet(this.#reply, this.#header(request, 0), table, set, features))
  }

  object(request: KernelRequest, attributes: AttributeTable): number {
    const tableName = attributes.has(OBJECT.table) ? attributes.text(OBJECT.table) : undefined
    if (isDump(request)) {
      return this.#dump(request, (header) =>
        this.#tables(request)
          .filter(({ name }) => name === (tableName ?? name))
          .flatMap((it) => it.objects.map((object) => () => describeObject(this.#reply, header, it, object))),
      )
    }
    if (!attributes.has(OBJECT.name) || !attributes.has(OBJECT.type)) return -Errno.EINVAL
    const table = findTable(this.#state, attributes, OBJECT.table, familyOf(request), READER)
    if (typeof table === 'number') return blame(request, attributes, OBJECT.table, table)
    const object = table.objects.find(({ name }) => name === attributes.text(OBJECT.name))
    if (object === undefined) return blame(request, attributes, OBJECT.name, Errno.ENOENT)
    return answer(request, describeObject(this.#reply, this.#header(request, 0), table, object))
  }

  /** All elements as a dump, or those that are asked for. */
  elements(request: KernelRequest, attributes: AttributeTable): number {
    const table = findTable(this.#state, attributes, ELEMENTS.table, familyOf(request), READER)
    if (typeof table === 'number') return blame(request, attributes, ELEMENTS.table, table)
    const name = attributes.has(ELEMENTS.set) ? attributes.text(ELEMENTS.set) : undefined
    const set = table.sets.find(({ properties }) => properties.name === name)
    if (set === undefined) {
      return blame(request, attributes, ELEMENTS.set, name === undefined ? Errno.EINVAL : Errno.ENOENT)
    }
    const now = this.#state.host.now()
    if (!isDump(request)) {
      const found = findElements(this.#state, { table, set, findChain: () => undefined }, request, attributes)
      if (typeof found === 'number') return found
      return answer(request, describeElements(this.#reply, this.#header(request, 0), table, set, found, now))
    }
    return this.#dump(request, (header) => {
      const rows: (() => Uint8Array)[] = []
      const all = set.elements.slice()
      for (let at = 0; at < all.length; at += ELEMENTS_PER_MESSAGE) {
        const part = all.slice(at, at + ELEMENTS_PER_MESSAGE)
        rows.push(() => describeElements(this.#reply, header, table, set, part, now))
      }
      return rows
    })
  }

  #tables(request: KernelRequest): NfTablesTable[] {
    const family = familyOf(request)
    return this.#state.tables.filter((table) => family === Family.Unspecified || family === table.family)
  }

  #header({ sequence, socket }: KernelRequest, flags: number): AnswerHeader {
    return { flags, sequence, portId: socket.portId, resourceId: this.#state.generation & 0xffff }
  }

  #dump(request: KernelRequest, rows: (header: AnswerHeader) => readonly (() => Uint8Array)[]): number {
    const { socket, sequence } = request
    if (socket.dump !== undefined) return -Errno.EBUSY
    const state = this.#state
    const all = rows(this.#header(request, MessageFlag.Multipart))
    const source = {
      get generation() {
        return state.generation
      },
      row: (index: number) => all[index],
    }
    socket.dump = new RowDump(source, socket, sequence)
    return socket.dump.next() ? SUPPRESS_ACK : -Errno.ENOBUFS
  }
}

/** The generation of the rules, and who made it. */
export function describeGeneration(reply: ReplyWriter, header: AnswerHeader, generation: number): Uint8Array {
  reply.begin({ ...header, type: NfTablesMessage.NewGeneration, family: Family.Unspecified })
  reply.be32(GENERATION.id, generation)
  reply.be32(GENERATION.processId, PROCESS.id)
  reply.text(GENERATION.processName, PROCESS.name)
  return reply.end()
}

function isDump({ flags }: KernelRequest): boolean {
  return (flags & GetFlag.Dump) === GetFlag.Dump
}

function answer({ socket }: KernelRequest, reply: Uint8Array): number {
  return sendNfnetlinkReply(socket, reply)
}

const compatPolicy: MessagePolicy = policyOf(compatAttributes, {
  name: { kind: 'name', maximum: 31 },
  revision: u32,
  type: u32,
})
const compatFamilies: ReadonlySet<number> = new Set([Family.Ipv4, Family.Ipv6, Family.Bridge, Family.Arp])

/** The messages of nft_compat: whether the kernel has a target, and in which revision. */
export function compatMessages(): readonly SubsystemMessage[] {
  const reply = new ReplyWriter()
  const call = (request: KernelRequest, attributes: AttributeTable): number => {
    for (const number of Object.values(COMPAT)) if (!attributes.has(number)) return -Errno.EINVAL
    if (!compatFamilies.has(familyOf(request))) return -Errno.EINVAL
    const name = attributes.text(COMPAT.name)
    const type = attributes.be32(COMPAT.type)
    if (type !== CompatType.Target) return -Errno.ENOENT
    const revision = targetRevision(name, attributes.be32(COMPAT.revision), familyOf(request))
    if (revision < 0) return revision
    const { sequence, socket } = request
    const header = { flags: MessageFlag.Multipart, sequence, portId: socket.portId, resourceId: 0 }
    reply.begin({ ...header, type: CompatMessage.Get, family: familyOf(request) })
    reply.text(COMPAT.name, name)
    reply.be32(COMPAT.revision, revision)
    reply.be32(COMPAT.type, type)
    return answer(request, reply.end())
  }
  return [{ policy: compatPolicy, call }]
}
