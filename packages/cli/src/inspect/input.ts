import { createReadStream, existsSync, statSync } from 'node:fs'
import { addAbortSignal, type Readable } from 'node:stream'
import {
  type CaptureReader,
  inputStream,
  linkTypeName,
  nflogMessage,
  openLinkLayer,
  type PacketBlock,
  readCapture,
} from '@ringlink/capture'
import { Protocol, quoteText } from '@ringlink/codec'
import { UsageError } from '../command-line/values.ts'
import { openCaptureFile } from '../packets/capture-file.ts'
import { whole } from '../terminal/text.ts'
import type { Chunk } from './chunk.ts'
import { looksLikeHex, parseHex } from './hex.ts'
import { isStrace, StraceReader } from './strace.ts'

export type InputFormat = 'auto' | 'hex' | 'strace' | 'capture' | 'raw'

/** Maximum bytes of an input that is not a capture, because it is held in memory. */
const MAXIMUM_TEXT = 256 * 1024 * 1024
/** The number of bytes by which the format is detected. */
const SAMPLE = 65_536
/** pcapng, pcap (micro- and nanoseconds, both orders), gzip; the first bytes, as hexadecimal digits */
const CAPTURE_MAGIC = /^(0a0d0d0a|a1b2c3d4|d4c3b2a1|a1b23c4d|4d3cb2a1|1f8b)/

/** The source of inputs, and the remarks about them at the end. */
export interface InputOptions {
  readonly format: InputFormat
  readonly signal: AbortSignal
  readonly stdin: Readable
  readonly warn: (text: string) => void
}

/** The netlink bytes of each input in turn. Throws `UsageError` for arguments that are neither digits nor a file. */
export async function* readInputs(operands: readonly string[], options: InputOptions): AsyncGenerator<Chunk> {
  const files = operands.filter((operand) => operand === '-' || existsSync(operand))
  if (operands.length > 0 && files.length === 0 && (options.format === 'auto' || options.format === 'hex')) {
    yield { bytes: digitsOf(operands), label: '' }
    return
  }
  const missing = operands.find((operand) => !files.includes(operand))
  if (missing !== undefined) throw new UsageError(`there is no file ${quoteText(missing)}`)
  for (const path of operands.length === 0 ? ['-'] : operands) {
    yield* path === '-' ? readStream(options.stdin, 'standard input', options) : readFile(path, options)
  }
}

function digitsOf(operands: readonly string[]): Uint8Array {
  const text = operands.join(' ')
  const bytes = looksLikeHex(text) ? parseHex(text) : `${quoteText(text)} is neither a file nor hexadecimal digits`
  if (typeof bytes === 'string') throw new UsageError(bytes)
  return bytes
}

async function* readFile(path: string, options: InputOptions): AsyncGenerator<Chunk> {
  const stat = statSync(path)
  if (stat.isDirectory()) throw new Error(`cannot read ${quoteText(path)}: it is a directory`)
  if (stat.isFIFO()) {
    yield* readStream(addAbortSignal(options.signal, inputStream(path)), quoteText(path), options)
    return
  }
  const stream = createReadStream(path, { signal: options.signal })
  const { format, first, rest } = await tellFormat(stream, quoteText(path), options)
  if (format !== 'capture') {
    yield* readFormat(format, first, rest, quoteText(path), options)
    return
  }
  stream.destroy()
  using file = openCaptureFile(path, options.signal, process.stdout.isTTY)
  yield* readPackets(file.reader, quoteText(path), options, file.progress)
}

async function* readStream(stream: Readable, name: string, options: InputOptions): AsyncGenerator<Chunk> {
  const { format, first, rest } = await tellFormat(stream, name, options)
  yield* readFormat(format, first, rest, name, options)
}

interface ToldFormat {
  readonly format: Exclude<InputFormat, 'auto'>
  readonly first: Uint8Array
  readonly rest: AsyncIterator<Uint8Array>
}

async function tellFormat(stream: Readable, name: string, { format }: InputOptions): Promise<ToldFormat> {
  const rest = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  const { value, done } = await rest.next()
  if (done === true) throw new Error(`${name} is empty`)
  const first = Uint8Array.from(value)
  return { format: format === 'auto' ? formatOf(first) : format, first, rest }
}

function formatOf(first: Uint8Array): Exclude<InputFormat, 'auto'> {
  if (CAPTURE_MAGIC.test(Buffer.from(first.subarray(0, 4)).toString('hex'))) return 'capture'
  const sample = Buffer.from(first.subarray(0, SAMPLE)).toString('latin1')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: text has none of them, messages do
  if (/[\x00-\x08\x0e-\x1f]/.test(sample)) return 'raw'
  return isStrace(sample) || !looksLikeHexText(sample) ? 'strace' : 'hex'
}

/** Whether the first lines are digits; the last one may be incomplete. */
function looksLikeHexText(sample: string): boolean {
  const lines = sample.split('\n')
  const whole = lines.length > 1 ? lines.slice(0, -1) : lines
  const bytes = parseHex(whole.join('\n'))
  return typeof bytes !== 'string' || bytes.startsWith('an odd number')
}

async function* readFormat(
  format: Exclude<InputFormat, 'auto'>,
  first: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
  name: string,
  options: InputOptions,
): AsyncGenerator<Chunk> {
  const chunks = prepended(first, rest)
  if (format === 'capture') {
    yield* readPackets(readCapture(chunks), name, options)
  } else if (format === 'strace') {
    yield* readStrace(chunks, name, options)
  } else {
    const bytes = await collect(chunks, name)
    const message = format === 'raw' ? bytes : parseHex(Buffer.from(bytes).toString('utf8'))
    if (typeof message === 'string') throw new Error(`${name}: ${message}`)
    if (message.length === 0) throw new Error(`${name} has no bytes`)
    yield { bytes: message, label: '' }
  }
}

async function* prepended(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
}

async function collect(chunks: AsyncIterable<Uint8Array>, name: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    length += chunk.length
    if (length > MAXIMUM_TEXT) throw new Error(`${name} is longer than ${whole(MAXIMUM_TEXT)} bytes`)
    parts.push(chunk)
  }
  return Buffer.concat(parts)
}

async function* readStrace(
  chunks: AsyncIterable<Uint8Array>,
  name: string,
  options: InputOptions,
): AsyncGenerator<Chunk> {
  const reader = new StraceReader()
  const decoder = new TextDecoder('latin1')
  let text = ''
  let found = 0
  for await (const chunk of chunks) {
    const lines = (text + decoder.decode(chunk, { stream: true })).split('\n')
    text = lines.pop() ?? ''
    if (text.length > MAXIMUM_TEXT) throw new Error(`${name} has a line of more than ${whole(MAXIMUM_TEXT)} characters`)
    for (const line of lines) {
      for (const message of reader.push(line)) {
        found++
        yield message
      }
    }
  }
  for (const message of [...reader.push(text), ...reader.finish()]) {
    found++
    yield message
  }
  const advice = 'use strace -xx -s 65535 -e read=all -e write=all'
  if (found === 0) {
    const decoded =
      reader.decoded === 0
        ? 'no netlink bytes'
        : `${whole(reader.decoded)} calls that strace decoded without their bytes`
    throw new Error(`${name} has ${decoded}: ${advice}`)
  }
  if (reader.cut > 0) options.warn(`${whole(reader.cut)} strings were cut by strace: ${advice}`)
}

async function* readPackets(
  reader: CaptureReader,
  name: string,
  { warn }: InputOptions,
  progress: (packets: number) => void = () => {},
): AsyncGenerator<Chunk> {
  const others = new Map<number, number>()
  let number = 0
  try {
    for await (const packet of reader.packets()) {
      progress(++number)
      const chunk = chunkOf(packet, number)
      if (chunk === undefined) others.set(packet.linkType, (others.get(packet.linkType) ?? 0) + 1)
      else yield chunk
    }
  } catch (error) {
    throw named(error, name)
  }
  for (const [linkType, packets] of others) {
    warn(`${whole(packets)} packets of ${linkTypeName(linkType)} are not netlink: ringlink log --read shows them`)
  }
  if (reader.truncated !== undefined) throw named(reader.truncated, name)
}

function chunkOf(packet: PacketBlock, number: number): Chunk | undefined {
  const contents = openLinkLayer(packet)
  const at = new Date(Number(packet.at / 1_000_000n))
  const time = Number.isNaN(at.getTime()) ? '' : ` ${at.toISOString()}`
  const direction = packet.direction === undefined ? '' : ` ${packet.direction}`
  const label = `packet ${number}${time}${direction}`
  if (contents?.kind === 'log') return { bytes: nflogMessage(packet), label, protocol: Protocol.Netfilter }
  if (contents?.kind !== 'netlink') return undefined
  const { offset, protocol } = contents
  return { bytes: packet.bytes.subarray(offset), label, protocol, byteOrder: packet.byteOrder }
}

/** Adds the name of the input to an error: the reader names files, but standard input has no name. */
function named(error: unknown, name: string): unknown {
  const text = error instanceof Error ? error.message : String(error)
  return text.includes(name) ? error : new Error(`${name}: ${text}`, { cause: error })
}
