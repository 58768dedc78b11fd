/** Questions to the kernel that change nothing, and its answers as errno. */
import {
  BatchMessage,
  batchAttributes,
  ControlType,
  chainAttributes,
  type Expression,
  Family,
  generationAttributes,
  LogCommand,
  LogMessage,
  logConfigAttributes,
  Memory,
  MessageFlag,
  MessageIterator,
  NewFlag,
  NfTablesMessage,
  Protocol,
  QueueCommand,
  QueueFlag,
  QueueMessage,
  queueConfigAttributes,
  ruleAttributes,
  Subsystem,
  TableFlag,
  tableAttributes,
  writeNfnetlinkMessage,
} from '@ringlink/codec'
import { openSocket, type Transport } from 'ringlink'

/** Milliseconds; the kernel answers before the send returns. */
const PATIENCE = 1000
const SIZE = 4096
/** The error code (negative) after the netlink header. */
const ERROR_OFFSET = 16
/** IPCTNL_MSG_CT_GET_STATS (uapi/linux/netfilter/nfnetlink_conntrack.h) */
const GET_CONNTRACK_STATISTICS = (1 << 8) | 5
/** A queue and a group that are hardly anybody's; nothing is bound to them. */
const UNLIKELY_NUMBER = 65_533

export type Question =
  | 'queue'
  | 'log'
  | 'conntrack'
  | 'nftables'
  | 'glue'
  | 'table'
  | 'owner'
  | 'queueExpression'
  | 'logExpression'

/** errno of each answer, 0 for none; undefined: no answer came. */
export type Answers = Readonly<Record<Question, number | undefined>>

/** Asks all questions. Rejects as opening a socket does. */
export async function askKernel(): Promise<Answers> {
  await using transport = await openSocket({ protocol: Protocol.Netfilter, frameSize: 8192, outboxSize: 65_536 })
  const ask = (write: (memory: Memory) => number) => question(transport, write)
  return {
    queue: ask((memory) =>
      queueConfig(memory, { command: { command: QueueCommand.FamilyUnbind, family: Family.Ipv4 } }),
    ),
    // Unknown commands are refused by the log with a code of its own (ENOTSUPP, 524): so it is there.
    log: ask(logConfig),
    conntrack: ask((memory) => plain(memory, GET_CONNTRACK_STATISTICS)),
    nftables: ask((memory) => plain(memory, NfTablesMessage.GetGeneration)),
    // Judged before the queue is looked for, so a queue that nobody has answers ENODEV where the flag is known.
    glue: ask((memory) => queueConfig(memory, { mask: QueueFlag.Conntrack, flags: QueueFlag.Conntrack })),
    table: ask((memory) => rulesBatch(memory, 0, [])),
    owner: ask((memory) => rulesBatch(memory, TableFlag.Owner, [])),
    queueExpression: ask((memory) =>
      rulesBatch(memory, 0, [{ name: 'queue', data: { number: 0, total: 1, flags: 0 } }]),
    ),
    logExpression: ask((memory) => rulesBatch(memory, 0, [{ name: 'log', data: { group: 0 } }])),
  }
}

function question(transport: Transport, write: (memory: Memory) => number): number | undefined {
  const memory = new Memory(SIZE)
  const length = write(memory)
  const { outbox } = transport
  outbox.memory.u8.set(memory.u8.subarray(0, length), outbox.reserve(length))
  outbox.commit(length)
  outbox.flush()
  const batch = transport.poll(PATIENCE)
  if (batch === undefined) return undefined
  try {
    return firstErrno(batch.memory, batch.offset(0), batch.byteLength(0)) ?? errnoOf(transport)
  } finally {
    batch.release()
    discard(transport)
  }
}

/** errno of the first error among the messages, else 0 if any of them is an answer. */
function firstErrno(memory: Memory, offset: number, length: number): number | undefined {
  const messages = new MessageIterator().wrap(memory, offset, length)
  let found: number | undefined
  while (messages.next()) {
    const { type, offset: at } = messages.view
    const error = type === ControlType.Error ? (memory.i32[(at + ERROR_OFFSET) >> 2] ?? 0) : 0
    if (error !== 0) return -error
    found = 0
  }
  return found
}

function errnoOf(transport: Transport): number | undefined {
  const batch = transport.poll(0)
  if (batch === undefined) return undefined
  try {
    return firstErrno(batch.memory, batch.offset(0), batch.byteLength(0))
  } finally {
    batch.release()
  }
}

/** The rest of the answers belongs to this question. */
function discard(transport: Transport): void {
  for (let batch = transport.poll(0); batch !== undefined; batch = transport.poll(0)) batch.release()
}

const FLAGS = MessageFlag.Request | MessageFlag.Acknowledge

function plain(memory: Memory, type: number): number {
  return writeNfnetlinkMessage(memory, 0, SIZE, generationAttributes, {
    type,
    flags: MessageFlag.Request,
    sequence: 1,
    resourceId: 0,
    attributes: {},
  })
}

type QueueAttributes = Parameters<typeof writeNfnetlinkMessage<typeof queueConfigAttributes>>[4]['attributes']

function queueConfig(memory: Memory, attributes: QueueAttributes): number {
  return writeNfnetlinkMessage(memory, 0, SIZE, queueConfigAttributes, {
    type: QueueMessage.Config,
    flags: FLAGS,
    sequence: 1,
    resourceId: UNLIKELY_NUMBER,
    attributes,
  })
}

function logConfig(memory: Memory): number {
  return writeNfnetlinkMessage(memory, 0, SIZE, logConfigAttributes, {
    type: LogMessage.Config,
    flags: FLAGS,
    sequence: 1,
    resourceId: UNLIKELY_NUMBER,
    attributes: { command: { command: LogCommand.None } },
  })
}

/**
 * A batch that makes a table, a chain without a hook, and a rule with these expressions. It has no End: the kernel
 * judges every message and then takes all of it back (nfnetlink_rcv_batch in net/netfilter/nfnetlink.c).
 */
function rulesBatch(memory: Memory, tableFlags: number, expressions: Expression[]): number {
  const table = `ringlink-doctor-${process.pid}`
  let offset = writeNfnetlinkMessage(memory, 0, SIZE, batchAttributes, {
    type: BatchMessage.Begin,
    flags: MessageFlag.Request,
    sequence: 1,
    resourceId: Subsystem.NfTables,
    attributes: {},
  })
  const create = MessageFlag.Request | NewFlag.Create
  const family = Family.Inet
  const isLast = expressions.length === 0
  offset += writeNfnetlinkMessage(memory, offset, SIZE, tableAttributes, {
    type: NfTablesMessage.NewTable,
    flags: isLast ? create | MessageFlag.Acknowledge : create,
    sequence: 2,
    family,
    resourceId: 0,
    attributes: { name: table, flags: tableFlags },
  })
  if (isLast) return offset
  offset += writeNfnetlinkMessage(memory, offset, SIZE, chainAttributes, {
    type: NfTablesMessage.NewChain,
    flags: create,
    sequence: 3,
    family,
    resourceId: 0,
    attributes: { table, name: 'probe' },
  })
  offset += writeNfnetlinkMessage(memory, offset, SIZE, ruleAttributes, {
    type: NfTablesMessage.NewRule,
    flags: create | MessageFlag.Acknowledge,
    sequence: 4,
    family,
    resourceId: 0,
    attributes: { table, chain: 'probe', expressions },
  })
  return offset
}
