/** The messages in which nf_tables shows its objects: attributes in the kernel's order. */
import { ChainFlag, NfTablesMessage } from '@ringlink/codec'
import type { ReplyHeader, ReplyWriter } from '../nfnetlink/reply.ts'
import type { NfTablesFeatures } from './features.ts'
import {
  CHAIN,
  COUNTER,
  DATA,
  DEVICE,
  ELEMENT,
  ELEMENTS,
  EXPRESSION,
  HOOK,
  LIST_ELEMENT,
  RULE,
  SET,
  SET_DESCRIPTION,
  SET_FIELD,
  TABLE,
  VERDICT,
} from './numbers.ts'
import type { NfTablesChain, NfTablesRule, NfTablesTable } from './ruleset.ts'
import type { NfTablesSet, SetElement } from './sets.ts'

const NANOSECONDS = 1_000_000

/** The header of an answer, less its type. */
export type AnswerHeader = Omit<ReplyHeader, 'type' | 'family'>

export function describeTable(reply: ReplyWriter, header: AnswerHeader, table: NfTablesTable): Uint8Array {
  reply.begin({ ...header, type: NfTablesMessage.NewTable, family: table.family })
  reply.text(TABLE.name, table.name)
  reply.be32(TABLE.use, table.use)
  reply.be64(TABLE.handle, table.handle)
  reply.be32(TABLE.flags, table.flags)
  if (table.isOwned) reply.be32(TABLE.owner, table.owner)
  if (table.userData !== undefined) reply.bytes(TABLE.userData, table.userData)
  return reply.end()
}

export function describeChain(reply: ReplyWriter, header: AnswerHeader, chain: NfTablesChain): Uint8Array {
  const { table, hook, flags } = chain
  reply.begin({ ...header, type: NfTablesMessage.NewChain, family: table.family })
  reply.text(CHAIN.table, table.name)
  reply.text(CHAIN.name, chain.name)
  reply.be64(CHAIN.handle, chain.handle)
  if (hook !== undefined) {
    reply.nest(CHAIN.hook, () => {
      reply.be32(HOOK.number, hook.number)
      reply.be32(HOOK.priority, hook.priority)
      if (hook.devices !== undefined) describeDevices(reply, hook.devices)
    })
    reply.be32(CHAIN.policy, hook.policy)
    reply.text(CHAIN.type, hook.type)
    const { counters } = hook
    if (counters !== undefined) {
      reply.nest(CHAIN.counters, () => {
        reply.be64(COUNTER.packets, counters.packets)
        reply.be64(COUNTER.bytes, counters.bytes)
      })
    }
  }
  const shown = hook === undefined ? flags : flags | ChainFlag.Base
  if (shown !== 0) reply.be32(CHAIN.flags, shown)
  reply.be32(CHAIN.use, chain.use)
  if (chain.userData !== undefined) reply.bytes(CHAIN.userData, chain.userData)
  return reply.end()
}

function describeDevices(reply: ReplyWriter, devices: readonly string[]): void {
  reply.nest(HOOK.devices, () => {
    for (const device of devices) reply.text(DEVICE.name, device)
  })
  if (devices.length === 1) reply.text(HOOK.device, devices[0] as string)
}

/** `previous` is the handle of the rule before it, in dumps. */
export function describeRule(
  reply: ReplyWriter,
  header: AnswerHeader,
  chain: NfTablesChain,
  rule: NfTablesRule,
  { previous, reset }: { readonly previous: bigint; readonly reset: boolean },
): Uint8Array {
  reply.begin({ ...header, type: NfTablesMessage.NewRule, family: chain.table.family })
  reply.text(RULE.table, chain.table.name)
  reply.text(RULE.chain, chain.name)
  reply.be64(RULE.handle, rule.handle)
  if (previous !== 0n) reply.be64(RULE.position, previous)
  reply.nest(RULE.expressions, () => {
    for (const { name, dump } of rule.expressions) {
      reply.nest(LIST_ELEMENT, () => {
        reply.text(EXPRESSION.name, name)
        if (dump !== undefined) reply.nest(EXPRESSION.data, () => dump(reply, reset))
      })
    }
  })
  if (rule.userData !== undefined) reply.bytes(RULE.userData, rule.userData)
  return reply.end()
}

export function describeSet(
  reply: ReplyWriter,
  header: AnswerHeader,
  table: NfTablesTable,
  set: NfTablesSet,
  { setCount }: NfTablesFeatures,
): Uint8Array {
  const { name, handle, flags, keyType, keyLength, dataType, dataLength, policy, size, fields, timeout, userData } =
    set.properties
  reply.begin({ ...header, type: NfTablesMessage.NewSet, family: table.family })
  reply.text(SET.table, table.name)
  reply.text(SET.name, name)
  reply.be64(SET.handle, handle)
  if (flags !== 0) reply.be32(SET.flags, flags)
  reply.be32(SET.keyType, keyType ?? 0)
  reply.be32(SET.keyLength, keyLength)
  if (dataType !== undefined) {
    reply.be32(SET.dataType, dataType)
    reply.be32(SET.dataLength, dataLength)
  }
  if (timeout !== undefined && timeout !== 0n) reply.be64(SET.timeout, timeout)
  if (policy !== undefined && policy !== 0) reply.be32(SET.policy, policy)
  if (userData !== undefined) reply.bytes(SET.userData, userData)
  reply.nest(SET.description, () => {
    if (size !== undefined && size !== 0) reply.be32(SET_DESCRIPTION.size, size)
    if (fields.length > 1) describeFields(reply, fields)
  })
  reply.text(
    SET.type,
    set.isConcatenation ? 'nft_set_pipapo_type' : set.isInterval ? 'nft_set_rbtree_type' : 'nft_set_hash_type',
  )
  if (setCount) reply.be32(SET.count, set.elements.length)
  return reply.end()
}

function describeFields(reply: ReplyWriter, fields: readonly number[]): void {
  reply.nest(SET_DESCRIPTION.fields, () => {
    for (const length of fields) reply.nest(LIST_ELEMENT, () => reply.be32(SET_FIELD.length, length))
  })
}

/** `now` is the kernel's time in nanoseconds. */
export function describeElements(
  reply: ReplyWriter,
  header: AnswerHeader,
  table: NfTablesTable,
  set: NfTablesSet,
  elements: readonly SetElement[],
  now: number,
): Uint8Array {
  reply.begin({ ...header, type: NfTablesMessage.NewSetElement, family: table.family })
  reply.text(ELEMENTS.table, table.name)
  reply.text(ELEMENTS.set, set.properties.name)
  reply.nest(ELEMENTS.elements, () => {
    for (const element of elements) reply.nest(LIST_ELEMENT, () => describeElement(reply, set, element, now))
  })
  return reply.end()
}

function describeElement(reply: ReplyWriter, set: NfTablesSet, element: SetElement, now: number): void {
  const { key, keyEnd, isEnd, data, verdict, target, expression, timeout, expires, userData } = element
  reply.value(ELEMENT.key, key)
  if (keyEnd !== undefined) reply.value(ELEMENT.keyEnd, keyEnd)
  if (data !== undefined) reply.value(ELEMENT.data, data)
  if (verdict !== undefined) {
    reply.nest(ELEMENT.data, () =>
      reply.nest(DATA.verdict, () => {
        reply.be32(VERDICT.code, verdict)
        if (target !== undefined) reply.text(VERDICT.chain, target.name)
      }),
    )
  }
  if (expression !== undefined) {
    reply.nest(ELEMENT.expression, () => {
      reply.text(EXPRESSION.name, expression.name)
      reply.nest(EXPRESSION.data, () => expression.dump?.(reply, false))
    })
  }
  if (isEnd) reply.be32(ELEMENT.flags, 1)
  if (expires !== undefined) {
    // As newer kernels: the time of the set is shown too.
    reply.be64(ELEMENT.timeout, timeout ?? set.properties.timeout ?? 0n)
    reply.be64(ELEMENT.expiration, Math.max(0, Math.round((expires - now) / NANOSECONDS)))
  }
  if (userData !== undefined) reply.bytes(ELEMENT.userData, userData)
}
