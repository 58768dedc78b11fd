import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import type { Compression } from './envelope.ts'
import { NatsError } from './errors.ts'

type Transform = (bytes: Uint8Array, options: object) => Promise<Uint8Array>

/** Measured on records of small packets: higher levels cost twice the time for a tenth fewer bytes. */
const DEFLATE_LEVEL = 1

const deflate = promisify(zlib.deflateRaw) as Transform
const inflate = promisify(zlib.inflateRaw) as Transform
// From Node.js 22.15 on.
const zstd = optional('zstdCompress')
const unzstd = optional('zstdDecompress')

function optional(name: string): Transform | undefined {
  const method: unknown = Reflect.get(zlib, name)
  return typeof method === 'function' ? (promisify(method as typeof zlib.deflateRaw) as Transform) : undefined
}

/** Whether this Node.js has a compression. */
export function hasCompression(compression: Compression): boolean {
  return compression !== 'zstd' || zstd !== undefined
}

/** Compresses a body, on a thread of libuv. */
export async function compressBody(compression: Compression, body: Uint8Array): Promise<Uint8Array> {
  if (compression === 'none') return body
  return compression === 'deflate' ? deflate(body, { level: DEFLATE_LEVEL }) : required(zstd)(body, {})
}

/**
 * The body of a message, of exactly `length` bytes. Rejects with `ENVELOPE_FOREIGN` for damaged bytes,
 * `ENVELOPE_VERSION` if this Node.js lacks the compression.
 */
export async function expandBody(compression: Compression, body: Uint8Array, length: number): Promise<Uint8Array> {
  if (compression === 'none') return body
  const expand = compression === 'deflate' ? inflate : required(unzstd)
  let expanded: Uint8Array | undefined
  let cause: unknown
  try {
    // One byte more, so that a body that is too long is told from one that is not, and neither takes all memory.
    expanded = await expand(body, { maxOutputLength: length + 1 })
  } catch (error) {
    cause = error
  }
  if (expanded?.length === length) return expanded
  const found = expanded === undefined ? 'bytes that cannot be expanded' : `${expanded.length} bytes`
  throw new NatsError('ENVELOPE_FOREIGN', 'read message', `its body must have ${length} bytes, got ${found}`, { cause })
}

function required(transform: Transform | undefined): Transform {
  if (transform !== undefined) return transform
  throw new NatsError('ENVELOPE_VERSION', 'read message', 'its body is compressed by zstd, which needs Node.js 22.15')
}
