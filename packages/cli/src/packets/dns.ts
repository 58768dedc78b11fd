import { decodeText, escapeText } from '@ringlink/codec'
import { formatAddress } from '@ringlink/packet'

const RESPONSE = 0x8000
const RECURSION_DESIRED = 0x0100
const OPERATION = 0x7800
const POINTER = 0xc0
/** Maximum labels and jumps of a name: it is at most 255 bytes long. */
const MAXIMUM_STEPS = 128
/** Maximum answers shown on a line. */
const SHOWN_ANSWERS = 4

const typeNames: ReadonlyMap<number, string> = new Map([
  [1, 'A'],
  [2, 'NS'],
  [5, 'CNAME'],
  [6, 'SOA'],
  [12, 'PTR'],
  [15, 'MX'],
  [16, 'TXT'],
  [28, 'AAAA'],
  [33, 'SRV'],
  [64, 'SVCB'],
  [65, 'HTTPS'],
  [255, 'ANY'],
])
const failures: ReadonlyMap<number, string> = new Map([
  [1, 'FORMERR'],
  [2, 'SERVFAIL'],
  [3, 'NXDOMAIN'],
  [4, 'NOTIMP'],
  [5, 'REFUSED'],
])
/** Types whose data is a name. */
const NAMING: ReadonlySet<number> = new Set([2, 5, 12])
const ADDRESSES: ReadonlySet<number> = new Set([1, 28])

/** Ports of DNS and of multicast DNS. */
export const DNS_PORTS: ReadonlySet<number | undefined> = new Set([53, 5353])
/** identifier | flags | questions | answers | authorities | additional, two bytes each (RFC 1035 section 4.1.1) */
const HEADER_LENGTH = 12
/** after the name: type | class */
const QUESTION_LENGTH = 4
/** after the name: type | class | lifetime (4 bytes) | length of the data */
const ANSWER_LENGTH = 10
const MAXIMUM_QUESTIONS = 8

/**
 * A DNS message on one line: the question or the answers. Undefined if it is not one, or is truncated in its first
 * name.
 */
export function describeDns(bytes: Uint8Array): string | undefined {
  if (bytes.length < HEADER_LENGTH) return undefined
  const [identifier = 0, flags = 0, questionCount = 0, answerCount = 0, ...further] = [0, 2, 4, 6, 8, 10].map(
    (offset) => uint16(bytes, offset),
  )
  if ((flags & OPERATION) !== 0 || questionCount > MAXIMUM_QUESTIONS) return undefined
  const { questions, end } = readQuestions(bytes, questionCount)
  const isResponse = (flags & RESPONSE) !== 0
  if (questions.length === 0 && !isResponse) return undefined
  const asked = questions.join(', ')
  if (!isResponse) return `${identifier}${(flags & RECURSION_DESIRED) === 0 ? '' : '+'} ${asked}`
  const counts = [answerCount, ...further].join('/')
  const answers = questions.length < questionCount ? [] : readAnswers(bytes, end, answerCount)
  return [identifier, failures.get(flags & 0xf), counts, asked && `for ${asked}`, answers.join(', ')]
    .filter(Boolean)
    .join(' ')
}

function readQuestions(bytes: Uint8Array, count: number): { questions: string[]; end: number } {
  const questions: string[] = []
  let end = HEADER_LENGTH
  for (let i = 0; i < count; i++) {
    const name = readName(bytes, end)
    if (name === undefined || name.end + QUESTION_LENGTH > bytes.length) break
    questions.push(`${typeName(uint16(bytes, name.end))}? ${name.text}`)
    end = name.end + QUESTION_LENGTH
  }
  return { questions, end }
}

function readAnswers(bytes: Uint8Array, start: number, count: number): string[] {
  const texts: string[] = []
  let offset = start
  for (let i = 0; i < count && i < SHOWN_ANSWERS; i++) {
    const name = readName(bytes, offset)
    if (name === undefined || name.end + ANSWER_LENGTH > bytes.length) break
    const type = uint16(bytes, name.end)
    const length = uint16(bytes, name.end + 8)
    const from = name.end + ANSWER_LENGTH
    offset = from + length
    if (offset > bytes.length) break
    const value = answerValue(bytes, type, from, length)
    texts.push(value === undefined ? typeName(type) : `${typeName(type)} ${value}`)
  }
  return texts
}

function answerValue(bytes: Uint8Array, type: number, from: number, length: number): string | undefined {
  if (ADDRESSES.has(type) && (length === 4 || length === 16)) return formatAddress(bytes.subarray(from, from + length))
  return NAMING.has(type) ? readName(bytes, from)?.text : undefined
}

/** A name and its end: labels, each with its length, then nothing or a pointer to the rest. */
function readName(bytes: Uint8Array, start: number): { text: string; end: number } | undefined {
  const labels: string[] = []
  let end: number | undefined
  let offset = start
  for (let step = 0; step < MAXIMUM_STEPS; step++) {
    const length = bytes[offset]
    if (length === undefined) return undefined
    if (length === 0) return { text: `${labels.join('.')}.`, end: end ?? offset + 1 }
    if (length >= POINTER) {
      const low = bytes[offset + 1]
      if (low === undefined) return undefined
      end ??= offset + 2
      offset = ((length & ~POINTER) << 8) | low
    } else {
      const label = bytes.subarray(offset + 1, offset + 1 + length)
      if (length >= 0x40 || label.length < length) return undefined
      labels.push(escapeText(decodeText(label)))
      offset += 1 + length
    }
  }
  return undefined
}

function typeName(type: number): string {
  return typeNames.get(type) ?? `TYPE${type}`
}

function uint16(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0)
}
