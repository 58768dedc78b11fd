/**
 * The part of binary-parser 2.3.0 that this repository uses. The package has declarations, but its `exports` hide them
 * from `moduleResolution` nodenext, and they use `any` where this uses `unknown`.
 */
declare module 'binary-parser' {
  /** length in bytes, or a function of the fields parsed so far */
  type Length = number | ((this: { length: number }) => number)

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
    seek(length: Length): this
    buffer(name: string, options: { length: Length; formatter?: (part: Uint8Array) => Uint8Array }): this
    array(name: string, options: { type: Parser; readUntil: 'eof' }): this
    parse(bytes: Uint8Array): unknown
  }
}
