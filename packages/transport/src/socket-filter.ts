/**
 * Socket filters: programs of classic BPF (uapi/linux/filter.h, uapi/linux/bpf_common.h) that the kernel runs on each
 * message for a socket before it queues it, so that unwanted ones never wake the program. The same program is run here
 * by {@link runFilter}, for a simulated kernel.
 *
 * A program sees one datagram from its nlmsghdr on. Loads are in network byte order; netlink's own headers are in host
 * order.
 */
import type { Memory } from '@ringlink/codec/memory'

/** One instruction (`struct sock_filter`). */
export interface FilterInstruction {
  /** `FilterOperation` */
  readonly code: number
  /** instructions to skip when a comparison holds */
  readonly ifTrue: number
  /** instructions to skip when it does not */
  readonly ifFalse: number
  /** the operand */
  readonly k: number
}

/** A program: 1 to 4096 instructions, of which the last one returns. */
export type SocketFilter = readonly FilterInstruction[]

/** Operations, of those that filters of netlink messages need. `A` is the accumulator, `X` the index register. */
export const FilterOperation = {
  /** BPF_LD | BPF_W | BPF_ABS: A = the word at k; or an extension, see {@link FilterExtension} */
  LoadWord: 0x20,
  /** BPF_LD | BPF_H | BPF_ABS: A = the half word at k */
  LoadHalfWord: 0x28,
  /** BPF_LD | BPF_B | BPF_ABS: A = the byte at k */
  LoadByte: 0x30,
  /** BPF_LD | BPF_W | BPF_IND: A = the word at X + k */
  LoadWordAtIndex: 0x40,
  /** BPF_LD | BPF_H | BPF_IND: A = the half word at X + k */
  LoadHalfWordAtIndex: 0x48,
  /** BPF_LD | BPF_B | BPF_IND: A = the byte at X + k */
  LoadByteAtIndex: 0x50,
  /** BPF_LD | BPF_IMM: A = k */
  LoadConstant: 0x00,
  /** BPF_LDX | BPF_IMM: X = k */
  LoadIndex: 0x01,
  /** BPF_ALU | BPF_AND | BPF_K: A &= k */
  And: 0x54,
  /** BPF_MISC | BPF_TAX: X = A */
  MoveToIndex: 0x07,
  /** BPF_JMP | BPF_JA: skip k instructions */
  Jump: 0x05,
  /** BPF_JMP | BPF_JEQ | BPF_K: A == k */
  JumpIfEqual: 0x15,
  /** BPF_JMP | BPF_JGT | BPF_K: A > k */
  JumpIfGreater: 0x25,
  /** BPF_JMP | BPF_JGE | BPF_K: A >= k */
  JumpIfGreaterOrEqual: 0x35,
  /** BPF_RET | BPF_K: k bytes of the message are kept; 0: the message is dropped */
  Return: 0x06,
} as const
export type FilterOperation = (typeof FilterOperation)[keyof typeof FilterOperation]

/** Values of k at which LoadWord asks the kernel (SKF_AD_OFF + SKF_AD_*). */
export const FilterExtension = {
  /** SKF_AD_NLATTR: A = where the first attribute of type X is, from A on; 0: there is none */
  Attribute: 0xfffff000 + 12,
  /** SKF_AD_NLATTR_NEST: A = where the first attribute of type X is within the attribute at A; 0: there is none */
  NestedAttribute: 0xfffff000 + 16,
} as const
export type FilterExtension = (typeof FilterExtension)[keyof typeof FilterExtension]

/** The largest program (BPF_MAXINSNS). */
export const MAXIMUM_FILTER_LENGTH = 4096
const INSTRUCTION_LENGTH = 8
const ATTRIBUTE_HEADER_LENGTH = 4
const ATTRIBUTE_TYPE_MASK = 0x3fff

/** The program as the kernel takes it: `struct sock_filter` after `struct sock_filter`, in host order. */
export function encodeFilter(program: SocketFilter): Uint8Array {
  const bytes = new Uint8Array(program.length * INSTRUCTION_LENGTH)
  const u16 = new Uint16Array(bytes.buffer)
  const u32 = new Uint32Array(bytes.buffer)
  for (const [index, { code, ifTrue, ifFalse, k }] of program.entries()) {
    u16[index * 4] = code
    bytes[index * INSTRUCTION_LENGTH + 2] = ifTrue
    bytes[index * INSTRUCTION_LENGTH + 3] = ifFalse
    u32[index * 2 + 1] = k
  }
  return bytes
}

/**
 * Runs a program on the message at `offset`, as the kernel does: the bytes of it that are kept, 0 when it is dropped. A
 * load outside of the message ends the program with 0. Bounded: jumps lead forwards.
 */
export function runFilter(program: SocketFilter, memory: Memory, offset: number, length: number): number {
  const { data } = memory
  const { littleEndian } = host
  let a = 0
  let x = 0
  const inside = (at: number, size: number) => at >= 0 && at + size <= length
  const u16 = (at: number) => data.getUint16(offset + at, littleEndian)
  for (let at = 0; at < program.length; at++) {
    const { code, ifTrue, ifFalse, k } = program[at] as FilterInstruction
    switch (code) {
      case FilterOperation.LoadWord:
        if (k === FilterExtension.Attribute) a = findAttribute(u16, a, length, x)
        else if (k === FilterExtension.NestedAttribute) a = findNested(u16, a, length, x)
        else if (inside(k, 4)) a = data.getUint32(offset + k)
        else return 0
        break
      case FilterOperation.LoadHalfWord:
        if (!inside(k, 2)) return 0
        a = data.getUint16(offset + k)
        break
      case FilterOperation.LoadByte:
        if (!inside(k, 1)) return 0
        a = data.getUint8(offset + k)
        break
      case FilterOperation.LoadWordAtIndex:
        if (!inside(x + k, 4)) return 0
        a = data.getUint32(offset + x + k)
        break
      case FilterOperation.LoadHalfWordAtIndex:
        if (!inside(x + k, 2)) return 0
        a = data.getUint16(offset + x + k)
        break
      case FilterOperation.LoadByteAtIndex:
        if (!inside(x + k, 1)) return 0
        a = data.getUint8(offset + x + k)
        break
      case FilterOperation.LoadConstant:
        a = k
        break
      case FilterOperation.LoadIndex:
        x = k
        break
      case FilterOperation.And:
        a = (a & k) >>> 0
        break
      case FilterOperation.MoveToIndex:
        x = a
        break
      case FilterOperation.Jump:
        at += k
        break
      case FilterOperation.JumpIfEqual:
        at += a === k ? ifTrue : ifFalse
        break
      case FilterOperation.JumpIfGreater:
        at += a > k ? ifTrue : ifFalse
        break
      case FilterOperation.JumpIfGreaterOrEqual:
        at += a >= k ? ifTrue : ifFalse
        break
      case FilterOperation.Return:
        return k
      default:
        return 0
    }
  }
  return 0
}

const host = { littleEndian: new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 } as const

/** `nla_find`: the first whole attribute of `type` from `from` on; 0: there is none. */
function findAttribute(u16: (at: number) => number, from: number, end: number, type: number): number {
  // The kernel asks for room for one header in the message.
  if (from > end - ATTRIBUTE_HEADER_LENGTH) return 0
  for (let at = from; at <= end - ATTRIBUTE_HEADER_LENGTH; ) {
    const size = u16(at)
    if (size < ATTRIBUTE_HEADER_LENGTH || size > end - at) return 0
    if ((u16(at + 2) & ATTRIBUTE_TYPE_MASK) === type) return at
    at += (size + 3) & ~3
  }
  return 0
}

/** As {@link findAttribute}, within the attribute at `nest`. */
function findNested(u16: (at: number) => number, nest: number, end: number, type: number): number {
  if (nest > end - ATTRIBUTE_HEADER_LENGTH) return 0
  const size = u16(nest)
  if (size > end - nest) return 0
  return findAttribute(u16, nest + ATTRIBUTE_HEADER_LENGTH, nest + size, type)
}
