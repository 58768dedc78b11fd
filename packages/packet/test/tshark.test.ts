/** Every packet of vectors/packet is read as Wireshark reads it, field by field. */
import { describe, expect, test } from 'vitest'
import { PacketView } from '../src/index.ts'
import { CAPTURES, embed, loadDecoded, loadFrames } from './captures.ts'
import { fieldsOf } from './fields.ts'

/**
 * Other fields of Wireshark: bits that a compared field already has, derived numbers, contents of options and chunks
 * that this package leaves to its callers, and remarks.
 */
const NOT_COMPARED: readonly RegExp[] = [
  /^ip\.(dsfield|flags|flags\.rb)$/,
  /^ipv6\.tclass$/,
  /^tcp\.flags\./,
  /^gre\.flags\./,
  /^icmpv6\.nd\.(ra|na)\.flag(\.(h|prf|p|rsv))?$/,
  /^tcp\.(len|seq|nxtseq|ack|window_size|window_size_scalefactor|options.*|option\.len\.invalid)$/,
  /^icmp\.(ident_le|seq_le|resp.*|unused|redir_gw)$/,
  /^icmpv6\.(reserved|resp.*|opt|opt\.(reserved|(src|target)_linkaddr|prefix\.(valid|preferred)_lifetime|prefix\.flag.*))$/,
  /^ip\.(opt\.type\.|opt\.(ra|ptr)|options\.|empty_rt|rec_rt|cur_rt)/,
  /^ipv6\.(opt|routing\.src|routing\.(len_oct|deprecated)|hopopts\.len_oct|dstopts\.len_oct|fraghdr\.reserved)/,
  /^ipv6\.(dst_)?(tc|ts)_/,
  /^sctp\.(chunk_bit|chunk_padding|data_|init|sack_)/,
  /^ah\.(spi|sequence|icv|reserved)$/,
  /^gre\.offset$/,
  /^eth\.padding$/,
  /(^|[._])(bogus|bad|short_segment|exceeds_framing)/,
]
/** Options whose values are compared. */
const COMPARED = /^tcp\.options\.(mss_val|wscale\.shift|timestamp\.ts|sack_[lr]e)/

const packet = new PacketView()

function read(frame: Uint8Array): Record<string, string[]> {
  const { memory, offset, length } = embed(frame)
  packet.wrap(memory, offset, length, { from: 'ethernet' })
  return Object.fromEntries(fieldsOf(packet))
}

/** Wireshark's fields that are compared. If it did not check a checksum (2), our result is not compared either. */
function expected(fields: Readonly<Record<string, readonly string[]>>, ours: Record<string, string[]>) {
  const names = Object.keys(fields).filter(
    (name) => COMPARED.test(name) || !NOT_COMPARED.some((pattern) => pattern.test(name)),
  )
  const entry = (name: string): [string, readonly string[]] => {
    // We do not treat "end of options" as an option.
    const theirs = (fields[name] ?? []).filter((value) => name !== 'ip.opt.type' || value !== '0')
    if (!name.endsWith('checksum.status')) return [name, theirs]
    return [name, theirs.map((value, at) => (value === '2' ? (ours[name]?.[at] ?? value) : value))]
  }
  return Object.fromEntries(names.map(entry))
}

describe.each(CAPTURES.filter((name) => name !== 'damaged'))('%s', (name) => {
  const decoded = loadDecoded(name)
  test.each(loadFrames(name).map((frame, index) => [index, frame] as const))('packet %i', (index, frame) => {
    const ours = read(frame)
    expect(ours).toEqual(expected(decoded[index]?.fields ?? {}, ours))
    expect(packet.cut).toBeUndefined()
    expect(packet.problem).toBeUndefined()
  })
})

/** The result for each damaged packet, in the order of make.py: the part in which it is cut, or the invalid field. */
const DAMAGES = [
  ['extension', undefined],
  ['payload', undefined],
  ['transport', undefined],
  ['network', undefined],
  ['transport', undefined],
  ['extension', undefined],
  [undefined, 'header-length'],
  [undefined, 'total-length'],
  [undefined, 'transport-length'],
  [undefined, 'transport-length'],
  ['transport', undefined],
] as const

describe('damaged', () => {
  const decoded = loadDecoded('damaged')
  test.each(loadFrames('damaged').map((frame, index) => [index, frame] as const))('packet %i', (index, frame) => {
    const ours = read(frame)
    expect([packet.cut, packet.problem]).toEqual(DAMAGES[index])
    // Nothing is invented: Wireshark reads all the same values, unless it stops at the first wrong length.
    const theirs: Record<string, readonly string[]> = expected(decoded[index]?.fields ?? {}, ours)
    const stopsAt = packet.problem === undefined ? undefined : Object.keys(theirs).at(-1)
    for (const [name, values] of Object.entries(ours)) {
      if (theirs[name] === undefined && stopsAt !== undefined) continue
      expect([name, values]).toEqual([name, theirs[name]])
    }
  })

  test('an extension header longer than the packet is cut: its packet is not UDP and has no ports', () => {
    read(loadFrames('damaged')[0] as Uint8Array)
    expect(packet.protocol).toBeUndefined()
    expect(packet.transportOffset).toBe(-1)
    expect(packet.sourcePort).toBeUndefined()
    expect(packet.source?.toString()).toBe('2001:db8::1')
  })
})
