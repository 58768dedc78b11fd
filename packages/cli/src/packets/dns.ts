import { formatAddress, printable } from './address.ts'
import { dns, dnsAnswer, dnsQuestion } from './layouts.ts'

const RESPONSE = 0x8000
const RECURSION_DESIRED = 0x0100
const OPERATION = 0x7800
const POINTER = 0xc0
/** A name is no longer than 255 bytes, so it has no more labels than that, nor needs it more jumps. */
const MAXIMUM_STEPS = 128
/** Answers that are shown; a line has an end. */
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

/** A DNS message in one line: who is asked for, or what was answered. Undefined when it is none, or cut before its first name. */
export function describeDns(bytes: Uint8Array): string | undefined {
  const header = dns.read(bytes, 0)
  if (header === undefined || (header.flags & OPERATION) !== 0 || header.questions > 8) return undefined
  const questions: string[] = []
  let offset = dns.length
  for (let i = 0; i < header.questions; i++) {
    const name = readName(bytes, offset)
    const question = name && dnsQuestion.read(bytes, name.end)
    if (!name || !question) break
    questions.push(`${typeName(question.type)}? ${name.text}`)
    offset = name.end + dnsQuestion.length
  }
  const isResponse = (header.flags & RESPONSE) !== 0
  if (questions.length === 0 && !isResponse) return undefined
  const asked = questions.join(', ')
  if (!isResponse) return `${header.identifier}${(header.flags & RECURSION_DESIRED) === 0 ? '' : '+'} ${asked}`
  const failure = failures.get(header.flags & 0xf)
  const counts = `${header.answers}/${header.authorities}/${header.additional}`
  const answers = questions.length < header.questions ? [] : readAnswers(bytes, offset, header.answers)
  return [header.identifier, failure, counts, asked && `for ${asked}`, answers.join(', ')].filter(Boolean).join(' ')
}

function readAnswers(bytes: Uint8Array, start: number, count: number): string[] {
  const texts: string[] = []
  let offset = start
  for (let i = 0; i < count && i < SHOWN_ANSWERS; i++) {
    const name = readName(bytes, offset)
    const answer = name && dnsAnswer.read(bytes, name.end)
    if (!name || !answer) break
    const from = name.end + dnsAnswer.length
    offset = from + answer.length
    if (offset > bytes.length) break
    const value = answerValue(bytes, answer.type, from, answer.length)
    texts.push(value === undefined ? typeName(answer.type) : `${typeName(answer.type)} ${value}`)
  }
  return texts
}

function answerValue(bytes: Uint8Array, type: number, from: number, length: number): string | undefined {
  if (ADDRESSES.has(type) && (length === 4 || length === 16)) return formatAddress(bytes.subarray(from, from + length))
  return NAMING.has(type) ? readName(bytes, from)?.text : undefined
}

/** A name and where it ends: labels, each with its length, and at last nothing or a pointer to the rest. */
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
      labels.push(printable(Buffer.from(label).toString()))
      offset += 1 + length
    }
  }
  return undefined
}

function typeName(type: number): string {
  return typeNames.get(type) ?? `TYPE${type}`
}
