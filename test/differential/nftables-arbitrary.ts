/**
 * Scripts for nf_tables at random: sensible enough that most batches are carried out, careless enough to be wrong
 * everywhere.
 */

import {
  type Expression,
  Hook,
  MetaKey,
  NfTablesMessage,
  PayloadBase,
  QueueCommand,
  QueueMessage,
  queueConfigAttributes,
  queueTargetInformation,
  TableFlag,
  Verdict,
} from '@ringlink/codec'
import fc, { type Arbitrary } from 'fast-check'
import { optional, sparse } from './arbitrary.ts'
import {
  batch,
  bytes16,
  bytes32,
  chain,
  cmp,
  counter,
  deleteChain,
  deleteRule,
  deleteTable,
  dumps,
  message,
  meta,
  type NfMessage,
  type NfSocketName,
  type NfStep,
  nfPorts,
  opened,
  payload,
  read,
  rule,
  table,
  udpTo,
  verdict,
} from './nftables-script.ts'

const family = fc.constantFrom(1, 1, 1, 2, 10)
const tableName = fc.constantFrom('t', 't', 't', 'u')
const chainName = fc.constantFrom('c', 'd', 'e', 'f')
const handle = fc.bigInt({ min: 1n, max: 20n })
const name = sparse(fc.record({ chain: chainName, table: tableName }))
const port = fc.constantFrom(...nfPorts)
const setMark: Arbitrary<Expression[]> = fc.constantFrom(1, 2).map((mark): Expression[] => [
  { name: 'immediate', data: { destinationRegister: 1, data: { value: bytes32(mark) } } },
  { name: 'meta', data: { key: MetaKey.Mark, sourceRegister: 1 } },
])

const match: Arbitrary<Expression[]> = fc.oneof(
  fc.constant<Expression[]>([]),
  port.map((it) => udpTo(it)),
  fc
    .tuple(port, fc.nat({ max: 5 }))
    .map(([it, operation]) => [payload(PayloadBase.Transport, 2, 2), cmp(bytes16(it), operation)]),
  fc.constantFrom(1, 2).map((mark) => [meta(MetaKey.Mark), cmp(bytes32(mark))]),
  fc
    .tuple(fc.constantFrom(0, 1, 2, 3), fc.nat({ max: 40 }), fc.integer({ min: 1, max: 20 }), fc.nat({ max: 5 }))
    .map(([base, offset, length, operation]) => [
      payload(base, offset, length),
      cmp(new Uint8Array(Math.min(length, 16)).fill(64), operation),
    ]),
  fc
    .nat({ max: 24 })
    .filter((key) => ![13, 14, 17, 18, 20, 24].includes(key))
    .map((key) => [meta(key)]),
  fc.constant<Expression[]>([{ name: 'missing' } as Expression]),
  fc.constant<Expression[]>([cmp(bytes32(1), 0, 3)]),
)
const action: Arbitrary<Expression[]> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Expression[]>([]) },
  { weight: 2, arbitrary: fc.constantFrom(0, 1, -1, -2, -5).map((code) => [verdict(code)]) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom(-3, -4), chainName).map(([code, to]) => [verdict(code, to)]) },
  { weight: 1, arbitrary: setMark },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 1 })).map(([number, flags]): Expression[] => [
      {
        name: 'target',
        data: { name: 'NFQUEUE', revision: 3, information: queueTargetInformation({ number, total: 1, flags }) },
      },
    ]),
  },
)
const expressions = fc.tuple(match, action).map(([first, last]) => [...first, counter, ...last])

const flags = fc.constantFrom(0x400, 0x400, 0xc00, 0xc00, 0x600, 0x100, 0)
const anyMessage: Arbitrary<NfMessage> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(tableName, fc.constantFrom(0, 0, 0, 0, TableFlag.Dormant, TableFlag.Owner, 6, 8), flags, family)
      .map(([it, tableFlags, messageFlags, family]) =>
        table(it, { flags: tableFlags }, { flags: messageFlags, family }),
      ),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(
        chainName,
        tableName,
        optional(
          fc.record({
            number: fc.constantFrom(Hook.Output, Hook.Output, Hook.Input, Hook.Postrouting, 0, 2, 6),
            priority: fc.integer({ min: -2, max: 2 }),
          }),
        ),
        optional(fc.constantFrom(1, 1, 1, 0)),
        flags,
        family,
      )
      .map(([it, tableOf, hook, policy, messageFlags, family]) =>
        chain({ name: it, table: tableOf, hook, policy, type: hook && 'filter' }, { flags: messageFlags, family }),
      ),
  },
  {
    weight: 10,
    arbitrary: fc
      .tuple(
        expressions,
        name,
        sparse(fc.record({ position: optional(handle), handle: fc.option(handle, { freq: 7, nil: undefined }) })),
        flags,
        family,
      )
      .map(([list, of, more, messageFlags, family]) => rule(list, { ...of, ...more }, { flags: messageFlags, family })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(name, optional(handle), fc.constantFrom(NfTablesMessage.DeleteRule, NfTablesMessage.DestroyRule), family)
      .map(([of, it, type, family]) => deleteRule({ ...of, handle: it }, { family }, type)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(chainName, tableName, fc.constantFrom(NfTablesMessage.DeleteChain, NfTablesMessage.DestroyChain), family)
      .map(([it, tableOf, type, family]) => deleteChain({ name: it, table: tableOf }, { family }, type)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(tableName, fc.constantFrom(NfTablesMessage.DeleteTable, NfTablesMessage.DestroyTable), family)
      .map(([it, type, family]) => deleteTable({ name: it }, { family }, type)),
  },
)

const socket: Arbitrary<NfSocketName> = fc.constantFrom('a' as const, 'a' as const, 'a' as const, 'b' as const)
const anyBatch: Arbitrary<NfStep> = fc
  .tuple(fc.array(anyMessage, { minLength: 1, maxLength: 4 }), socket)
  .map(([messages, of]) => batch(messages, { socket: of }))
const traffic = fc.record({
  do: fc.constant('traffic' as const),
  port,
  count: fc.integer({ min: 1, max: 4 }),
  size: fc.nat({ max: 60 }),
})
const verdicts = fc.record({
  do: fc.constant('verdicts' as const),
  socket: fc.constant('a' as const),
  queue: fc.nat({ max: 1 }),
  verdicts: fc.array(fc.constantFrom(Verdict.Accept, Verdict.Accept, Verdict.Drop, Verdict.Repeat, Verdict.Stop), {
    minLength: 1,
    maxLength: 4,
  }),
})

const step: Arbitrary<readonly NfStep[]> = fc.oneof(
  { weight: 6, arbitrary: anyBatch.map((it) => [it, read('a'), read('b')]) },
  { weight: 5, arbitrary: traffic.map((it): NfStep[] => [it, read()]) },
  { weight: 2, arbitrary: verdicts.map((it): NfStep[] => [it, read()]) },
  { weight: 1, arbitrary: fc.constant(dumps()) },
  { weight: 1, arbitrary: fc.constant([{ do: 'open', socket: 'b' }] as const) },
)

const bound = (queue: number): NfStep => ({
  do: 'send',
  socket: 'a',
  messages: [
    message(
      QueueMessage.Config,
      queueConfigAttributes,
      { command: { command: QueueCommand.Bind, family: 0 }, parameters: { copyRange: 0, copyMode: 2 } },
      { family: 0, resourceId: queue },
    ),
  ],
})
const first = batch([
  table('t'),
  chain({ name: 'c', hook: { number: Hook.Output, priority: 0 }, type: 'filter' }),
  chain({ name: 'd' }),
  chain({ name: 'e', hook: { number: Hook.Input, priority: 0 }, type: 'filter' }),
  rule([counter]),
])
const last: readonly NfStep[] = [...dumps(), { do: 'counters', socket: 'a' }, { do: 'delivered' }]

/** A whole script: two sockets, two queues, a table to begin with, and a look at everything at the end. */
export const anyNfScript: Arbitrary<readonly NfStep[]> = fc
  .array(step, { minLength: 10, maxLength: 30, size: 'max' })
  .map((steps) => [...opened, bound(0), bound(1), first, read(), ...steps.flat(), ...last])
