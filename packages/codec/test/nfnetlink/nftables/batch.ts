/** Batches of nf_tables messages for tests, and the expressions that several tests use. */
import {
  type AttributeSet,
  type AttributeValues,
  align4,
  BatchMessage,
  batchAttributes,
  ConntrackKey,
  type Expression,
  Family,
  type Memory,
  MessageFlag,
  MetaKey,
  NewFlag,
  PayloadBase,
  Protocol,
  type QueueTarget,
  queueTargetInformation,
  Register,
  Subsystem,
  writeNfnetlinkMessage,
} from '../../../src/index.ts'
import { describeMessage } from '../../../src/messages.ts'
import { QUEUE_TARGET_REVISION } from '../../../src/nfnetlink/nftables/compat.ts'

export interface BatchPart {
  readonly type: number
  /** in addition to Request */
  readonly flags?: number
  readonly family?: number
  readonly attributes: AttributeValues<AttributeSet>
}

const CREATE: number = NewFlag.Create
export const APPEND: number = NewFlag.Create | NewFlag.Append

/** Writes Begin, the parts and End, numbered from `sequence`; returns the length. */
export function writeBatch(
  memory: Memory,
  offset: number,
  limit: number,
  parts: readonly BatchPart[],
  { sequence = 0, generation }: { sequence?: number; generation?: number } = {},
): number {
  let position = offset
  let next = sequence
  const write = (type: number, flags: number, family: number, resourceId: number, attributes: object) => {
    const set = describeMessage(Protocol.Netfilter, type)?.attributes ?? batchAttributes
    const message = { type, flags: MessageFlag.Request | flags, sequence: next++, family, resourceId, attributes }
    position += align4(writeNfnetlinkMessage(memory, position, limit, set, message))
  }
  write(BatchMessage.Begin, 0, 0, Subsystem.NfTables, generation === undefined ? {} : { generation })
  for (const { type, flags = CREATE, family = Family.Ipv4, attributes } of parts) {
    write(type, flags, family, 0, attributes)
  }
  write(BatchMessage.End, 0, 0, Subsystem.NfTables, {})
  return position - offset
}

const equal = (...value: number[]): Expression => ({
  name: 'cmp',
  data: { sourceRegister: Register.Wide1, operation: 0, data: { value: Uint8Array.from(value) } },
})

/** UDP to `port`, as nft and iptables match it. */
export const udpTo = (port: number): Expression[] => [
  { name: 'meta', data: { key: MetaKey.TransportProtocol, destinationRegister: Register.Wide1 } },
  equal(17),
  {
    name: 'payload',
    data: { destinationRegister: Register.Wide1, base: PayloadBase.Transport, offset: 2, length: 2 },
  },
  equal(port >> 8, port & 0xff),
]

/** A packet mark; marks are in host order, here that of the little-endian machines that the vectors are from. */
export const marked = (mark: number): Expression[] => [
  { name: 'meta', data: { key: MetaKey.Mark, destinationRegister: Register.Wide1 } },
  equal(mark, 0, 0, 0),
]

/** One of the connection's states in `bits`, which is at most 255. */
export const inState = (bits: number): Expression[] => [
  { name: 'ct', data: { key: ConntrackKey.State, destinationRegister: Register.Wide1 } },
  {
    name: 'bitwise',
    data: {
      sourceRegister: Register.Wide1,
      destinationRegister: Register.Wide1,
      length: 4,
      operation: 0,
      mask: { value: Uint8Array.of(bits, 0, 0, 0) },
      xor: { value: new Uint8Array(4) },
    },
  },
  {
    name: 'cmp',
    data: { sourceRegister: Register.Wide1, operation: 1, data: { value: new Uint8Array(4) } },
  },
]

export const verdict = (code: number): Expression => ({
  name: 'immediate',
  data: { destinationRegister: Register.Verdict, data: { verdict: { code } } },
})

/** The xtables target NFQUEUE. */
export const queueTarget = (target: QueueTarget): Expression => ({
  name: 'target',
  data: { name: 'NFQUEUE', revision: QUEUE_TARGET_REVISION, information: queueTargetInformation(target) },
})
