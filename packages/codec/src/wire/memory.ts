import { DecodeError, EncodeError, NetlinkError } from '../errors.ts'

/**
 * A block of memory with its typed arrays, made once. Everything that reads or writes takes `(memory, offset, length)`,
 * with offsets in bytes from the start of the block; the hot path never makes another typed array.
 *
 * The block may belong to an owner such as a transport (its frames, a mapped ring), which decides how long it may be
 * read.
 */
export class Memory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer
  readonly byteLength: number
  readonly u8: Uint8Array
  /** 16-bit words in host order; index is `offset >> 1` */
  readonly u16: Uint16Array
  /** 32-bit words in host order; index is `offset >> 2` */
  readonly u32: Uint32Array
  readonly i32: Int32Array
  readonly data: DataView

  /** @param source a buffer, or the number of bytes to allocate; only whole 32-bit words of a buffer are used */
  constructor(source: ArrayBuffer | SharedArrayBuffer | number) {
    this.buffer = typeof source === 'number' ? new ArrayBuffer(align4(source)) : source
    const words = this.buffer.byteLength >> 2
    this.byteLength = words * 4
    this.u8 = new Uint8Array(this.buffer, 0, this.byteLength)
    this.u16 = new Uint16Array(this.buffer, 0, words * 2)
    this.u32 = new Uint32Array(this.buffer, 0, words)
    this.i32 = new Int32Array(this.buffer, 0, words)
    this.data = new DataView(this.buffer, 0, this.byteLength)
  }

  /** A new block with a copy of `bytes` at offset 0, rounded up to whole 32-bit words. */
  static from(bytes: Uint8Array): Memory {
    const memory = new Memory(bytes.length)
    memory.u8.set(bytes)
    return memory
  }

  /** A copy of `length` bytes at `offset`, owned by the caller. */
  copy(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length)
    bytes.set(this.u8.subarray(offset, offset + length))
    return bytes
  }
}

/**
 * Rounds up to a multiple of four: `NLMSG_ALIGN` and `NLA_ALIGN`, both over `NLMSG_ALIGNTO` 4 (uapi/linux/netlink.h).
 */
export function align4(length: number): number {
  return (length + 3) & ~3
}

/** The problem of a region: not inside the memory, or not at a multiple of four. */
export function regionError(memory: Memory, offset: number, length: number, what: string): DecodeError | undefined {
  if ((offset & 3) !== 0) {
    const at = { offset, need: 4, have: offset & 3 }
    return new DecodeError('UNALIGNED', `${what} must start at a multiple of four`, at)
  }
  // Written this way round, the condition refuses NaN too.
  if (offset >= 0 && length >= 0 && offset + length <= memory.byteLength) return undefined
  const have = Math.max(0, memory.byteLength - offset)
  return new DecodeError('SHORT_HEADER', `${what} lies outside its memory`, { offset, need: length, have })
}

/** Throws for a region that is not inside the memory, or that does not start at a multiple of four. */
export function checkRegion(memory: Memory, offset: number, length: number, what: string): void {
  const error = regionError(memory, offset, length, what)
  if (error !== undefined) throw error
}

/** Throws for a write at an offset that is not a multiple of four. */
export function checkAligned(offset: number, what: string): void {
  if ((offset & 3) !== 0) throw new EncodeError('VALUE_RANGE', `${what}: offset ${offset} is not a multiple of four`)
}

/** Throws for a write of `length` bytes at `offset` that ends beyond `limit`. */
export function checkSpace(offset: number, length: number, limit: number, what: string): void {
  if (!(offset >= 0 && offset + length <= limit)) {
    throw new EncodeError('NO_SPACE', `${what}: ${length} bytes at offset ${offset} do not fit below ${limit}`)
  }
}

/**
 * The memory that a batch, lease or view points at after its frames were released: accessing its arrays throws code
 * `RELEASED`. This costs nothing while frames are in use, and prevents reads after the release.
 */
export const RELEASED_MEMORY: Memory = releasedMemory()

/** `data` of {@link RELEASED_MEMORY}, for views that keep it. */
export const RELEASED_DATA: DataView = Object.create(DataView.prototype, { getUint32: { value: refuse } })

function refuse(): never {
  throw new NetlinkError('RELEASED', 'the frame was released: copy or hold what must outlive its batch')
}

function releasedMemory(): Memory {
  const memory: Memory = Object.create(Memory.prototype)
  for (const name of ['buffer', 'u8', 'u16', 'u32', 'i32', 'data']) Object.defineProperty(memory, name, { get: refuse })
  Object.defineProperty(memory, 'byteLength', { value: 0 })
  return memory
}
