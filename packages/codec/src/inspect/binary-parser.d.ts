/**
 * What is used of binary-parser 2.3.0. Its own declarations are there, but its `exports` do not lead to them under
 * `moduleResolution` nodenext; and they promise `any` where this says `unknown`.
 */
declare module 'binary-parser' {
  export class Parser {
    endianness(order: 'little' | 'big'): this
    uint8(name: string): this
    uint16(name: string): this
    uint16be(name: string): this
    uint32(name: string): this
    uint64(name: string): this
    int8(name: string): this
    int16(name: string): this
    int32(name: string): this
    int64(name: string): this
    seek(length: number): this
    buffer(name: string, options: { length: number; formatter: (part: Uint8Array) => Uint8Array }): this
    parse(bytes: Uint8Array): unknown
  }
}
