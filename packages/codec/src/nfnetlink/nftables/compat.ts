/**
 * The xtables targets and matches as expressions of nf_tables rules (uapi/linux/netfilter/nf_tables_compat.h), and the
 * contents of the two targets that feed a queue and a log group (xt_NFQUEUE.h, xt_NFLOG.h), for kernels without a
 * `queue` expression. The contents of a target are a C struct in host byte order, padded to eight bytes (XT_ALIGN).
 *
 *  NFQUEUE, revision 3:  u16 number | u16 total | u16 flags | 2 bytes of padding
 *  NFLOG, revision 0:    u32 copy range | u16 group | u16 threshold | u16 flags | 2 unused | prefix, 64 bytes, ends with 0
 *
 * A kernel accepts only the exact length (EINVAL). On Linux 6.18, NFQUEUE revision 3 exists for the families ip, ip6
 * and inet except hook ingress (EOPNOTSUPP), and not for bridge (ENOENT), arp (EINVAL) and netdev (EOPNOTSUPP). NFLOG
 * exists only for ip and ip6; the expression `log` does the same for every family.
 */

import { DecodeError } from '../../errors.ts'
import { be32, bytes, text } from '../../schema/describe.ts'
import { type AttributeValues, attributeSet } from '../../schema/format.ts'
import { checkInteger, outOfRange } from '../../value.ts'
import { Memory } from '../../wire/memory.ts'
import { encodeText, readText } from '../../wire/text.ts'

/** `nlmsg_type` of the message that asks for targets and matches: NFNL_SUBSYS_NFT_COMPAT in the upper byte. */
export const CompatMessage = {
  /** NFNL_MSG_COMPAT_GET: asks whether the kernel has a target or match, and for its latest revision */
  Get: 0x0b00,
} as const
export type CompatMessage = (typeof CompatMessage)[keyof typeof CompatMessage]

/** The kind of extension that a Get message asks for (NFTA_COMPAT_TYPE). */
export const CompatType = {
  /** 0: a match */
  Match: 0,
  /** 1: a target */
  Target: 1,
} as const
export type CompatType = (typeof CompatType)[keyof typeof CompatType]

/** A property of the attribute `flags` of target NFLOG. */
export const LogTargetFlag = {
  /** XT_NFLOG_F_COPY_LEN: the copy range applies */
  CopyRange: 0x1,
} as const
export type LogTargetFlag = (typeof LogTargetFlag)[keyof typeof LogTargetFlag]

/** The longest name of a target or match, in bytes (`NFT_COMPAT_NAME_MAX` less the zero byte). */
const MAXIMUM_NAME = 31
/** The longest prefix of target NFLOG, in bytes. */
export const MAXIMUM_LOG_TARGET_PREFIX = 63

/** NFTA_COMPAT_*: a Get message and its answer. */
export const compatAttributes = attributeSet('NFTA_COMPAT', {
  name: text(1, 'NFTA_COMPAT_NAME', MAXIMUM_NAME),
  /** in a request the requested revision; in the answer the latest one */
  revision: be32(2, 'NFTA_COMPAT_REV'),
  /** of `CompatType` */
  type: be32(3, 'NFTA_COMPAT_TYPE'),
})
/** A Get message as owned values. */
export type Compat = AttributeValues<typeof compatAttributes>

/** NFTA_TARGET_*: expression `target`. */
export const targetAttributes = attributeSet('NFTA_TARGET', {
  /** `NFQUEUE`, `NFLOG` */
  name: text(1, 'NFTA_TARGET_NAME', MAXIMUM_NAME),
  revision: be32(2, 'NFTA_TARGET_REV'),
  /** of {@link queueTargetInformation}, {@link logTargetInformation} */
  information: bytes(3, 'NFTA_TARGET_INFO'),
})

/** NFTA_MATCH_*: expression `match`. */
export const matchAttributes = attributeSet('NFTA_MATCH', {
  name: text(1, 'NFTA_MATCH_NAME', MAXIMUM_NAME),
  revision: be32(2, 'NFTA_MATCH_REV'),
  information: bytes(3, 'NFTA_MATCH_INFO'),
})

/** The revision of target NFQUEUE that {@link queueTargetInformation} writes: the first with flags. */
export const QUEUE_TARGET_REVISION = 3
/** The revision of target NFLOG that {@link logTargetInformation} writes. */
export const LOG_TARGET_REVISION = 0

const QUEUE_NUMBER = 0
const QUEUE_TOTAL = QUEUE_NUMBER + 2
const QUEUE_FLAGS = QUEUE_TOTAL + 2
const QUEUE_LENGTH = QUEUE_FLAGS + 2
const QUEUE_ALIGNED_LENGTH = 8

const LOG_COPY_RANGE = 0
const LOG_GROUP = LOG_COPY_RANGE + 4
const LOG_THRESHOLD = LOG_GROUP + 2
const LOG_FLAGS = LOG_THRESHOLD + 2
const LOG_PREFIX = LOG_FLAGS + 4
const LOG_LENGTH = LOG_PREFIX + MAXIMUM_LOG_TARGET_PREFIX + 1
const LOG_ALIGNED_LENGTH = 80

/** The contents of target NFQUEUE (`struct xt_NFQ_info_v3`). */
export interface QueueTarget {
  /** the first queue */
  number: number
  /** how many queues */
  total: number
  /** bits of `RuleQueueFlag` */
  flags: number
}

/** The contents of target NFLOG (`struct xt_nflog_info`). */
export interface LogTarget {
  group: number
  /** bytes of a packet that are logged; `undefined`: all */
  copyRange: number | undefined
  /** packets that the kernel collects before it delivers them; 0: the group's value applies */
  threshold: number
  prefix: string
}

/** The `information` of target NFQUEUE. Throws `EncodeError` with the name of the value that does not fit. */
export function queueTargetInformation({ number, total, flags }: QueueTarget): Uint8Array {
  const memory = new Memory(QUEUE_ALIGNED_LENGTH)
  writeHalf(memory, QUEUE_NUMBER, number, 'NFQUEUE queuenum')
  writeHalf(memory, QUEUE_TOTAL, total, 'NFQUEUE queues_total')
  writeHalf(memory, QUEUE_FLAGS, flags, 'NFQUEUE flags')
  return memory.u8
}

/** Reads the `information` of target NFQUEUE, revision 3. Throws `DecodeError` when it is too short. */
export function readQueueTarget(information: Uint8Array): QueueTarget {
  const memory = informationMemory(information, 'NFQUEUE information', QUEUE_LENGTH)
  return {
    number: memory.u16[QUEUE_NUMBER >> 1] as number,
    total: memory.u16[QUEUE_TOTAL >> 1] as number,
    flags: memory.u16[QUEUE_FLAGS >> 1] as number,
  }
}

/** The `information` of target NFLOG. Throws `EncodeError` with the name of the value that does not fit. */
export function logTargetInformation({ group, copyRange, threshold, prefix }: LogTarget): Uint8Array {
  const memory = new Memory(LOG_ALIGNED_LENGTH)
  memory.u32[LOG_COPY_RANGE >> 2] = checkInteger('NFLOG len', copyRange ?? 0, 0, 0xffff_ffff)
  writeHalf(memory, LOG_GROUP, group, 'NFLOG group')
  writeHalf(memory, LOG_THRESHOLD, threshold, 'NFLOG threshold')
  writeHalf(memory, LOG_FLAGS, copyRange === undefined ? 0 : LogTargetFlag.CopyRange, 'NFLOG flags')
  const encoded = encodeText(prefix, 'NFLOG prefix')
  if (encoded.length > MAXIMUM_LOG_TARGET_PREFIX || encoded.includes(0)) {
    throw outOfRange('NFLOG prefix', `at most ${MAXIMUM_LOG_TARGET_PREFIX} bytes without a zero byte`, prefix)
  }
  memory.u8.set(encoded, LOG_PREFIX)
  return memory.u8
}

/** Reads the `information` of target NFLOG, revision 0. Throws `DecodeError` when it is too short. */
export function readLogTarget(information: Uint8Array): LogTarget {
  const memory = informationMemory(information, 'NFLOG information', LOG_LENGTH)
  const ranged = ((memory.u16[LOG_FLAGS >> 1] as number) & LogTargetFlag.CopyRange) !== 0
  return {
    group: memory.u16[LOG_GROUP >> 1] as number,
    copyRange: ranged ? memory.u32[LOG_COPY_RANGE >> 2] : undefined,
    threshold: memory.u16[LOG_THRESHOLD >> 1] as number,
    prefix: readText(memory, LOG_PREFIX, MAXIMUM_LOG_TARGET_PREFIX + 1),
  }
}

function informationMemory(information: Uint8Array, what: string, need: number): Memory {
  if (information.length < need) {
    throw new DecodeError('ATTRIBUTE_SIZE', what, { offset: 0, need, have: information.length })
  }
  return Memory.from(information)
}

function writeHalf(memory: Memory, offset: number, value: number, what: string): void {
  memory.u16[offset >> 1] = checkInteger(what, value, 0, 0xffff)
}
