/** What rules change of a packet and its connection, in nft's words. */
import { ConntrackKey, type Expression, type ExpressionData, MetaKey } from '@ringlink/codec'
import { hostIsLittleEndian } from '@ringlink/codec/internal'
import { DataType } from '../fields/kinds.ts'
import { keyOf } from '../set.ts'
import type { Loaded } from './loads.ts'
import { hex, rangeText } from './values.ts'

/** The text of an expression that stores what is in a register; `undefined` for one that no rule of ringlink has. */
export function changeText({ name, data }: Expression, loaded: Loaded | undefined): string | undefined {
  if (loaded === undefined) return undefined
  if (name === 'meta') {
    const { key } = data as ExpressionData<'meta'>
    if (key === MetaKey.Mark) return `meta mark set ${markText(loaded, 'meta mark')}`
    return key === MetaKey.Priority ? `meta priority set ${priorityText(loaded)}` : undefined
  }
  if (name === 'ct') {
    const { key } = data as ExpressionData<'ct'>
    return key === ConntrackKey.Mark ? `ct mark set ${markText(loaded, 'ct mark')}` : undefined
  }
  return name === 'payload' ? dscpText(loaded) : undefined
}

const WORD = 0xffff_ffffn

function markText({ words, constant, mask, xor = 0n }: Loaded, own: string): string {
  if (constant !== undefined) return hex(constantOf(constant))
  if (mask === undefined) return words
  // (mark & mask) ^ xor, where the bits that are set are not kept.
  const kept = mask | xor
  const [and, or] = [kept === WORD ? '' : ` & ${hex(kept)}`, xor === 0n ? '' : ` | ${hex(xor)}`]
  return `${own}${and}${or}`
}

function priorityText({ constant = new Uint8Array(4) }: Loaded): string {
  const number = Number(constantOf(constant))
  return number === 0 ? 'none' : `${(number >>> 16).toString(16)}:${(number & 0xffff).toString(16)}`
}

/** The bits of the code point in the first two bytes of a header of IPv4 and of IPv6. */
const IPV4_DSCP = { mask: 0xff03n, shift: 2n }
const IPV6_DSCP = { mask: 0xf03fn, shift: 6n }

function dscpText({ mask, xor = 0n }: Loaded): string | undefined {
  const version = mask === IPV4_DSCP.mask ? 'ip' : mask === IPV6_DSCP.mask ? 'ip6' : undefined
  if (version === undefined) return undefined
  const value = xor >> (version === 'ip' ? IPV4_DSCP.shift : IPV6_DSCP.shift)
  return `${version} dscp set ${rangeText(DataType.Dscp, { from: value, to: value }, 1)}`
}

function constantOf(bytes: Uint8Array): bigint {
  return keyOf(hostIsLittleEndian ? bytes.slice().reverse() : bytes)
}
