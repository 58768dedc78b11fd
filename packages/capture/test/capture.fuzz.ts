/** Readers of pcap and pcapng over millions of inputs: see test/support/byte-fuzz.ts. */
import type { Memory } from '@ringlink/codec/memory'
import { fuzzBytes, type Random } from '@ringlink/test-support/byte-fuzz'

import { CaptureDecoder, nflogMessage, openLinkLayer, PcapngDecoder } from '../src/index.ts'
import { PcapDecoder } from '../src/pcap/decoder.ts'
import { richCapture } from './support/damage.ts'
import { pcapFile } from './support/pcap.ts'

const CODES = [
  'MESSAGE_TYPE',
  'UNSUPPORTED',
  'MESSAGE_LENGTH',
  'ATTRIBUTE_MISSING',
  'ATTRIBUTE_COUNT',
  'SHORT_HEADER',
  'ATTRIBUTE_LENGTH',
  'NESTED_DEPTH',
]
const LINK_TYPES = [0, 1, 12, 14, 101, 108, 113, 147, 228, 229, 239, 253, 276]

/** Packets of some lengths whose bytes begin like those of the link types. */
const packets = Array.from({ length: 40 }, (_, index) => {
  const bytes = Uint8Array.from({ length: (index * 7) % 90 }, (_byte, at) => (index * 31 + at * 17) & 0xff)
  if (index % 4 === 0) bytes.set([0x45, 0, 0, 20].slice(0, bytes.length))
  if (index % 4 === 1) bytes.set([0, 4, 3, 0x38].slice(0, bytes.length))
  if (index % 4 === 2) bytes.set([2, 0, 0, 5, 8, 0, 9, 0, 0, 0, 0, 1].slice(0, bytes.length))
  return bytes
})
const orders = ['little', 'big'] as const
const pcapng = orders.flatMap((order) =>
  [1, 3, 8].flatMap((count) => [0, 10, 20].map((from) => richCapture(order, packets.slice(from, from + count)))),
)
const pcap = orders.flatMap((order) =>
  (['microseconds', 'nanoseconds'] as const).flatMap((unit) =>
    LINK_TYPES.map((linkType) =>
      pcapFile(
        { order, unit, linkType },
        packets.slice(linkType % 20, (linkType % 20) + 6).map((bytes) => ({ seconds: 1, fraction: 2, bytes, cut: 3 })),
      ),
    ),
  ),
)

/** Decodes an input in chunks. Packets never have more bytes than came, and each is opened as its link type says. */
function decode(
  decoder: CaptureDecoder | PcapDecoder | PcapngDecoder,
  memory: Memory,
  offset: number,
  length: number,
  random: Random,
): void {
  const size = random.below(3) === 0 ? 1 + random.below(64) : length
  let bytes = 0
  const chunk = length > 10_000 ? Math.max(size, 1000) : Math.max(size, 1)
  for (let at = 0; at < length; at += chunk) {
    // The decoder keeps windows on its chunks, and the next input overwrites the memory.
    decoder.push(memory.u8.slice(offset + at, offset + Math.min(at + chunk, length)))
    for (let block = decoder.next(); block !== undefined; block = decoder.next()) {
      if (block.type !== 'packet') continue
      bytes += block.bytes.length
      if (block.fullLength < block.bytes.length) throw new Error('a packet longer than it was')
      const contents = openLinkLayer(block)
      if ((contents?.offset ?? 0) > block.bytes.length) throw new Error('contents beyond the packet')
      if (contents?.kind === 'log') nflogMessage(block)
    }
  }
  if (bytes > length) throw new Error(`${bytes} bytes of packets from ${length}`)
  decoder.finish()
}

fuzzBytes({
  name: 'pcapng',
  share: 0.08,
  seeds: pcapng,
  codes: CODES,
  attempt: (memory, offset, length, random) => {
    decode(random.below(4) === 0 ? new CaptureDecoder() : new PcapngDecoder(), memory, offset, length, random)
  },
})

fuzzBytes({
  name: 'pcap',
  share: 0.07,
  seeds: pcap,
  codes: CODES,
  attempt: (memory, offset, length, random) => {
    decode(random.below(4) === 0 ? new CaptureDecoder() : new PcapDecoder(), memory, offset, length, random)
  },
})
