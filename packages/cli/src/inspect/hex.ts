/** Offsets at the beginning of a line, as xxd, hexdump, tcpdump and text2pcap write them. */
const OFFSET = /^\s*(?:0x)?[\da-f]{4,8}(?::|(?=\s{2,}))/i
const LAST_OFFSET = /^\s*[\da-f]{7,8}\s*$/i
/** The characters that hexdump and xxd write after the bytes. */
const CHARACTERS = /\s{2,}(?:\|.*|[^\s].*)$/
const COMMENT = /(?:#|\/\/).*$/
const SEPARATORS = /[\s,;:{}[\]()"']|0x|\\x/gi

/** The bytes of hexadecimal text, or a description of its error. */
export function parseHex(text: string): Uint8Array | string {
  const digits: string[] = []
  let isDump = false
  for (const [index, line] of text.split('\n').entries()) {
    isDump ||= OFFSET.test(line)
    // hexdump ends with an offset on a separate line.
    if (isDump && LAST_OFFSET.test(line)) continue
    const found = digitsOf(line)
    if (/[^\da-f]/i.test(found)) {
      const [character = ''] = /[^\da-f]/i.exec(found) ?? []
      return `line ${index + 1} has a character that is not a hexadecimal digit: '${character}'`
    }
    digits.push(found)
  }
  const all = digits.join('')
  if (all.length % 2 !== 0) return `an odd number of hexadecimal digits (${all.length})`
  return Uint8Array.from({ length: all.length / 2 }, (_, i) => Number.parseInt(all.slice(i * 2, i * 2 + 2), 16))
}

function digitsOf(line: string): string {
  const content = line.replace(COMMENT, '')
  const offset = OFFSET.exec(content)
  if (offset === null) return content.replace(SEPARATORS, '')
  // A dump: after the offset groups of digits, then two blanks and the same bytes as characters.
  const dump = content.slice(offset[0].length).trimStart()
  return dump
    .replace(/\s{2,}(?=[\da-f]{2}\b)/gi, ' ')
    .replace(CHARACTERS, '')
    .replace(SEPARATORS, '')
}

/** Whether arguments look like digits instead of a file name. */
export function looksLikeHex(text: string): boolean {
  return text.replace(SEPARATORS, '') !== '' && /^[\da-f]*$/i.test(text.replace(SEPARATORS, ''))
}
