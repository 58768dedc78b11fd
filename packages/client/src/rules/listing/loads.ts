/** What an expression loads into a register, in nft's words. */
import { type Expression, type ExpressionData, MetaKey, PayloadBase } from '@ringlink/codec'
import { type Facts, type Field, fields } from '../fields/fields.ts'
import { DataType } from '../fields/kinds.ts'

/** What is in a register. */
export interface Loaded {
  readonly words: string
  /** nft's number of its type */
  readonly type: number
  /** bytes */
  readonly length: number
  readonly order: 'network' | 'host'
  /** it is there or not, with no other value */
  readonly isPresence: boolean
  /** the bits that are the property, which begin `shift` bits from the right */
  readonly bits: bigint | undefined
  readonly shift: number
  /** what was masked away, and what was put in its place */
  readonly mask?: bigint | undefined
  readonly xor?: bigint | undefined
  /** the constant that was put there */
  readonly constant?: Uint8Array | undefined
}

/** What is known of the packets of a rule so far. */
export interface ListedFacts extends Facts {
  readonly protocol: string | undefined
}

const plain = { order: 'host', isPresence: false, bits: undefined, shift: 0 } as const
/** What rules ask for besides the properties that they match by. */
const others: ReadonlyMap<number, Loaded> = new Map<number, Loaded>([
  [MetaKey.Family, { ...plain, words: 'meta nfproto', type: NaN, length: 1 }],
  [MetaKey.Protocol, { ...plain, words: 'meta protocol', type: DataType.EtherType, length: 2, order: 'network' }],
  [MetaKey.InputDeviceType, { ...plain, words: 'iiftype', type: DataType.Integer, length: 2 }],
  [MetaKey.Priority, { ...plain, words: 'meta priority', type: DataType.Integer, length: 4 }],
])

/** What an expression loads; `undefined` for one that loads nothing that has words. */
export function loadedBy(expression: Expression, facts: ListedFacts): Loaded | undefined {
  const { name, data } = expression
  const field = fields.find((it) => isLoadOf(it, expression, facts))
  if (field === undefined) {
    if (name === 'meta') return others.get((data as ExpressionData<'meta'>).key ?? -1)
    return name === 'payload' ? unnamed(data as ExpressionData<'payload'>) : undefined
  }
  const { length, order, mask, shift = 0 } = field.form(facts)
  return {
    words: wordsOf(field, facts),
    type: field.kind(facts).type,
    // The whole address, even if only its first bytes are loaded.
    length,
    order,
    isPresence: field.style === 'presence',
    bits: field.style === 'presence' ? undefined : mask,
    shift,
  }
}

function wordsOf({ words }: Field, { version, protocol }: ListedFacts): string {
  const [first = '', second = first] = words
  const own = version === 6 ? second : first
  return own.startsWith('th ') ? `${protocol ?? 'th'}${own.slice(2)}` : own
}

function isLoadOf(field: Field, { name, data }: Expression, facts: ListedFacts): boolean {
  const load = field.form(facts).load.at(-1)
  if (load === undefined || load.name !== name || data === undefined) return false
  if (name === 'payload') return isSamePayload(field, load as Expression, data as ExpressionData<'payload'>, facts)
  const keyOf = (of: object) => ('key' in of ? of.key : 'type' in of ? of.type : 'flags' in of ? of.flags : undefined)
  const directionOf = (of: object) => ('direction' in of ? of.direction : undefined)
  const own = load.data as object
  return keyOf(own) === keyOf(data) && directionOf(own) === directionOf(data)
}

function isSamePayload(
  field: Field,
  load: Expression,
  { base, offset, length = 0 }: ExpressionData<'payload'>,
  { version, protocol }: ListedFacts,
): boolean {
  const own = load.data as ExpressionData<'payload'>
  const form = field.form({ version })
  const isPart = form.prefix === 'load' && length < (own.length ?? 0)
  if (own.base !== base || own.offset !== offset || (own.length !== length && !isPart)) return false
  if (base === PayloadBase.Network) return version !== undefined && isOfVersion(field, version)
  if (base !== PayloadBase.Transport) return true
  const isMessage = protocol === 'icmp' || protocol === 'icmpv6'
  if (field.needs.includes('icmp')) return isMessage
  return field.needs.includes('tcp') ? protocol === 'tcp' : !isMessage
}

function isOfVersion({ needs }: Field, version: 4 | 6): boolean {
  return !needs.includes(version === 4 ? 'ipv6' : 'ipv4')
}

const baseNames: Readonly<Record<number, string>> = {
  [PayloadBase.LinkLayer]: 'll',
  [PayloadBase.Network]: 'nh',
  [PayloadBase.Transport]: 'th',
}

/** Bytes of the packet without a name. */
function unnamed({ base = 0, offset = 0, length = 0 }: ExpressionData<'payload'>): Loaded {
  const words = `@${baseNames[base] ?? base},${offset * 8},${length * 8}`
  return { ...plain, words, type: DataType.Integer, length, order: 'network' }
}
