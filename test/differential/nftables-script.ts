/**
 * Scripts for nf_tables: batches, requests and packets. The same script runs on the real kernel and on the simulated
 * one.
 */
import {
  type AttributeSet,
  type AttributeValues,
  BatchMessage,
  batchAttributes,
  CompareOperation,
  chainAttributes,
  type Expression,
  Family,
  Hook,
  Memory,
  MessageFlag,
  MetaKey,
  NewFlag,
  NfTablesMessage,
  PayloadBase,
  type Rule,
  ruleAttributes,
  Subsystem,
  setAttributes,
  setElementListAttributes,
  tableAttributes,
  writeNfnetlinkMessage,
} from '@ringlink/codec'
import { hostIsLittleEndian } from '@ringlink/codec/internal'

export type NfSocketName = 'a' | 'b'

/** One message; its number follows from its place. */
export interface NfMessage {
  readonly type: number
  readonly flags: number
  readonly family: number
  readonly resourceId: number
  /** attributes as bytes */
  readonly body: Uint8Array
}

/** One step. */
export type NfStep =
  | { readonly do: 'open'; readonly socket: NfSocketName; readonly groups?: readonly number[] }
  | { readonly do: 'close'; readonly socket: NfSocketName }
  /** one send */
  | { readonly do: 'send'; readonly socket: NfSocketName; readonly messages: readonly NfMessage[] }
  /** everything that has come */
  | { readonly do: 'read'; readonly socket: NfSocketName }
  | { readonly do: 'traffic'; readonly port: number; readonly count: number; readonly size: number }
  | { readonly do: 'delivered' }
  /** verdicts on the packets of a queue that were read and have none yet, the first first */
  | {
      readonly do: 'verdicts'
      readonly socket: NfSocketName
      readonly queue: number
      readonly verdicts: readonly number[]
    }
  | { readonly do: 'counters'; readonly socket: NfSocketName }

/** The ports that are listened to. */
export const nfPorts = [5030, 5031, 5032] as const

export const REQUEST = MessageFlag.Request
export const ACKNOWLEDGE = MessageFlag.Acknowledge

export function message<Set extends AttributeSet>(
  type: number,
  set: Set,
  attributes: AttributeValues<Set>,
  { flags = ACKNOWLEDGE as number, family = Family.Inet as number, resourceId = 0 } = {},
): NfMessage {
  const memory = new Memory(32768)
  const header = { type, flags: 0, sequence: 0, family, resourceId, attributes }
  const length = writeNfnetlinkMessage(memory, 0, 32768, set, header)
  return { type, flags: REQUEST | flags, family, resourceId, body: memory.copy(20, length - 20) }
}

const edge = (type: number, flags: number, generation?: number): NfMessage =>
  message(type, batchAttributes, { generation }, { flags, family: 0, resourceId: Subsystem.NfTables })

/** A batch as one step. */
export function batch(
  messages: readonly NfMessage[],
  {
    socket = 'a' as NfSocketName,
    generation = undefined as number | undefined,
    ends = true,
    flags = ACKNOWLEDGE as number,
  } = {},
): NfStep {
  const end = ends ? [edge(BatchMessage.End, flags)] : []
  return { do: 'send', socket, messages: [edge(BatchMessage.Begin, flags, generation), ...messages, ...end] }
}

export const { Create, Exclusive, Replace, Append } = NewFlag
type Options = { flags?: number; family?: number }
const acked = ({ flags = 0, family }: Options = {}) => ({
  flags: flags | ACKNOWLEDGE,
  ...(family === undefined ? {} : { family }),
})

export const table = (
  name: string,
  more: AttributeValues<typeof tableAttributes> = {},
  options: Options = {},
): NfMessage =>
  message(NfTablesMessage.NewTable, tableAttributes, { name, ...more }, acked({ flags: Create, ...options }))
export const deleteTable = (
  more: AttributeValues<typeof tableAttributes>,
  options?: Options,
  type: number = NfTablesMessage.DeleteTable,
): NfMessage => message(type, tableAttributes, more, acked(options))
export const chain = (more: AttributeValues<typeof chainAttributes>, options: Options = {}): NfMessage =>
  message(NfTablesMessage.NewChain, chainAttributes, { table: 't', ...more }, acked({ flags: Create, ...options }))
export const deleteChain = (
  more: AttributeValues<typeof chainAttributes>,
  options?: Options,
  type: number = NfTablesMessage.DeleteChain,
): NfMessage => message(type, chainAttributes, { table: 't', ...more }, acked(options))
export const rule = (expressions: Expression[], more: Rule = {}, options: Options = {}): NfMessage =>
  message(
    NfTablesMessage.NewRule,
    ruleAttributes,
    { table: 't', chain: 'c', expressions, ...more },
    acked({ flags: Create | Append, ...options }),
  )
export const deleteRule = (more: Rule, options?: Options, type: number = NfTablesMessage.DeleteRule): NfMessage =>
  message(type, ruleAttributes, { table: 't', ...more }, acked(options))
export const set = (more: AttributeValues<typeof setAttributes>, options: Options = {}): NfMessage =>
  message(NfTablesMessage.NewSet, setAttributes, { table: 't', ...more }, acked({ flags: Create, ...options }))
export const elements = (more: AttributeValues<typeof setElementListAttributes>, options: Options = {}): NfMessage =>
  message(
    NfTablesMessage.NewSetElement,
    setElementListAttributes,
    { table: 't', ...more },
    acked({ flags: Create, ...options }),
  )

/** A base chain of the output hook. */
export const base = (
  name = 'c',
  priority = 0,
  more: AttributeValues<typeof chainAttributes> = {},
  hook: number = Hook.Output,
): NfMessage => chain({ name, hook: { number: hook, priority }, type: 'filter', ...more })

const DUMP = 0x300
/** Dumps of tables, chains and rules, of all families. */
export const dumps = (socket: NfSocketName = 'a', family = 0): NfStep[] =>
  (
    [
      message(NfTablesMessage.GetTable, tableAttributes, {}, { flags: DUMP, family }),
      message(NfTablesMessage.GetChain, chainAttributes, {}, { flags: DUMP, family }),
      message(NfTablesMessage.GetRule, ruleAttributes, {}, { flags: DUMP, family }),
      message(NfTablesMessage.GetGeneration, batchAttributes, {}, { flags: 0, family }),
    ] as const
  ).flatMap((it): NfStep[] => [
    { do: 'send', socket, messages: [it] },
    { do: 'read', socket },
  ])

export const read = (socket: NfSocketName = 'a'): NfStep => ({ do: 'read', socket })
export const send = (messages: readonly NfMessage[], socket: NfSocketName = 'a'): NfStep => ({
  do: 'send',
  socket,
  messages,
})
/** Each message in a batch of its own. */
export const each = (messages: readonly NfMessage[]): NfStep[] => messages.flatMap((it) => [batch([it]), read()])
/** Each message without a batch. */
export const alone = (messages: readonly NfMessage[]): NfStep[] => messages.flatMap((it) => [send([it]), read()])
export const traffic = (port: number = nfPorts[0], count = 1, size = 0): NfStep => ({
  do: 'traffic',
  port,
  count,
  size,
})
export const delivered: NfStep = { do: 'delivered' }
export const opened: readonly NfStep[] = [
  { do: 'open', socket: 'a' },
  { do: 'open', socket: 'b' },
]

// Expressions.
export const bytes32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, value, hostIsLittleEndian)
  return bytes
}
export const bytes16 = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff)
export const meta = (key: number, destinationRegister = 1): Expression => ({
  name: 'meta',
  data: { key, destinationRegister },
})
export const cmp = (value: Uint8Array, operation: number = CompareOperation.Equal, sourceRegister = 1): Expression => ({
  name: 'cmp',
  data: { sourceRegister, operation, data: { value } },
})
export const payload = (base: number, offset: number, length: number, destinationRegister = 1): Expression => ({
  name: 'payload',
  data: { destinationRegister, base, offset, length },
})
export const verdict = (code: number, chainName?: string): Expression => ({
  name: 'immediate',
  data: { destinationRegister: 0, data: { verdict: { code, chain: chainName } } },
})
export const counter: Expression = { name: 'counter', data: { bytes: 0n, packets: 0n } }
/** UDP to a port. */
export const udpTo = (port: number): Expression[] => [
  meta(MetaKey.TransportProtocol),
  cmp(Uint8Array.of(17)),
  payload(PayloadBase.Transport, 2, 2),
  cmp(bytes16(port)),
]
