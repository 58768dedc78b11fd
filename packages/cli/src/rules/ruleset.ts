/** The tables of this network namespace: what is in them, and how one is removed. */
import {
  BatchMessage,
  batchAttributes,
  ControlType,
  Errno,
  errnoName,
  Family,
  Memory,
  MessageFlag,
  MessageIterator,
  NfTablesMessage,
  Protocol,
  Subsystem,
  tableAttributes,
  writeNfnetlinkMessage,
} from '@ringlink/codec'
import { listTables, openSocket, Session, type TableContents, type Transport } from 'ringlink'

const familyNumbers: ReadonlyMap<string, number> = new Map([
  ['ip', Family.Ipv4],
  ['ip6', Family.Ipv6],
  ['inet', Family.Inet],
  ['arp', Family.Arp],
  ['bridge', Family.Bridge],
  ['netdev', Family.NetworkDevice],
])
const SIZE = 4096
const PATIENCE = 5000
const ERROR_OFFSET = 16

/** Lists tables whose name and family `wants`. Rejects as a dump does. */
export async function readTables(wants: (name: string, family: string) => boolean): Promise<TableContents[]> {
  await using session = new Session(await openNetfilter())
  return await listTables(session, wants)
}

function openNetfilter(): Promise<Transport> {
  return openSocket({ protocol: Protocol.Netfilter, frameSize: 32_768, outboxSize: 16_384 })
}

/** Removes a table with all its contents. Rejects with an explanation of the kernel's error. */
export async function removeTable(name: string, family: string): Promise<void> {
  const number = familyNumbers.get(family)
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
