/**
 * For any bytes, nothing throws, nothing outside the packet is read, and all views agree. 20,000 inputs, random bytes
 * and captures that were changed and cut; `npm run fuzz -- --count 10000000 packet.fuzz` takes ten million.
 */
import { appendFileSync } from 'node:fs'
import { Memory } from '@ringlink/codec/memory'
import { expect, test } from 'vitest'
import {
  completeChecksums,
  networkChecksum,
  PacketEditor,
  PacketLayout,
  PacketView,
  packetText,
  transportChecksum,
} from '../src/index.ts'
import { allFrames } from './captures.ts'
import { fieldsOf } from './fields.ts'

// As test/support/fuzz.ts; an input here costs a hundredth of one of fast-check's.
const { FAST_CHECK_RUNS, FAST_CHECK_SEED, FAST_CHECK_LOG } = process.env
const INPUTS = FAST_CHECK_RUNS === undefined ? 20_000 : Number(FAST_CHECK_RUNS) * 150
const SEED = Number(FAST_CHECK_SEED ?? 1)
const SPACE = 2048
/** Around the packet, so that a read beyond it changes its values. */
const MARGIN = 96
const PROTOCOLS = [0, 1, 4, 6, 17, 41, 43, 44, 47, 50, 51, 58, 59, 60, 132, 135, 136, 255]
const ETHER_TYPES = [0, 0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x88b5]

/** xorshift: the same inputs for the same seed. */
class Random {
  #state: number
  constructor(seed: number) {
    this.#state = seed | 1
  }
  below(limit: number): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x
    return (x >>> 0) % limit
  }
}

const frames = allFrames()
const memory = new Memory(MARGIN + SPACE + MARGIN)
const packet = new PacketView()
const again = new PacketView()
const editor = new PacketEditor()

/** Writes an input at MARGIN and returns its length. */
function makeInput(random: Random): number {
  const { u8 } = memory
  let length = 0
  if (random.below(8) === 0) {
    length = random.below(160)
    for (let at = 0; at < length; at++) u8[MARGIN + at] = random.below(256)
    // A header that begins well is walked further.
    if (length > 6 && random.below(2) === 0) u8[MARGIN] = random.below(2) === 0 ? 0x45 : 0x60
    if (length > 9) u8[MARGIN + (u8[MARGIN] === 0x45 ? 9 : 6)] = PROTOCOLS[random.below(PROTOCOLS.length)] as number
    return length
  }
  const frame = frames[random.below(frames.length)] as Uint8Array
  u8.set(frame, MARGIN)
  length = frame.length
  for (let changes = random.below(5); changes > 0; changes--) {
    const value = random.below(3) === 0 ? (PROTOCOLS[random.below(PROTOCOLS.length)] as number) : random.below(256)
    u8[MARGIN + random.below(length)] = value
  }
  return random.below(3) === 0 ? random.below(length + 1) : length
}

/** All values of a packet, in one text. */
function say(view: PacketView): string {
  const offsets = [
    view.networkOffset,
    view.transportOffset,
    view.payloadOffset,
    view.payloadEnd,
    view.end,
    view.vlanOffset,
  ]
  return `${offsets} ${JSON.stringify(view)} ${packetText(view)} ${networkChecksum(view)} ${transportChecksum(view)}`
}

function checkInside(view: PacketView): void {
  const { offset, end } = view
  if (end > offset + view.length || view.payloadOffset > view.payloadEnd || view.payloadEnd > end)
    throw new Error('payload')
  for (const at of [
    view.networkOffset,
    view.transportOffset,
    view.vlanOffset,
    view.extensionOffset,
    view.fragmentHeaderOffset,
  ]) {
    if (at !== -1 && (at < offset || at > end)) throw new Error(`offset ${at} outside of ${offset} to ${end}`)
  }
  if (view.transportOffset >= 0 && view.transportOffset + view.transportHeaderLength > end) throw new Error('transport')
}

const VLAN_TAG = [0x81, 0x00, 0x00, 0x07, 0x08, 0x00]
const ETHERNET = 14
const tagged = new Memory(MARGIN + SPACE + MARGIN)
const layout = new PacketLayout()
const OFFSETS = [
  'end',
  'networkOffset',
  'extensionOffset',
  'fragmentHeaderOffset',
  'finalDestinationOffset',
  'transportOffset',
  'portsOffset',
  'payloadOffset',
  'payloadEnd',
] as const
const VALUES = [
  'etherType',
  'version',
  'networkLength',
  'firstExtension',
  'fragmentOffset',
  'moreFragments',
  'isAuthenticated',
  'isRouted',
  'protocol',
  'transportHeaderLength',
  'cut',
  'problem',
] as const

/**
 * An IPv4 packet with a VLAN tag before it takes the whole walk; without one it may take the fast path, which must say
 * the same.
 */
function checkAgainstTagged(view: PacketView): void {
  const { networkOffset, etherType, offset, length } = view
  if (etherType !== 0x0800) return
  const network = memory.u8.subarray(networkOffset, offset + length)
  tagged.u8.set(VLAN_TAG, MARGIN + ETHERNET - 2)
  tagged.u8.set(network, MARGIN + ETHERNET + 4)
  layout.wrapEthernet(tagged, MARGIN, ETHERNET + 4 + network.length)
  const shift = MARGIN + ETHERNET + 4 - networkOffset
  for (const name of OFFSETS) {
    const expected = view[name] < 0 ? view[name] : view[name] + shift
    if (layout[name] !== expected) throw new Error(`${name}: ${layout[name]} after a VLAN tag, ${expected} without one`)
  }
  for (const name of VALUES) {
    if (layout[name] !== view[name])
      throw new Error(`${name}: ${layout[name]} after a VLAN tag, ${view[name]} without one`)
  }
}

/** Nothing of the packets before is left in a view: it has the fields of one that is new. */
function checkAgainstNew(view: PacketView, aim: (view: PacketView) => PacketView): void {
  const expected = aim(new PacketView())
  for (const name of Object.keys(expected) as (keyof PacketView)[]) {
    if (view[name] !== expected[name])
      throw new Error(`${name}: ${view[name]} in a used view, ${expected[name]} in a new one`)
  }
}

test(`${INPUTS} inputs`, () => {
  const random = new Random(SEED)
  let count = 0
  try {
    for (; count < INPUTS; count++) {
      const length = makeInput(random)
      const etherType = ETHER_TYPES[random.below(ETHER_TYPES.length)] as number
      const isEthernet = random.below(4) > 0
      const aim = (view: PacketView) =>
        isEthernet ? view.wrapEthernet(memory, MARGIN, length) : view.wrapNetwork(memory, MARGIN, length, etherType)
      aim(packet)
      checkInside(packet)
      checkAgainstTagged(packet)
      // The texts cost most of the time: of every eighth input, and with other bytes around it.
      if (count % 8 !== 0) continue
      checkAgainstNew(packet, aim)
      memory.u8.fill(0x55, MARGIN + length)
      const said = say(packet)
      memory.u8.fill(0xaa, MARGIN + length)
      if (say(aim(again)) !== said) throw new Error(`bytes after the packet change what is said of it: ${said}`)
      fieldsOf(packet)
      for (const character of said) if (character < ' ' || character > '~') throw new Error(`not plain text: ${said}`)
      try {
        editor.edit(packet, { timeToLive: 9, payload: said.slice(0, random.below(40)) })
        if (!['valid', 'none', 'unknown'].includes(transportChecksum(editor.packet)))
          throw new Error(`checksum of an edit: ${say(editor.packet)}`)
      } catch (error) {
        if ((error as { code?: string }).code !== 'VALUE_RANGE') throw error
      }
      completeChecksums(packet)
    }
  } catch (error) {
    const bytes = Buffer.from(memory.u8.subarray(MARGIN, MARGIN + packet.length)).toString('hex')
    throw new Error(`input ${count} of seed ${SEED}: ${bytes}`, { cause: error })
  }
  expect(count).toBe(INPUTS)
  if (FAST_CHECK_LOG !== undefined) appendFileSync(FAST_CHECK_LOG, `${INPUTS}\n`)
}, 3_600_000)
