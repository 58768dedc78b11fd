import { ATTRIBUTE_HEADER_LENGTH, AttributeBit, align4, Errno, type Memory } from '@ringlink/codec'
import type { KernelRequest } from './request.ts'

/** What a subsystem accepts as one attribute. `bytes` is a struct: the least length counts, and nothing is told of it in errors. */
export type AttributePolicy =
  | { readonly kind: 'bytes'; readonly minimum: number }
  | { readonly kind: 'u16' | 'u32' | 'nested' }

/** The policies of a message, by attribute number; an attribute without one is taken as it is. */
export type MessagePolicy = readonly (AttributePolicy | undefined)[]

const minimumOf = { u16: 2, u32: 4 }

/** Where the attributes of a request are. Made once per subsystem, filled anew for each message. */
export class AttributeTable {
  /** payload offset by attribute number; 0: not there */
  readonly offsets: Int32Array
  readonly lengths: Int32Array
  memory: Memory | undefined

  /** @param maximum the highest attribute number that the message knows */
  constructor(maximum: number) {
    this.offsets = new Int32Array(maximum + 1)
    this.lengths = new Int32Array(maximum + 1)
  }

  has(number: number): boolean {
    return (this.offsets[number] as number) !== 0
  }

  at(number: number): number {
    return this.offsets[number] as number
  }

  length(number: number): number {
    return this.lengths[number] as number
  }

  be32(number: number): number {
    return (this.memory as Memory).data.getUint32(this.at(number))
  }

  be16(number: number): number {
    return (this.memory as Memory).data.getUint16(this.at(number))
  }

  /**
   * Finds the attributes of `request` from `start` on, as leniently as the kernel does for families of netfilter's age: too
   * long is fine, unknown is fine, of several the last counts, a malformed tail is only remarked upon. 0, or -ERANGE.
   */
  parse(request: KernelRequest, start: number, policy: MessagePolicy): number {
    const { memory, details } = request
    const end = request.offset + request.length
    this.memory = memory
    this.offsets.fill(0)
    let position = request.offset + start
    while (end - position >= ATTRIBUTE_HEADER_LENGTH) {
      const length = memory.u16[position >> 1] as number
      if (length < ATTRIBUTE_HEADER_LENGTH || length > end - position) break
      const number = (memory.u16[(position >> 1) + 1] as number) & AttributeBit.TypeMask
      if (number > 0 && number < this.offsets.length) {
        const payload = length - ATTRIBUTE_HEADER_LENGTH
        const wanted = policy[number]
        if (wanted !== undefined && !accepts(wanted, payload)) {
          details.message = 'Attribute failed policy validation'
          details.badAttribute = position - request.offset
          details.policy = wanted.kind === 'bytes' ? undefined : wanted
          return -Errno.ERANGE
        }
        this.offsets[number] = position + ATTRIBUTE_HEADER_LENGTH
        this.lengths[number] = payload
      }
      position += align4(length)
    }
    if (position < end) details.message = 'bytes leftover after parsing attributes'
    return 0
  }
}

function accepts(policy: AttributePolicy, length: number): boolean {
  switch (policy.kind) {
    case 'bytes':
      return length >= policy.minimum
    case 'nested':
      return length === 0 || length >= ATTRIBUTE_HEADER_LENGTH
    default:
      return length >= minimumOf[policy.kind]
  }
}
