/// <reference path="../../../packages/codec/src/inspect/binary-parser.d.ts" />
import { Parser } from 'binary-parser'
import { requirePeer } from '../handlers/peer-module.ts'
import { Attribute, type Decoder, HEADERS, PAYLOAD_BYTES } from './decoder.ts'

interface ParsedAttribute {
  readonly type: number
  readonly value: Uint8Array
}

/** binary-parser: the message declared once, compiled by the library. */
export function binaryParserDecoder(slots: Uint8Array, slot: number, length: number): Decoder {
  const attribute = new Parser()
    .endianness('little')
    .uint16('length')
    .uint16('type')
    .buffer('value', {
      length() {
        return this.length - 4
      },
    })
    .seek(function () {
      return -this.length & 3
    })
  const message = new Parser()
    .endianness('little')
    .uint32('length')
    .uint16('type')
    .uint16('flags')
    .uint32('sequence')
    .uint32('portId')
    .uint8('family')
    .uint8('version')
    .uint16be('resourceId')
    .array('attributes', { type: attribute, readUntil: 'eof' })
  const bytes = Buffer.from(slots.buffer, slots.byteOffset, slots.byteLength)
  return {
    decode(index) {
      const parsed = message.parse(bytes.subarray(index * slot, index * slot + length)) as {
        attributes: ParsedAttribute[]
      }
      return parsed.attributes.reduce((sum, { type, value }) => sum + used(type, value), 0)
    },
  }
}

interface NetlinkModule {
  parseMessages(bytes: Buffer): { data: Buffer }[]
  parseAttributes(bytes: Buffer, each: (item: { type: number; data: Buffer }) => void): void
}

/** npm netlink: its own functions for messages and attributes. */
export function npmNetlinkDecoder(slots: Uint8Array, slot: number, length: number): Decoder {
  const { parseMessages, parseAttributes } = requirePeer('netlink') as NetlinkModule
  const bytes = Buffer.from(slots.buffer, slots.byteOffset, slots.byteLength)
  return {
    decode(index) {
      let sum = 0
      for (const { data } of parseMessages(bytes.subarray(index * slot, index * slot + length))) {
        parseAttributes(data.subarray(HEADERS - 16), (item) => {
          sum += used(item.type, item.data)
        })
      }
      return sum
    },
  }
}

function used(type: number, value: Uint8Array): number {
  switch (type & 0x3fff) {
    case Attribute.PacketHeader:
    case Attribute.Mark:
    case Attribute.OutputDevice:
      return new DataView(value.buffer, value.byteOffset, 4).getUint32(0)
    case Attribute.Payload:
      return PAYLOAD_BYTES.reduce((sum, at) => sum + (value[at] ?? 0), 0)
    default:
      return 0
  }
}
