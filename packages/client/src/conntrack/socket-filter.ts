/**
 * The socket filter of a subscription to events: the program that the kernel runs on each event before it queues it.
 */
import { type ConntrackMessage, conntrackAttributes, Family, tupleAttributes } from '@ringlink/codec'
import { hostIsLittleEndian } from '@ringlink/codec/internal'
import type { Prefix } from '@ringlink/packet'
import { FilterExtension, type FilterInstruction, FilterOperation, type SocketFilter } from '@ringlink/transport'
import type { CompiledFilter, CompiledTuple, PortSpan } from './filter.ts'

/** The events that wake a program. */
export interface EventFilter extends CompiledFilter {
  /** `nlmsg_type` of the messages; none: any */
  readonly messageTypes?: readonly ConntrackMessage[] | undefined
}

const TYPE = 4
const FAMILY = 16
const ATTRIBUTES = 20
const HEADER = 4
const KEEP = 0xffffffff
const ADDRESS_WORD = 4

const CTA = conntrackAttributes.members
const TUPLE = tupleAttributes.members
const ADDRESS = { source: { 4: 1, 16: 3 }, destination: { 4: 2, 16: 4 } } as const
const PROTOCOL = { number: 1, sourcePort: 2, destinationPort: 3 } as const

/**
 * A program that keeps the events that the filter selects, or `undefined` if it selects all. The reader of the events
 * checks states, because their place depends on the protocol. The program keeps all events that it cannot decide.
 */
export function compileSocketFilter(filter: EventFilter): SocketFilter | undefined {
  const program = new Assembler()
  const { messageTypes = [], family, protocol, zone } = filter
  if (messageTypes.length > 0) {
    program.load(FilterOperation.LoadHalfWord, TYPE)
    program.keepIfAny(messageTypes.map(hostHalfWord))
  }
  if (family !== Family.Unspecified) {
    program.load(FilterOperation.LoadByte, FAMILY)
    program.keepIfAny([family])
  }
  if (filter.statusMask !== 0) {
    program.attribute([CTA.status.number])
    program.load(FilterOperation.LoadWordAtIndex, HEADER)
    program.keepMasked(filter.statusMask, filter.statusBits)
  }
  if (filter.markMask !== 0)
    program.optional(CTA.mark.number, FilterOperation.LoadWordAtIndex, filter.markMask, filter.markBits)
  if (zone !== undefined) program.optional(CTA.zone.number, FilterOperation.LoadHalfWordAtIndex, 0xffff, zone)
  if (protocol !== undefined) {
    program.attribute([CTA.original.number, TUPLE.protocol.number, PROTOCOL.number])
    program.load(FilterOperation.LoadByteAtIndex, HEADER)
    program.keepIfAny([protocol])
  }
  tuple(program, CTA.original.number, filter.original)
  tuple(program, CTA.reply.number, filter.reply)
  return program.finish()
}

function tuple(program: Assembler, direction: number, filter: CompiledTuple): void {
  const { source, destination, sourcePort, destinationPort } = filter
  if (source !== undefined) address(program, direction, 'source', source)
  if (destination !== undefined) address(program, direction, 'destination', destination)
  if (sourcePort !== undefined) port(program, direction, PROTOCOL.sourcePort, sourcePort)
  if (destinationPort !== undefined) port(program, direction, PROTOCOL.destinationPort, destinationPort)
}

function address(
  program: Assembler,
  direction: number,
  which: 'source' | 'destination',
  { bytes, mask }: Prefix,
): void {
  const length = bytes.length === 4 ? 4 : 16
  program.attribute([direction, TUPLE.address.number, ADDRESS[which][length]])
  const words = new DataView(bytes.buffer, bytes.byteOffset, length)
  const masks = new DataView(mask.buffer, mask.byteOffset, length)
  for (let at = 0; at < length && masks.getUint32(at) !== 0; at += ADDRESS_WORD) {
    program.load(FilterOperation.LoadWordAtIndex, HEADER + at)
    program.keepMasked(masks.getUint32(at), words.getUint32(at))
  }
}

function port(program: Assembler, direction: number, number: number, { from, to }: PortSpan): void {
  program.attribute([direction, TUPLE.protocol.number, number])
  program.load(FilterOperation.LoadHalfWordAtIndex, HEADER)
  program.keepWithin(from, to)
}

/** A 16-bit number of a netlink header, which is in host order, as a load in network order reads it. */
function hostHalfWord(value: number): number {
  return hostIsLittleEndian ? ((value & 0xff) << 8) | (value >> 8) : value
}

/** Where a jump leads: to the instruction that drops the message, or over instructions. */
type Target = 'drop' | number
type Draft = Omit<FilterInstruction, 'ifTrue' | 'ifFalse'> & { ifTrue: Target; ifFalse: Target }

/** Writes instructions; jumps to the end are filled in when that is known. */
class Assembler {
  readonly #drafts: Draft[] = []

  load(code: FilterOperation, k: number): void {
    this.#put(code, k)
  }

  /** X = offset of an attribute, by the numbers of the attributes around it and its own; drops a message without it. */
  attribute(path: readonly number[]): void {
    this.#find(path)
    this.#put(FilterOperation.JumpIfEqual, 0, 'drop', 0)
    this.#put(FilterOperation.MoveToIndex, 0)
  }

  /** Compares bits of a top-level attribute that the kernel omits if it is 0. */
  optional(number: number, load: FilterOperation, mask: number, bits: number): void {
    this.#find([number])
    // If it is absent A is 0, which is the value.
    this.#put(FilterOperation.JumpIfEqual, 0, 2, 0)
    this.#put(FilterOperation.MoveToIndex, 0)
    this.#put(load, HEADER)
    this.keepMasked(mask, bits)
  }

  keepMasked(mask: number, bits: number): void {
    if (mask !== 0xffffffff) this.#put(FilterOperation.And, mask >>> 0)
    this.#put(FilterOperation.JumpIfEqual, bits >>> 0, 0, 'drop')
  }

  keepIfAny(values: readonly number[]): void {
    const last = values.length - 1
    for (const [index, value] of values.entries())
      this.#put(FilterOperation.JumpIfEqual, value, last - index, index === last ? 'drop' : 0)
  }

  keepWithin(from: number, to: number): void {
    this.#put(FilterOperation.JumpIfGreaterOrEqual, from, 0, 'drop')
    this.#put(FilterOperation.JumpIfGreater, to, 'drop', 0)
  }

  /** The program; `undefined` when it keeps everything. */
  finish(): SocketFilter | undefined {
    if (this.#drafts.length === 0) return undefined
    const keep = this.#drafts.length
    const drop = keep + 1
    const program = this.#drafts.map((draft, index): FilterInstruction => {
      const resolve = (target: Target) => (target === 'drop' ? drop - index - 1 : target)
      return { ...draft, ifTrue: resolve(draft.ifTrue), ifFalse: resolve(draft.ifFalse) }
    })
    return [...program, returns(KEEP), returns(0)]
  }

  #find([outermost = 0, ...inner]: readonly number[]): void {
    this.#put(FilterOperation.LoadConstant, ATTRIBUTES)
    this.#put(FilterOperation.LoadIndex, outermost)
    this.#put(FilterOperation.LoadWord, FilterExtension.Attribute)
    for (const number of inner) {
      this.#put(FilterOperation.JumpIfEqual, 0, 'drop', 0)
      this.#put(FilterOperation.LoadIndex, number)
      this.#put(FilterOperation.LoadWord, FilterExtension.NestedAttribute)
    }
  }

  #put(code: FilterOperation, k: number, ifTrue: Target = 0, ifFalse: Target = 0): void {
    this.#drafts.push({ code, k, ifTrue, ifFalse })
  }
}

function returns(k: number): FilterInstruction {
  return { code: FilterOperation.Return, ifTrue: 0, ifFalse: 0, k }
}
