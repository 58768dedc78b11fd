/** The captures of vectors/packet as tests use them; make.py there says how they were made. */
import { readFileSync } from 'node:fs'
import { Memory } from '@ringlink/codec/memory'

export const FOLDER: URL = new URL('../../../vectors/packet/', import.meta.url)

export const CAPTURES = ['ipv4', 'ipv6', 'link', 'tunnels', 'damaged'] as const
export type CaptureName = (typeof CAPTURES)[number]

const FILE_HEADER = 24
const RECORD_HEADER = 16

/** The Ethernet frames of a capture: classic pcap, little endian. */
export function readFrames(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0, true) !== 0xa1b2c3d4) throw new Error('not a little-endian pcap file')
  const frames: Uint8Array[] = []
  for (let at = FILE_HEADER; at < bytes.length; ) {
    const length = view.getUint32(at + 8, true)
    frames.push(bytes.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length))
    at += RECORD_HEADER + length
  }
  return frames
}

export function loadFrames(name: CaptureName): Uint8Array[] {
  return readFrames(readFileSync(new URL(`${name}.pcap`, FOLDER)))
}

export function allFrames(): Uint8Array[] {
  return CAPTURES.flatMap(loadFrames)
}

/** A pcap file of Ethernet frames. */
export function pcapOf(frames: readonly Uint8Array[]): Uint8Array {
  const header = Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex')
  const records = frames.flatMap((frame) => {
    const record = Buffer.alloc(RECORD_HEADER)
    record.writeUInt32LE(frame.length, 8)
    record.writeUInt32LE(frame.length, 12)
    return [record, frame]
  })
  return Buffer.concat([header, ...records])
}

/** How Wireshark decodes a packet: the values of each field, as many as there are. */
export interface Decoded {
  readonly protocols: readonly string[]
  readonly fields: Readonly<Record<string, readonly string[]>>
}

export function loadDecoded(name: CaptureName): Decoded[] {
  return JSON.parse(readFileSync(new URL(`${name}.tshark.json`, FOLDER), 'utf8')) as Decoded[]
}

export function loadLines(name: CaptureName): string[] {
  return readFileSync(new URL(`${name}.tcpdump.txt`, FOLDER), 'utf8')
    .trimEnd()
    .split('\n')
}

/** A packet in the middle of a block whose other bytes are not 0, so that what is read beyond it shows. */
export function embed(bytes: Uint8Array, offset = 10): { memory: Memory; offset: number; length: number } {
  const memory = new Memory(offset + bytes.length + 70)
  memory.u8.fill(0xa5)
  memory.u8.set(bytes, offset)
  return { memory, offset, length: bytes.length }
}

/** How many random inputs each property takes: FAST_CHECK_RUNS, else `usual`. */
export function runs(usual: number): number {
  return Number(process.env.FAST_CHECK_RUNS ?? usual)
}
