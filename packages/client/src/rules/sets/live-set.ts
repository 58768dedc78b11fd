/** A set of installed rules: its elements are added, deleted, replaced, listed and watched while packets are looked up in it. */
import {
  type AttributeValues,
  Errno,
  KernelError,
  NfTablesMessage,
  nfnetlinkHeader,
  readNfnetlinkAttributes,
  SetElementFlag,
  setElementListAttributes,
} from '@ringlink/codec'
import type { setElementAttributes } from '@ringlink/codec/internal'
import {
  boolean,
  either,
  list,
  milliseconds,
  OptionPlace,
  object,
  readOptions,
  required,
  type Schema,
} from '@ringlink/codec/options'
import { tryParseAddress } from '@ringlink/packet'
import { ClientError, type ClientErrorCode } from '../../errors.ts'
import type { Session } from '../../session.ts'
import { type BatchPart, performBatch } from '../batch.ts'
import { familyNumbers } from '../chains.ts'
import { explainBatch } from '../errors.ts'
import type { ValueKind } from '../fields/kinds.ts'
import { checkOverlap } from '../fields/test.ts'
import type { RuleTable } from '../messages.ts'
import { keyOf, listOf } from '../set.ts'
import {
  elementKind,
  elementOrder,
  type ListedElement,
  type SetElement,
  type SetOptions,
  type SetValue,
} from './definition.ts'
import { elementText } from './element-text.ts'
import {
  chunksOf,
  type ElementChange,
  elementMessage,
  type KeyedElement,
  keyedElement,
  LARGEST_MESSAGE,
} from './elements.ts'

/** How elements are added. */
export interface AddOptions {
  /** milliseconds that they live, unless an element says it; default as the set says */
  readonly timeout?: number | undefined
  /** refuse all with `ELEMENT_EXISTS` if one is in the set already; default false: it stays as it is */
  readonly exclusive?: boolean | undefined
}

/** What a set's elements were before and are not now, and the other way round. */
export interface SetChange {
  readonly added: readonly SetValue[]
  readonly removed: readonly SetValue[]
}

/** How a set is watched. */
export interface WatchOptions {
  /** milliseconds between two looks; default 1000 */
  readonly interval?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const addOptions: Schema<AddOptions> = object<AddOptions>({ timeout: milliseconds(1), exclusive: boolean })
const DEFAULT_INTERVAL = 1000
/** Bytes of one batch: what the outbox of rules with sets holds. */
export const LARGEST_BATCH: number = 1 << 24
const MOST_MESSAGES = Math.floor(LARGEST_BATCH / LARGEST_MESSAGE) - 1
const ENFILE = 23

/** A set of rules: `rules.set('blocked')`. */
export class LiveSet {
  readonly name: string
  readonly options: SetOptions
  #session: Session
  #table: RuleTable
  #kind: ValueKind<unknown>
  #element: Schema<SetValue | SetElement>

  /** For `Rules.set`. */
  constructor(session: Session, table: RuleTable, name: string, options: SetOptions) {
    this.name = name
    this.options = options
    this.#session = session
    this.#table = table
    this.#kind = elementKind(options.type)
    this.#element = elementSchema(this.#kind)
  }

  /**
   * Adds elements, thousands at once: all of them, or none. Rejects with `ARGUMENT` and `VALUE_RANGE` for what is not an element of this
   * set, before anything is sent, `SET_FULL`, and `ELEMENT_EXISTS` for a range that overlaps one that is there, or with `exclusive`.
   */
  async add(
    elements: SetValue | SetElement | readonly (SetValue | SetElement)[],
    given: AddOptions = {},
  ): Promise<void> {
    const { timeout, exclusive = false } = readOptions(this.#operation('add to'), addOptions, given)
    await this.#change([[exclusive ? 'addNew' : 'add', this.#read('add to', elements, timeout)]])
  }

  /** Deletes elements: all of them, or none. Rejects with `ELEMENT_MISSING` if one is not in the set. */
  async delete(elements: SetValue | readonly SetValue[]): Promise<void> {
    await this.#change([['delete', this.#read('delete from', elements, undefined)]])
  }

  /** Puts these elements in the place of all that are there: packets are looked up in the old ones or in the new ones. */
  async replace(elements: readonly (SetValue | SetElement)[], given: AddOptions = {}): Promise<void> {
    const { timeout } = readOptions(this.#operation('replace'), addOptions, given)
    await this.#change([
      ['delete', undefined],
      ['add', this.#read('replace', elements, timeout)],
    ])
  }

  /** Deletes all elements. */
  async clear(): Promise<void> {
    await this.#change([['delete', undefined]])
  }

  /** Whether a value is an element, or lies in one. */
  async has(value: SetValue): Promise<boolean> {
    const [element] = this.#read('look up in', value, undefined)
    try {
      await this.#session.request({
        what: this.#operation('look up in'),
        type: NfTablesMessage.GetSetElement,
        header: nfnetlinkHeader(familyNumbers[this.#table.family], 0),
        set: setElementListAttributes,
        attributes: { table: this.#table.name, set: this.name, elements: [{ key: { value: element?.key } }] },
      })
      return true
    } catch (error) {
      if (error instanceof KernelError && error.errno === Errno.ENOENT) return false
      throw error
    }
  }

  /** All elements, those that rules added too. Rejects as a dump does. */
  async list(): Promise<ListedElement[]> {
    const rows = await this.#session.dump({
      what: this.#operation('list'),
      type: NfTablesMessage.GetSetElement,
      header: nfnetlinkHeader(familyNumbers[this.#table.family], 0),
      set: setElementListAttributes,
      attributes: { table: this.#table.name, set: this.name },
    })
    const elements = rows.flatMap((row) => readNfnetlinkAttributes(row.view, setElementListAttributes).elements ?? [])
    return this.#listed(elements)
  }

  /**
   * What is added and removed, by rules, by programs and by time: the set is listed again and again, so what comes and goes between two
   * looks is not seen. The first change has all that are there.
   */
  async *watch({ interval = DEFAULT_INTERVAL, signal }: WatchOptions = {}): AsyncGenerator<SetChange, void, undefined> {
    let before = new Map<string, SetValue>()
    for (;;) {
      signal?.throwIfAborted()
      const now = new Map((await this.list()).map(({ value }) => [JSON.stringify(value), value]))
      const added = [...now].filter(([key]) => !before.has(key)).map(([, value]) => value)
      const removed = [...before].filter(([key]) => !now.has(key)).map(([, value]) => value)
      before = now
      if (added.length > 0 || removed.length > 0) yield { added, removed }
      await pause(interval, signal)
    }
  }

  #operation(what: string): string {
    return `${what} set ${this.name}`
  }

  #read(what: string, given: unknown, timeout: number | undefined): KeyedElement[] {
    const plain = this.#plainAddresses(given, timeout)
    if (plain !== undefined) return plain
    const place = new OptionPlace(this.#operation(what), 'elements')
    const read = either(this.#element, list(this.#element)).read(given, place)
    const elements = listOf<SetValue | SetElement>(read)
    const kind = this.#kind
    if (this.options.ranges === true) checkOverlap(kind, elements.map(valueOfElement), place)
    return elements.map((element, index) => {
      const range = kind.rangeOf(valueOfElement(element))
      if (range.from !== range.to && this.options.ranges !== true) {
        const at = Array.isArray(given) ? place.element(index) : place
        throw at.conflict('must be a single value: the set was made without ranges')
      }
      const own = typeof element === 'object' && 'value' in element ? element.timeout : undefined
      return keyedElement(range, this.options, own ?? timeout)
    })
  }

  /** The elements of a list of single addresses, of which there may be very many; `undefined` for anything else. */
  #plainAddresses(given: unknown, timeout: number | undefined): KeyedElement[] | undefined {
    const { type, ranges } = this.options
    if (!Array.isArray(given) || ranges === true || (type !== 'ipv4' && type !== 'ipv6')) return undefined
    const { length } = this.#kind
    const elements: KeyedElement[] = []
    for (const value of given as readonly unknown[]) {
      const key = typeof value === 'string' ? tryParseAddress(value) : undefined
      if (key?.length !== length) return undefined
      elements.push({ key, end: undefined, timeout })
    }
    return elements
  }

  /** Carries changes out in one batch. */
  async #change(changes: readonly (readonly [ElementChange, readonly KeyedElement[] | undefined])[]): Promise<void> {
    const parts = changes.flatMap(([change, elements]): BatchPart[] => {
      const chunks = elements === undefined ? [undefined] : [...chunksOf(elements)]
      return chunks.map((chunk) => ({
        kind: 'element',
        what: `${change === 'delete' ? 'delete from' : 'add to'} set ${this.name}`,
        ...elementMessage(this.#table, this.name, chunk, change),
      }))
    })
    if (parts.length === 0) return
    if (parts.length > MOST_MESSAGES) {
      const place = new OptionPlace(this.#operation('change'), 'elements')
      throw place.error(
        'VALUE_RANGE',
        `are more than one batch of ${LARGEST_BATCH} bytes can have: change fewer at once`,
      )
    }
    const refusal = await performBatch(this.#session, parts)
    if (refusal === undefined) return
    const code = codes.get(refusal.error.errno)
    if (code === undefined || refusal.part.kind !== 'element') throw explainBatch(refusal, this.#table.name)
    throw new ClientError(code[0], `${refusal.part.what}: ${code[1]}; nothing was changed`, { cause: refusal.error })
  }

  #listed(elements: readonly AttributeValues<typeof setElementAttributes>[]): ListedElement[] {
    const { ranges } = this.options
    const order = elementOrder(this.options)
    const { length } = this.#kind
    const keys = elements.flatMap((element) => {
      const bytes = element.key?.value
      if (bytes === undefined) return []
      const number = keyOf(order === 'host' && isLittleEndian ? bytes.slice().reverse() : bytes)
      return [{ number, element, isEnd: ((element.flags ?? 0) & SetElementFlag.IntervalEnd) !== 0 }]
    })
    if (ranges === true) keys.sort((a, b) => (a.number < b.number ? -1 : a.number > b.number ? 1 : a.isEnd ? -1 : 1))
    return keys.flatMap(({ number, element, isEnd }, index) => {
      if (isEnd) return []
      const next = keys[index + 1]
      const beyond = ranges === true ? (next?.number ?? 1n << BigInt(length * 8)) : number + 1n
      const value = elementText(this.options.type, { from: number, to: beyond - 1n })
      const timeout = element.timeout === undefined || element.timeout === 0n ? undefined : Number(element.timeout)
      const expires = element.expiration === undefined ? undefined : Number(element.expiration)
      return [{ value, timeout, expires }]
    })
  }
}

const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

const codes: ReadonlyMap<number, readonly [ClientErrorCode, string]> = new Map([
  [ENFILE, ['SET_FULL', 'it has as many elements as its size allows']],
  [Errno.EEXIST, ['ELEMENT_EXISTS', 'an element, or a range that overlaps it, is there already']],
  [Errno.ENOENT, ['ELEMENT_MISSING', 'an element is not there']],
])

function valueOfElement(element: SetValue | SetElement): SetValue {
  return typeof element === 'object' && 'value' in element ? element.value : element
}

/** A value of the kind, or an object with one and its time. */
function elementSchema(kind: ValueKind<unknown>): Schema<SetValue | SetElement> {
  const value = kind.element as Schema<SetValue>
  const withTime = object<SetElement>({ value: required(checked(kind)), timeout: milliseconds(1) })
  return {
    expected: `${kind.expected}, or { value, timeout }`,
    types: [...value.types.filter((it) => it !== 'object'), 'object'],
    read: (given, place) => {
      const isObject = typeof given === 'object' && given !== null && 'value' in given
      return isObject ? withTime.read(given, place) : checked(kind).read(given, place)
    },
  }
}

/** Values that are of the kind, addresses of its IP version. */
function checked(kind: ValueKind<unknown>): Schema<SetValue> {
  return {
    expected: kind.expected,
    types: kind.element.types,
    read: (given, place) => {
      const value = kind.element.read(given, place) as SetValue
      if (typeof value === 'string' && kind.parse(value) === undefined) throw place.outOfRange(kind.expected, value)
      return value
    },
  }
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, milliseconds)
    function done(): void {
      signal?.removeEventListener('abort', aborted)
      resolve()
    }
    function aborted(): void {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', aborted, { once: true })
  })
}
