/**
 * Verdicts: NFQNL_MSG_VERDICT on one packet, NFQNL_MSG_VERDICT_BATCH on all that are queued up to an id.
 *
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +---------------------------------------------------------------+
 *  |  nlmsghdr, 16 bytes: type 0x0301, sequence = id of the packet |
 *  +---------------+---------------+-------------------------------+
 *  |    family 0   |   version 0   |    number of the queue (be)   |
 *  +---------------+---------------+-------------------------------+
 *  |           length 12           |      NFQA_VERDICT_HDR (2)     |
 *  +-------------------------------+-------------------------------+
 *  |                      verdict (big endian)                     |
 *  +---------------------------------------------------------------+
 *  |                        id (big endian)                        |
 *  +---------------------------------------------------------------+
 *
 * The sequence number repeats the id, so that an error identifies its packet even if the kernel repeats only the
 * header.
 */
import { checkInteger } from '../../value.ts'
import { ATTRIBUTE_HEADER_LENGTH } from '../../wire/attribute.ts'
import { networkOrder32 } from '../../wire/endian.ts'
import { align4, Memory } from '../../wire/memory.ts'
import { MessageFlag } from '../../wire/message.ts'
import { writeNfnetlinkMessage } from '../header.ts'
import { type QueueAttributes, type QueueMessage, queueAttributes } from './attributes.ts'

/** Length in bytes of a verdict without changes. */
export const VERDICT_LENGTH = 32
/** Length in bytes of a verdict that sets the packet's mark: NFQA_MARK follows. */
export const MARKED_VERDICT_LENGTH = 40
/** Length in bytes of the longest payload of a verdict: `nla_len` has 16 bits. */
export const LONGEST_PAYLOAD = 0xffff - ATTRIBUTE_HEADER_LENGTH
const PAYLOAD = queueAttributes.members.payload.number

/**
 * Verdicts on a packet (uapi/linux/netfilter.h). NF_STOLEN is missing because the kernel refuses it from user space.
 */
export const Verdict = {
  /** NF_DROP */
  Drop: 0,
  /** NF_ACCEPT: continue with the hook's next chain */
  Accept: 1,
  /** NF_QUEUE, to queue 0; {@link queueVerdict} for others */
  Queue: 3,
  /** NF_REPEAT: through the same hook again */
  Repeat: 4,
  /** NF_STOP: deprecated by the kernel in favour of Accept */
  Stop: 5,
} as const
export type Verdict = (typeof Verdict)[keyof typeof Verdict]

/** NF_VERDICT_FLAG_QUEUE_BYPASS: accept if that queue has no listener. */
const QUEUE_BYPASS = 0x8000

/** NF_QUEUE_NR: the verdict that moves a packet to another queue, 0 to 65535. Throws code `VALUE_RANGE`. */
export function queueVerdict(queueNumber: number, bypass = false): number {
  checkInteger('queue number', queueNumber, 0, 0xffff)
  return ((queueNumber << 16) | Verdict.Queue | (bypass ? QUEUE_BYPASS : 0)) >>> 0
}

/**
 * NF_DROP_ERR: the verdict that drops a packet with `errno` (positive) as the reason. A hook of the kernel reports it
 * to a local sender. From user space it only drops, because the sender's call returned when the packet was queued.
 * Throws code `VALUE_RANGE` for more than 65535.
 */
export function dropVerdict(errno: number): number {
  checkInteger('errno', errno, 0, 0xffff)
  return ((-errno << 16) | Verdict.Drop) >>> 0
}

/** Writes verdicts of one queue from a pre-filled message: only the verdict, the id and the sequence number change. */
export class VerdictTemplate {
  // Not #private: all are read for each verdict (docs/decisions/private-members.md).
  private readonly length: number
  private readonly typeAndFlags: number
  private readonly familyAndQueue: number
  private readonly attribute: number
  private readonly markAttribute: number

  /** @param type `QueueMessage.Verdict`, or `QueueMessage.VerdictBatch`, whose id is the last one that it covers */
  constructor(queueNumber: number, type: typeof QueueMessage.Verdict | typeof QueueMessage.VerdictBatch) {
    const memory = new Memory(MARKED_VERDICT_LENGTH)
    writeVerdict(memory, 0, MARKED_VERDICT_LENGTH, type, queueNumber, { verdict: 0, id: 0 }, { mark: 0 })
    this.length = VERDICT_LENGTH
    this.typeAndFlags = memory.u32[1] as number
    this.familyAndQueue = memory.u32[4] as number
    this.attribute = memory.u32[5] as number
    this.markAttribute = memory.u32[8] as number
  }

  /** Writes {@link VERDICT_LENGTH} bytes at `offset`, a multiple of four. The caller checks bounds. */
  write(memory: Memory, offset: number, id: number, verdict: number): void {
    const { u32 } = memory
    const word = offset >> 2
    u32[word] = this.length
    u32[word + 1] = this.typeAndFlags
    u32[word + 2] = id
    u32[word + 3] = 0
    u32[word + 4] = this.familyAndQueue
    u32[word + 5] = this.attribute
    u32[word + 6] = networkOrder32(verdict)
    u32[word + 7] = networkOrder32(id)
  }

  /** As {@link write}, with a mark: {@link MARKED_VERDICT_LENGTH} bytes. */
  writeMarked(memory: Memory, offset: number, id: number, verdict: number, mark: number): void {
    this.write(memory, offset, id, verdict)
    const word = offset >> 2
    memory.u32[word] = MARKED_VERDICT_LENGTH
    memory.u32[word + 8] = this.markAttribute
    memory.u32[word + 9] = networkOrder32(mark)
  }

  /**
   * Adds a payload (NFQA_PAYLOAD) to the message at `offset` that one of the others wrote, and returns its length in
   * bytes. The caller checks bounds; a payload has at most {@link LONGEST_PAYLOAD} bytes.
   */
  addPayload(memory: Memory, offset: number, payload: Uint8Array): number {
    const start = offset + (memory.u32[offset >> 2] as number)
    const length = ATTRIBUTE_HEADER_LENGTH + payload.length
    const end = start + align4(length)
    // The bytes that pad the last word.
    memory.u32[(end >> 2) - 1] = 0
    memory.u16[start >> 1] = length
    memory.u16[(start >> 1) + 1] = PAYLOAD
    memory.u8.set(payload, start + ATTRIBUTE_HEADER_LENGTH)
    memory.u32[offset >> 2] = end - offset
    return end - offset
  }
}

/** The changes that a verdict may make to its packet. Properties left out stay as they are. */
export type VerdictChanges = Pick<
  QueueAttributes,
  'mark' | 'priority' | 'payload' | 'conntrack' | 'expectation' | 'vlan' | 'linkLayerHeader'
>

/** A batch verdict may change only the mark and the priority. */
export type VerdictBatchChanges = Pick<QueueAttributes, 'mark' | 'priority'>

/** Writes a verdict with changes at `offset` and returns its length in bytes. Throws `EncodeError`. */
export function writeVerdict(
  memory: Memory,
  offset: number,
  limit: number,
  type: typeof QueueMessage.Verdict | typeof QueueMessage.VerdictBatch,
  queueNumber: number,
  verdictHeader: { verdict: number; id: number },
  changes: VerdictChanges = {},
): number {
  return writeNfnetlinkMessage(memory, offset, limit, queueAttributes, {
    type,
    flags: MessageFlag.Request,
    sequence: verdictHeader.id,
    resourceId: queueNumber,
    attributes: { verdictHeader, ...changes },
  })
}
