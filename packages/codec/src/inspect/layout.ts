/// <reference path="./binary-parser.d.ts" />
/**
 * The wire layouts, declared a second time with binary-parser and deliberately not with the codec's views: two decoders
 * that share a mistake would agree on it.
 */
import { Parser } from 'binary-parser'
import type { IntegerFormat } from '../schema/format.ts'

export type ByteOrder = 'little' | 'big'

/** A declared layout: its length in bytes, and how to read it from at least that many bytes. */
export interface Layout<Value> {
  readonly length: number
  parse(bytes: Uint8Array): Value
}

function layout<Value>(length: number, parser: Parser): Layout<Value> {
  return { length, parse: (bytes) => parser.parse(bytes) as Value }
}

const start = (order: ByteOrder) => new Parser().endianness(order)

/** struct nlmsghdr */
export interface MessageHeaderFields {
  length: number
  type: number
  flags: number
  sequence: number
  portId: number
}

function framing(order: ByteOrder) {
  return {
    order,
    /** struct nlmsghdr */
    messageHeader: layout<MessageHeaderFields>(
      16,
      start(order).uint32('length').uint16('type').uint16('flags').uint32('sequence').uint32('portId'),
    ),
    /** struct nlattr */
    attributeHeader: layout<{ length: number; type: number }>(4, start(order).uint16('length').uint16('type')),
    /** struct nlmsgerr without the request, and the payload of the NLMSG_DONE of a dump */
    error: layout<{ error: number }>(4, start(order).int32('error')),
    /** struct nfgenmsg */
    netfilterHeader: layout<{ family: number; version: number; resourceId: number }>(
      4,
      start(order).uint8('family').uint8('version').uint16be('resourceId'),
    ),
    /** struct genlmsghdr */
    genericHeader: layout<{ command: number; version: number; reserved: number }>(
      4,
      start(order).uint8('command').uint8('version').uint16('reserved'),
    ),
  }
}

export type Framing = ReturnType<typeof framing>
export const framings: Readonly<Record<ByteOrder, Framing>> = { little: framing('little'), big: framing('big') }

/** Declares one integer of a table. */
export function integerLayout(format: IntegerFormat, order: ByteOrder): Layout<{ value: number | bigint }> {
  return layout(format.size, declareInteger(start(format.order === 'network' ? 'big' : order), 'value', format))
}

function declareInteger(parser: Parser, name: string, { size, signed }: IntegerFormat): Parser {
  switch (size) {
    case 1:
      return signed ? parser.int8(name) : parser.uint8(name)
    case 2:
      return signed ? parser.int16(name) : parser.uint16(name)
    case 4:
      return signed ? parser.int32(name) : parser.uint32(name)
    case 8:
      return signed ? parser.int64(name) : parser.uint64(name)
  }
}
