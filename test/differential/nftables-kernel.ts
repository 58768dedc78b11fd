/** How the nf_tables of this machine's kernel differs from that of others, for the simulated one to do as it does. */
import {
  BatchMessage,
  BitwiseOperation,
  type Expression,
  MetaKey,
  NfTablesMessage,
  PayloadBase,
  ruleAttributes,
  SetFlag,
  setAttributes,
  TableFlag,
  tableAttributes,
} from '@ringlink/codec'
import type { NfTablesOptions } from '@ringlink/transport-sim'
import type { NfMachine } from './nftables-machine.ts'
import { runNf } from './nftables-run.ts'
import {
  batch,
  bytes32,
  chain,
  cmp,
  deleteTable,
  message,
  meta,
  type NfMessage,
  type NfStep,
  opened,
  payload,
  read,
  rule,
  send,
  set,
  table,
} from './nftables-script.ts'

/** Expressions that a kernel may have been built without. */
const OPTIONAL = ['queue', 'log', 'target', 'ct', 'notrack', 'limit', 'quota', 'reject', 'fib', 'socket', 'objref']
const MAP = { name: 'map', flags: SetFlag.Map, keyLength: 2, dataType: 19, dataLength: 4, id: 2 }
/** NLM_F_DUMP */
const DUMP = 0x300
const SOURCE_AND_DESTINATION = { sourceRegister: 1, destinationRegister: 1 }

/** The hook of devices in the family inet. */
const INGRESS = 5

/** NFTA_TABLE_FLAGS of two bytes */
const TOO_SHORT_FLAGS = { type: 2, bits: 0, payload: new Uint8Array(2) }

/** What the kernel is asked, in order, each in a batch of its own. */
const asked = {
  tableOwner: table('owned', { flags: TableFlag.Owner }),
  persistentTables: table('kept', { flags: TableFlag.Owner | TableFlag.Persist }),
  optionalDevices: chain({ name: 'ingress', hook: { number: INGRESS, priority: 0 }, type: 'filter' }),
  missingDevices: chain({
    name: 'missing',
    hook: { number: INGRESS, priority: 0, device: 'missing' },
    type: 'filter',
  }),
  destroyMessages: deleteTable({ name: 'missing' }, {}, NfTablesMessage.DestroyTable),
  policyReports: message(NfTablesMessage.NewTable, tableAttributes, { name: 'x', unknown: [TOO_SHORT_FLAGS] }),
  bitwiseOperators: rule([
    meta(MetaKey.Mark),
    {
      name: 'bitwise',
      data: { ...SOURCE_AND_DESTINATION, length: 4, operation: BitwiseOperation.Or, data: { value: bytes32(1) } },
    },
  ]),
  mapsAsSets: rule([payload(PayloadBase.Network, 0, 2), { name: 'lookup', data: { set: 'map', sourceRegister: 1 } }]),
  initialisedRegisters: rule([cmp(bytes32(1))]),
  byteorderLists: rule([
    payload(PayloadBase.Network, 0, 4),
    { name: 'byteorder', data: { ...SOURCE_AND_DESTINATION, operation: 0, length: 4, size: 2 } },
  ]),
  distantPayload: rule([payload(PayloadBase.Network, 256, 1)]),
} satisfies Record<string, NfMessage>
const expressions = OPTIONAL.map((name) => rule([{ name } as Expression]))
const resetRules = message(NfTablesMessage.GetAndResetRule, ruleAttributes, { table: 't' }, { flags: DUMP })
const listRules = message(NfTablesMessage.GetRule, ruleAttributes, { table: 'm' }, { flags: DUMP })
/** Rules around one with an expression that no kernel has. */
const missing: readonly NfStep[] = [
  batch([table('m'), chain({ table: 'm', name: 'c' })]),
  ...[[], [{ name: 'missing' } as Expression], []].map((it) => batch([rule(it, { table: 'm' })])),
  read(),
  send([listRules]),
  read(),
]
const getSet = message(NfTablesMessage.GetSet, setAttributes, { table: 't', name: 's' })

const script: readonly NfStep[] = [
  ...opened,
  batch([table('t'), chain({ name: 'c' }), set({ name: 's', keyLength: 2, id: 1 }), set(MAP)]),
  read(),
  ...[...Object.values(asked), ...expressions].flatMap((it) => [batch([it]), read()]),
  send([getSet]),
  read(),
  send([resetRules]),
  read(),
  ...missing,
]

/** Asks a kernel. */
export async function probeNfTables(machine: NfMachine): Promise<Required<NfTablesOptions>> {
  const lines = await runNf(machine, script)
  const answers = lines.filter((line) => /: error \d+ for \d+ type (25|10)/.test(line))
  // The answers to what made the table are first.
  const [made, answered] = [answers.slice(0, 4), answers.slice(4)]
  if (made.some((line) => !line.includes('error 0 ')) || answered.length < Object.keys(asked).length)
    throw new Error(`the kernel answers in another way: ${lines.join('; ')}`)
  const answerTo = (index: number) => answered[index] ?? ''
  const isTaken = (name: keyof typeof asked) => answerTo(Object.keys(asked).indexOf(name)).includes(': error 0 ')
  const first = Object.keys(asked).length
  return {
    without: OPTIONAL.filter((_, index) => answerTo(first + index).includes(': error 2 ')),
    modules: !lines.some((line) => / NFT_MSG_NEWRULE .*"table":"m".*"handle":"4n"/.test(line)),
    tableOwner: isTaken('tableOwner'),
    persistentTables: isTaken('persistentTables'),
    optionalDevices: isTaken('optionalDevices'),
    missingDevices: isTaken('missingDevices'),
    ruleResets: !lines.some((line) => line.includes(` type ${NfTablesMessage.GetAndResetRule} `)),
    destroyMessages: isTaken('destroyMessages'),
    batchAcknowledgements: lines.some((line) => line.includes(` type ${BatchMessage.Begin} `)),
    policyReports: answerTo(Object.keys(asked).indexOf('policyReports')).includes('offset'),
    bitwiseOperators: isTaken('bitwiseOperators'),
    mapsAsSets: isTaken('mapsAsSets'),
    initialisedRegisters: !isTaken('initialisedRegisters'),
    byteorderLists: isTaken('byteorderLists'),
    distantPayload: isTaken('distantPayload'),
    setCount: lines.some((line) => line.includes('"count":0')),
  }
}

/** Whether a kernel refuses a key that a byte does not hold. */
export async function refusesWideNumbers(machine: NfMachine): Promise<boolean> {
  const made = batch([table('t'), chain({ name: 'c' })])
  const lines = await runNf(machine, [...opened, made, read(), batch([rule([meta(256)])]), read()])
  return lines.some((line) => line.includes(': error 34 '))
}
