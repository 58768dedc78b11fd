import {
  type AttributeSet,
  type AttributeValues,
  BatchMessage,
  batchAttributes,
  type Chain,
  ControlType,
  chainAttributes,
  Errno,
  errnoName,
  Family,
  Memory,
  MessageFlag,
  MessageIterator,
  type MessageView,
  messageFamily,
  NfTablesMessage,
  Protocol,
  type Rule,
  readNfnetlinkAttributes,
  ruleAttributes,
  Subsystem,
  type Table,
  TableFlag,
  tableAttributes,
  writeNfnetlinkMessage,
} from '@ringlink/codec'
import { openSocket, Session, type Transport } from 'ringlink'

/** A table with its chains and rules. */
export interface TableContents {
  readonly family: string
  readonly name: string
  /** port id of the socket with which it is removed; undefined if it stays */
  readonly owner: number | undefined
  readonly chains: readonly { readonly chain: Chain; readonly rules: readonly Rule[] }[]
}

const familyNames: ReadonlyMap<number, string> = new Map([
  [Family.Ipv4, 'ip'],
  [Family.Ipv6, 'ip6'],
  [Family.Inet, 'inet'],
  [Family.Arp, 'arp'],
  [Family.Bridge, 'bridge'],
  [Family.NetworkDevice, 'netdev'],
])
const SIZE = 4096
const PATIENCE = 5000
const ERROR_OFFSET = 16

interface Row<Value> {
  readonly family: number
  readonly values: Value
}

/** Lists tables whose name and family `wants`. Rejects as a dump does. */
export async function listTables(wants: (name: string, family: string) => boolean): Promise<TableContents[]> {
  await using session = new Session(await openNetfilter())
  const tables = await dump(session, 'list tables', NfTablesMessage.GetTable, tableAttributes)
  const chains = await dump(session, 'list chains', NfTablesMessage.GetChain, chainAttributes)
  const rules = await dump(session, 'list rules', NfTablesMessage.GetRule, ruleAttributes)
  return tables
    .map(({ family, values }) => tableContents(family, values, chains, rules))
    .filter(({ name, family }) => wants(name, family))
}

function tableContents(family: number, table: Table, chains: Row<Chain>[], rules: Row<Rule>[]): TableContents {
  const { name = '', flags = 0, owner } = table
  const inTable = <Value extends { table?: string | undefined }>(row: Row<Value>) =>
    row.family === family && row.values.table === name
  return {
    family: familyNames.get(family) ?? `family ${family}`,
    name,
    owner: (flags & TableFlag.Owner) === 0 ? undefined : owner,
    chains: chains.filter(inTable).map(({ values: chain }) => ({
      chain,
      rules: rules.filter((row) => inTable(row) && row.values.chain === chain.name).map(({ values }) => values),
    })),
  }
}

async function dump<Set extends AttributeSet>(
  session: Session,
  what: string,
  type: number,
  set: Set,
): Promise<Row<AttributeValues<Set>>[]> {
  const rows = await session.dump({
    what,
    write: (memory, offset, limit) =>
      writeNfnetlinkMessage(memory, offset, limit, batchAttributes, {
        type,
        flags: 0,
        sequence: 0,
        resourceId: 0,
        attributes: {},
      }),
  })
  return rows.map(({ view }: { readonly view: MessageView }) => ({
    family: messageFamily(view.memory, view.offset),
    values: readNfnetlinkAttributes(view, set),
  }))
}

function openNetfilter(): Promise<Transport> {
  return openSocket({ protocol: Protocol.Netfilter, frameSize: 32_768, outboxSize: 16_384 })
}

/** Removes a table with all its contents. Rejects with an explanation of the kernel's error. */
export async function removeTable(name: string, family: string): Promise<void> {
  const [number] = [...familyNames].find(([, known]) => known === family) ?? []
  if (number === undefined) throw new Error(`there is no family ${family}`)
  await using transport = await openNetfilter()
  const bytes = removal(name, number)
  const { outbox } = transport
  outbox.memory.u8.set(bytes, outbox.reserve(bytes.length))
  outbox.commit(bytes.length)
  outbox.flush()
  const batch = transport.poll(PATIENCE)
  if (batch === undefined) throw new Error(`cannot remove table ${family} ${name}: the kernel does not answer`)
  const errno = errnoIn(batch.memory, batch.offset(0), batch.byteLength(0))
  batch.release()
  if (errno !== 0) throw new Error(`cannot remove table ${family} ${name}: ${reasonOf(errno)}`)
}

function removal(name: string, family: number): Uint8Array {
  const memory = new Memory(SIZE)
  const edge = { flags: MessageFlag.Request, resourceId: Subsystem.NfTables, attributes: {} }
  let offset = writeNfnetlinkMessage(memory, 0, SIZE, batchAttributes, {
    ...edge,
    type: BatchMessage.Begin,
    sequence: 1,
  })
  offset += writeNfnetlinkMessage(memory, offset, SIZE, tableAttributes, {
    type: NfTablesMessage.DeleteTable,
    flags: MessageFlag.Request | MessageFlag.Acknowledge,
    sequence: 2,
    family,
    resourceId: 0,
    attributes: { name },
  })
  offset += writeNfnetlinkMessage(memory, offset, SIZE, batchAttributes, {
    ...edge,
    type: BatchMessage.End,
    sequence: 3,
  })
  return memory.copy(0, offset)
}

function errnoIn(memory: Memory, offset: number, length: number): number {
  const messages = new MessageIterator().wrap(memory, offset, length)
  while (messages.next()) {
    const { type, offset: at } = messages.view
    const error = type === ControlType.Error ? (memory.i32[(at + ERROR_OFFSET) >> 2] ?? 0) : 0
    if (error !== 0) return -error
  }
  return 0
}

function reasonOf(errno: number): string {
  switch (errno) {
    case Errno.EPERM:
      return 'it belongs to a running program, with which it ends; or CAP_NET_ADMIN is missing (EPERM)'
    case Errno.ENOENT:
      return 'there is no table of that name (ENOENT)'
    default:
      return errnoName(errno)
  }
}
