/** What is used of binary-parser 2.3.0, whose `exports` do not lead to its declarations under `moduleResolution` nodenext. */
declare module 'binary-parser' {
  export class Parser {
    endianness(order: 'little' | 'big'): this
    uint8(name: string): this
    uint16(name: string): this
    uint16be(name: string): this
    uint32(name: string): this
    seek(length: number | ((this: { length: number }) => number)): this
    buffer(name: string, options: { length: (this: { length: number }) => number }): this
    array(name: string, options: { type: Parser; readUntil: 'eof' }): this
    parse(bytes: Uint8Array): unknown
  }
}
