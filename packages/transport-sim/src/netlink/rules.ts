/**
 * The checks of attributes that later families of the kernel have: `nla_policy` with a type, bounds and nests, at one
 * of three levels of strictness (net/netlink/nlattr.c).
 */
import { ATTRIBUTE_HEADER_LENGTH, AttributeBit, align4, Errno, type Memory, PolicyType } from '@ringlink/codec'
import type { AttributeRule, AttributeRules, Strictness } from './attribute-rules.ts'
import { ParsedAttributes } from './parsed-attributes.ts'
import type { KernelRequest } from './request.ts'

interface Refusal {
  readonly errno: number
  readonly message: string
  /** offset of the attribute at fault; -1: none */
  readonly position: number
  readonly rule?: AttributeRule | undefined
}

const MALFORMED = 'Attribute failed policy validation'
const LEFT_OVER = 'bytes leftover after parsing attributes'

/** Bytes of the integers of each type. */
const integerSizes: Readonly<Partial<Record<PolicyType, number>>> = {
  [PolicyType.U8]: 1,
  [PolicyType.U16]: 2,
  [PolicyType.U32]: 4,
  [PolicyType.U64]: 8,
  [PolicyType.S8]: 1,
  [PolicyType.S16]: 2,
  [PolicyType.S32]: 4,
  [PolicyType.S64]: 8,
}

/**
 * Finds the attributes from `start` to the end of `request`, and checks them. `undefined`, with the extended ack of the
 * answer filled and the errno in `refused`, when one of them is refused.
 */
export function parseRequest(
  request: KernelRequest,
  start: number,
  rules: AttributeRules,
  strictness: Strictness,
): ParsedAttributes | number {
  const { memory, offset, length } = request
  return parseRegion(request, memory, offset + Math.min(start, length), offset + length, rules, strictness)
}

/** As {@link parseRequest}, for the attributes of a nest, from `skip` bytes on. */
export function parseNest(
  request: KernelRequest,
  outer: ParsedAttributes,
  number: number,
  rules: AttributeRules,
  strictness: Strictness,
  skip = 0,
): ParsedAttributes | number {
  const start = outer.at(number)
  return parseRegion(request, outer.memory, start + skip, start + outer.length(number), rules, strictness)
}

function parseRegion(
  { details, offset }: KernelRequest,
  memory: Memory,
  start: number,
  end: number,
  rules: AttributeRules,
  strictness: Strictness,
): ParsedAttributes | number {
  const parsed = new ParsedAttributes(memory)
  const refusal = check(memory, start, end, rules, strictness, parsed)
  if (refusal === undefined) return parsed
  details.message = refusal.message
  if (refusal.errno === 0) return parsed
  if (refusal.position >= 0) details.badAttribute = refusal.position - offset
  if (refusal.rule !== undefined) details.policy = { kind: 'rule', rule: refusal.rule }
  return -refusal.errno
}

function check(
  memory: Memory,
  start: number,
  end: number,
  { maximum, rules }: AttributeRules,
  strictness: Strictness,
  found: ParsedAttributes | undefined,
): Refusal | undefined {
  let position = start
  while (end - position >= ATTRIBUTE_HEADER_LENGTH) {
    const length = memory.u16[position >> 1] as number
    if (length < ATTRIBUTE_HEADER_LENGTH || length > end - position) break
    const type = memory.u16[(position >> 1) + 1] as number
    const number = type & AttributeBit.TypeMask
    const payload = length - ATTRIBUTE_HEADER_LENGTH
    if (number === 0 || number > maximum) {
      if (strictness !== 'liberal') return { errno: Errno.EINVAL, message: 'Unknown attribute type', position }
    } else {
      const refusal = checkAttribute(memory, position, payload, type, rules.get(number), strictness)
      if (refusal !== undefined) return refusal
      found?.add(number, position + ATTRIBUTE_HEADER_LENGTH, payload)
    }
    position += align4(length)
  }
  if (position >= end) return undefined
  return { errno: strictness === 'liberal' ? 0 : Errno.EINVAL, message: LEFT_OVER, position: -1 }
}

function checkAttribute(
  memory: Memory,
  position: number,
  length: number,
  type: number,
  rule: AttributeRule | undefined,
  strictness: Strictness,
): Refusal | undefined {
  if (rule === undefined) {
    return strictness === 'strict' ? { errno: Errno.EINVAL, message: 'Unsupported attribute', position } : undefined
  }
  const refuse = (errno: number, message = MALFORMED): Refusal => ({ errno, message, position, rule })
  const size = integerSizes[rule.type]
  if (strictness === 'strict') {
    if (size !== undefined && length !== size) return refuse(Errno.EINVAL, 'invalid attribute length')
    const isMarked = (type & AttributeBit.Nested) !== 0
    const isNest = rule.type === PolicyType.Nested || rule.type === PolicyType.NestedArray
    if (isNest && !isMarked) return refuse(Errno.EINVAL, 'NLA_F_NESTED is missing')
    if (!isNest && isMarked) return refuse(Errno.EINVAL, 'NLA_F_NESTED not expected')
  }
  const payload = position + ATTRIBUTE_HEADER_LENGTH
  if (size !== undefined) {
    if (length < size) return refuse(Errno.ERANGE)
    return isInRange(memory, payload, rule, size) ? undefined : refuse(Errno.ERANGE, 'integer out of range')
  }
  switch (rule.type) {
    case PolicyType.Invalid:
      return refuse(Errno.EINVAL)
    case PolicyType.Flag:
      return length === 0 ? undefined : refuse(Errno.ERANGE)
    case PolicyType.Uint:
    case PolicyType.Sint:
      return length === 4 || length === 8 ? undefined : refuse(Errno.ERANGE)
    case PolicyType.Nested:
    case PolicyType.NestedArray:
      if (length === 0) return undefined
      if (length < ATTRIBUTE_HEADER_LENGTH) return refuse(Errno.ERANGE)
      return rule.nest && check(memory, payload, payload + length, rule.nest, strictness, undefined)
    case PolicyType.TerminatedString: {
      const searched = rule.longest === undefined ? length : Math.min(length, rule.longest + 1)
      if (!memory.u8.subarray(payload, payload + searched).includes(0)) return refuse(Errno.EINVAL)
      return textFits(memory, payload, length, rule.longest) ? undefined : refuse(Errno.ERANGE)
    }
    case PolicyType.String:
      return textFits(memory, payload, length, rule.longest) ? undefined : refuse(Errno.ERANGE)
    default:
      return length >= (rule.shortest ?? 0) && length <= (rule.longest ?? length) ? undefined : refuse(Errno.ERANGE)
  }
}

function textFits({ u8 }: Memory, offset: number, length: number, longest: number | undefined): boolean {
  if (length < 1) return false
  return length - (u8[offset + length - 1] === 0 ? 1 : 0) <= (longest ?? length)
}

/** Whether an integer is within the bounds of its rule; without bounds any is. */
function isInRange({ u8 }: Memory, offset: number, { type, minimum, maximum }: AttributeRule, size: number): boolean {
  if (minimum === undefined && maximum === undefined) return true
  const bytes = u8.slice(offset, offset + size)
  const isSigned = type >= PolicyType.S8 && type <= PolicyType.S64
  const value = integerOf(bytes, isSigned)
  return value >= (minimum ?? value) && value <= (maximum ?? value)
}

/** An integer in host byte order. */
function integerOf(bytes: Uint8Array, isSigned: boolean): bigint {
  const view = new DataView(bytes.buffer)
  let value: bigint
  if (bytes.length === 1) value = BigInt(view.getUint8(0))
  else if (bytes.length === 2) value = BigInt(new Uint16Array(bytes.buffer)[0] ?? 0)
  else if (bytes.length === 4) value = BigInt(new Uint32Array(bytes.buffer)[0] ?? 0)
  else value = new BigUint64Array(bytes.buffer)[0] ?? 0n
  return isSigned ? BigInt.asIntN(bytes.length * 8, value) : value
}
