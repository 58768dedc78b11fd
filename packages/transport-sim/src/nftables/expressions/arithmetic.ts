/** Expressions that compute with registers: bitwise, byteorder. */
import { BitwiseOperation, Errno, expressionTables, RuleVerdict } from '@ringlink/codec'
import { attributeNumbers, hostIsLittleEndian } from '@ringlink/codec/internal'
import { nested, policyOf, small, u32 } from '../../netlink/attribute-policy.ts'
import type { AttributeTable } from '../../netlink/policy.ts'
import type { ReplyWriter } from '../../nfnetlink/reply.ts'
import type { RuleExpression } from '../ruleset.ts'
import type { Evaluate } from './evaluate.ts'
import {
  type ExpressionContext,
  type ExpressionKind,
  loadRegister,
  parseValue,
  registerNumber,
  storeRegister,
} from './expression.ts'

const { Continue } = RuleVerdict

const BITWISE = attributeNumbers(expressionTables.bitwise)

/** Expression `bitwise`. */
export const bitwise: ExpressionKind = {
  name: 'bitwise',
  policy: policyOf(expressionTables.bitwise, {
    sourceRegister: u32,
    destinationRegister: u32,
    length: small,
    mask: nested,
    xor: nested,
    operation: small,
    data: nested,
    secondSourceRegister: u32,
  }),
  select: (attributes) => {
    const { length, sourceRegister, destinationRegister } = BITWISE
    const isWhole = attributes.has(length) && attributes.has(sourceRegister) && attributes.has(destinationRegister)
    return isWhole ? 0 : -Errno.EINVAL
  },
  make: (attributes, context) => {
    const length = attributes.be32(BITWISE.length)
    const operation = attributes.has(BITWISE.operation) ? attributes.be32(BITWISE.operation) : BitwiseOperation.MaskXor
    const source = loadRegister(context, attributes.be32(BITWISE.sourceRegister), length)
    if (source < 0) return source
    const destination = storeRegister(context, attributes.be32(BITWISE.destinationRegister), length)
    if (destination < 0) return destination
    const registers = { source, destination, length, operation }
    switch (operation) {
      case BitwiseOperation.MaskXor:
        return maskAndXor(attributes, registers)
      case BitwiseOperation.LeftShift:
      case BitwiseOperation.RightShift:
        return shift(attributes, registers)
      case BitwiseOperation.And:
      case BitwiseOperation.Or:
      case BitwiseOperation.Xor:
        return context.features.bitwiseOperators ? combine(attributes, registers, context) : -Errno.EOPNOTSUPP
      default:
        return -Errno.EOPNOTSUPP
    }
  },
}

interface BitwiseRegisters {
  readonly source: number
  readonly destination: number
  readonly length: number
  readonly operation: number
}

function dumpBitwise(reply: ReplyWriter, { source, destination, length, operation }: BitwiseRegisters): void {
  reply.be32(BITWISE.sourceRegister, registerNumber(source))
  reply.be32(BITWISE.destinationRegister, registerNumber(destination))
  reply.be32(BITWISE.length, length)
  reply.be32(BITWISE.operation, operation)
}

function maskAndXor(attributes: AttributeTable, registers: BitwiseRegisters): RuleExpression | number {
  const { mask, xor, data, secondSourceRegister: second } = BITWISE
  if (attributes.has(data) || attributes.has(second)) return -Errno.EINVAL
  if (!attributes.has(mask) || !attributes.has(xor)) return -Errno.EINVAL
  const { source, destination, length } = registers
  const maskValue = parseValue(attributes, mask, length)
  if (typeof maskValue === 'number') return maskValue
  const xorValue = parseValue(attributes, xor, length)
  if (typeof xorValue === 'number') return xorValue
  const maskWords = wordsOf(maskValue)
  const xorWords = wordsOf(xorValue)
  return {
    name: 'bitwise',
    evaluate: ({ words }) => {
      for (let i = 0; i < maskWords.length; i++) {
        words[destination + i] = ((words[source + i] as number) & (maskWords[i] as number)) ^ (xorWords[i] as number)
      }
      return Continue
    },
    dump: (reply) => {
      dumpBitwise(reply, registers)
      reply.value(mask, maskValue)
      reply.value(xor, xorValue)
    },
  }
}

/** Whole words, those that were left over filled with zero. */
function wordsOf(value: Uint8Array): Uint32Array {
  const words = new Uint32Array((value.length + 3) >> 2)
  new Uint8Array(words.buffer).set(value)
  return words
}

function shift(attributes: AttributeTable, registers: BitwiseRegisters): RuleExpression | number {
  const { mask, xor, data, secondSourceRegister: second } = BITWISE
  if (attributes.has(mask) || attributes.has(xor) || attributes.has(second)) return -Errno.EINVAL
  if (!attributes.has(data)) return -Errno.EINVAL
  const value = parseValue(attributes, data, 4)
  if (typeof value === 'number') return value
  const bits = wordsOf(value)[0] as number
  if (bits >= 32) return -Errno.EINVAL
  const { source, destination, length, operation } = registers
  const count = (length + 3) >> 2
  const isLeft = operation === BitwiseOperation.LeftShift
  return {
    name: 'bitwise',
    evaluate: ({ words }) => {
      let carry = 0
      for (let step = 0; step < count; step++) {
        const i = isLeft ? count - 1 - step : step
        const word = words[source + i] as number
        words[destination + i] = (isLeft ? word << bits : word >>> bits) | carry
        carry = bits === 0 ? 0 : isLeft ? word >>> (32 - bits) : word << (32 - bits)
      }
      return Continue
    },
    dump: (reply) => {
      dumpBitwise(reply, registers)
      reply.value(data, value)
    },
  }
}

const combinations: Readonly<Record<number, (first: number, second: number) => number>> = {
  [BitwiseOperation.And]: (first, second) => first & second,
  [BitwiseOperation.Or]: (first, second) => first | second,
  [BitwiseOperation.Xor]: (first, second) => first ^ second,
}

function combine(attributes: AttributeTable, registers: BitwiseRegisters, context: ExpressionContext) {
  const { mask, xor, data, secondSourceRegister: second } = BITWISE
  if (attributes.has(mask) || attributes.has(xor)) return -Errno.EINVAL
  if (attributes.has(data) === attributes.has(second)) return -Errno.EINVAL
  const { source, destination, length, operation } = registers
  const operate = combinations[operation] as (first: number, second: number) => number
  const count = (length + 3) >> 2
  const value = attributes.has(data) ? parseValue(attributes, data, length) : undefined
  if (typeof value === 'number') return value
  const other = value === undefined ? loadRegister(context, attributes.be32(second), length) : 0
  if (other < 0) return other
  const constants = value === undefined ? undefined : wordsOf(value)
  const evaluate: Evaluate = ({ words }) => {
    for (let i = 0; i < count; i++) {
      const operand = (constants === undefined ? words[other + i] : constants[i]) as number
      words[destination + i] = operate(words[source + i] as number, operand)
    }
    return Continue
  }
  return {
    name: 'bitwise',
    evaluate,
    dump: (reply: ReplyWriter) => {
      dumpBitwise(reply, registers)
      if (value !== undefined) reply.value(data, value)
      else reply.be32(second, registerNumber(other))
    },
  }
}

const BYTEORDER = attributeNumbers(expressionTables.byteorder)

/** Expression `byteorder`. */
export const byteorder: ExpressionKind = {
  name: 'byteorder',
  policy: policyOf(expressionTables.byteorder, {
    sourceRegister: u32,
    destinationRegister: u32,
    operation: small,
    length: small,
    size: small,
  }),
  make: (attributes, context) => {
    for (const number of Object.values(BYTEORDER)) if (!attributes.has(number)) return -Errno.EINVAL
    const operation = attributes.be32(BYTEORDER.operation)
    const size = attributes.be32(BYTEORDER.size)
    const length = attributes.be32(BYTEORDER.length)
    if (operation > 1 || (size !== 2 && size !== 4 && size !== 8)) return -Errno.EINVAL
    if (!context.features.byteorderLists && length !== size) return -Errno.EOPNOTSUPP
    const source = loadRegister(context, attributes.be32(BYTEORDER.sourceRegister), length)
    if (source < 0) return source
    const destination = storeRegister(context, attributes.be32(BYTEORDER.destinationRegister), length)
    if (destination < 0) return destination
    const numbers = Math.floor(length / size)
    return {
      name: 'byteorder',
      evaluate: ({ bytes }) => {
        const from = bytes.slice(source * 4, source * 4 + numbers * size)
        for (let i = 0; i < from.length; i++) {
          const at = hostIsLittleEndian ? i - (i % size) + size - 1 - (i % size) : i
          bytes[destination * 4 + i] = from[at] as number
        }
        return Continue
      },
      dump: (reply) => {
        reply.be32(BYTEORDER.sourceRegister, registerNumber(source))
        reply.be32(BYTEORDER.destinationRegister, registerNumber(destination))
        reply.be32(BYTEORDER.operation, operation)
        if (context.features.byteorderLists) reply.be32(BYTEORDER.length, length)
        reply.be32(BYTEORDER.size, size)
        if (!context.features.byteorderLists) reply.be32(BYTEORDER.length, length)
      },
    }
  },
}
