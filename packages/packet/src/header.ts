/**
 * The form of every header of this package, each in its own file: offsets, view, owned value, writer.
 *
 * - `…View` borrows bytes in place. `wrap` checks that the header is whole and throws `DecodeError`; `find` aims at the
 *   header of that kind in a packet and answers whether there is one. After that no property fails, until the memory is
 *   released or written to. A property is a load; a method allocates.
 * - `write…(memory, offset, limit, values)` writes a header and returns the offset after it. Checksums are written as
 *   given, default 0: `completeChecksums` computes them once the packet is whole. Throws `EncodeError`: `NO_SPACE` if
 *   it does not fit below `limit`, `VALUE_RANGE` for a value that its field cannot hold.
 * - The plain noun (`Udp`) owns its values: what `view.copy()` returns and `write…` takes.
 */
import { DecodeError, EncodeError } from '@ringlink/codec/errors'
import { Memory } from '@ringlink/codec/memory'

/** The memory of a view before it is aimed. */
export const NO_MEMORY: Memory = new Memory(0)

/** The part of a packet that a view of a transport header needs; `PacketView` has it. */
export interface TransportLocation {
  readonly memory: Memory
  /** protocol of the transport header; `undefined` if unknown */
  readonly protocol: number | undefined
  /** -1 if the packet has no transport header */
  readonly transportOffset: number
  /** offset of the end of the packet, or of its copied part */
  readonly end: number
}

/** The part of a packet that a view of a network header needs; `PacketView` has it. */
export interface NetworkLocation {
  readonly memory: Memory
  readonly etherType: number | undefined
  /** -1 if the packet has no network header */
  readonly networkOffset: number
  readonly end: number
}

/** The position of a header, and the number of bytes from its start on. */
export abstract class HeaderView {
  memory: Memory = NO_MEMORY
  offset = 0
  /** bytes from the start of the header to the end of the input */
  available = 0

  /** Throws `DecodeError`, code `SHORT_HEADER`, if fewer than `need` bytes lie at `offset`. */
  protected aim(memory: Memory, offset: number, available: number, need: number, what: string): void {
    checkAvailable(memory, offset, available, need, what)
    this.memory = memory
    this.offset = offset
    this.available = available
  }

  /** Aims at the packet's transport header if it is of `protocol` and `need` bytes of it are present. */
  protected aimTransport(packet: TransportLocation, protocol: number, need: number): boolean {
    const { transportOffset, end } = packet
    if (packet.protocol !== protocol || transportOffset < 0 || transportOffset + need > end) return false
    this.memory = packet.memory
    this.offset = transportOffset
    this.available = end - transportOffset
    return true
  }

  /** Aims at the packet's network header if it is of `etherType` and `need` bytes of it are present. */
  protected aimNetwork(packet: NetworkLocation, etherType: number, need: number): boolean {
    const { networkOffset, end } = packet
    if (packet.etherType !== etherType || networkOffset < 0 || networkOffset + need > end) return false
    this.memory = packet.memory
    this.offset = networkOffset
    this.available = end - networkOffset
    return true
  }
}

/** Refuses a region outside the memory or shorter than `need`: `DecodeError`, code `SHORT_HEADER`. */
export function checkAvailable(memory: Memory, offset: number, available: number, need: number, what: string): void {
  // Asked this way round, NaN is refused too.
  const inside = offset >= 0 && available >= 0 && offset + available <= memory.byteLength
  if (inside && available >= need) return
  const have = Math.max(0, Math.min(available, memory.byteLength - offset))
  throw new DecodeError('SHORT_HEADER', what, { offset, need: Math.max(need, available), have })
}

/** Refuses a header whose fields contradict its kind: `DecodeError`, code `PACKET_HEADER`. */
export function headerError(what: string, offset: number, need: number, have: number): DecodeError {
  return new DecodeError('PACKET_HEADER', what, { offset, need, have })
}

/** Refuses to write `length` bytes at `offset` beyond `limit`: `EncodeError`, code `NO_SPACE`. */
export function checkRoom(memory: Memory, offset: number, limit: number, length: number, what: string): void {
  const end = Math.min(limit, memory.byteLength)
  if (offset >= 0 && offset + length <= end) return
  throw new EncodeError('NO_SPACE', `cannot write ${what}: ${length} bytes at offset ${offset} do not fit below ${end}`)
}
