/**
 * A set of installed rules: its elements are added, deleted, replaced, listed and watched while packets are looked up
 * in it.
 */
import {
  Errno,
  isNetlinkError,
  KernelError,
  NfTablesMessage,
  nfnetlinkHeader,
  readNfnetlinkAttributes,
  setElementListAttributes,
} from '@ringlink/codec'
import { boolean, milliseconds, OptionPlace, object, readOptions, type Schema } from '@ringlink/codec/options'
import { ClientError, type ClientErrorCode } from '../../errors.ts'
import type { Session } from '../../session.ts'
import { type BatchPart, performBatch } from '../batch.ts'
import { familyNumbers } from '../chains.ts'
import { explainBatch } from '../errors.ts'
import type { RuleTable } from '../messages.ts'
import { ElementReader } from './element-values.ts'
import {
  type CheckedElements,
  chunksOf,
  type ElementChange,
  elementMessage,
  type KeyedElement,
  LARGEST_MESSAGE,
} from './elements.ts'
import { listedElements } from './listing.ts'
import { shapeOf } from './shape.ts'
import type { ListedElement, SetElement, SetOptions, SetValue } from './types.ts'

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
  #reader: ElementReader
  #hasOwnEnd: boolean

  /** For `Rules.set`. `chains` are those that the verdicts of a map can jump to. */
  constructor(session: Session, table: RuleTable, name: string, options: SetOptions, chains: readonly string[]) {
    this.name = name
    this.options = options
    this.#session = session
    this.#table = table
    this.#reader = new ElementReader(options, chains)
    this.#hasOwnEnd = shapeOf(options).hasOwnEnd
  }

  /**
   * Adds elements, thousands at once: all of them, or none. Rejects with `ARGUMENT` and `VALUE_RANGE` for what is not
   * an element of this set, before anything is sent, `SET_FULL`, and `ELEMENT_EXISTS` for a range that overlaps one
   * that is there, for an element that a map has with something else, or with `exclusive`.
   */
  async add(
    elements: SetValue | SetElement | readonly (SetValue | SetElement)[],
    given: AddOptions = {},
  ): Promise<void> {
    const { timeout, exclusive = false } = readOptions(this.#operation('add to'), addOptions, given)
    if (this.#hasOwnEnd && !exclusive) await this.#addRanges(this.#keyed('add to', elements, timeout))
    else await this.#change([[exclusive ? 'addNew' : 'add', this.#read('add to', elements, timeout)]])
  }

  /** Deletes elements: all of them, or none. Rejects with `ELEMENT_MISSING` if one is not in the set. */
  async delete(elements: SetValue | readonly SetValue[]): Promise<void> {
    const keyed = this.#reader.values(elements, this.#place('delete from'))
    if (this.#hasOwnEnd) await this.#checkExact(keyed)
    await this.#change([['delete', keyed]])
  }

  /**
   * Puts these elements in the place of all that are there: packets are looked up in the old ones or in the new ones.
   * Linux 6.1 does not hold that for ranges of several values: packets that come at that moment meet none.
   */
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
    const [element] = this.#reader.values(value, this.#place('look up in'))
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
    return listedElements(elements, this.options)
  }

  /**
   * What is added and removed, by rules, by programs and by time: the set is listed again and again, so what comes and
   * goes between two looks is not seen. The first change has all that are there. An element of a map that has something
   * else now was removed and added.
   */
  async *watch({ interval = DEFAULT_INTERVAL, signal }: WatchOptions = {}): AsyncGenerator<SetChange, void, undefined> {
    let before = new Map<string, SetValue>()
    for (;;) {
      signal?.throwIfAborted()
      const now = new Map((await this.list()).map(({ value, to }) => [JSON.stringify([value, to]), value]))
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

  #place(what: string): OptionPlace {
    return new OptionPlace(this.#operation(what), 'elements')
  }

  #read(what: string, given: unknown, timeout: number | undefined): CheckedElements {
    return this.#reader.plainAddresses(given, timeout) ?? this.#keyed(what, given, timeout)
  }

  #keyed(what: string, given: unknown, timeout: number | undefined): KeyedElement[] {
    return this.#reader.elements(given, timeout, this.#place(what))
  }

  /**
   * Adds ranges of several values. Kernels before 6.18 take one for another that begins alike (they compare the first
   * four bytes) and add nothing, without an error; so each must be new, except those that the set has exactly so.
   */
  async #addRanges(elements: readonly KeyedElement[]): Promise<void> {
    try {
      await this.#change([['addNew', elements]])
    } catch (error) {
      if (!isNetlinkError(error, 'ELEMENT_EXISTS')) throw error
      const known = await this.#known('add to')
      const others = elements.filter((element) => !known.has(textOf(element)))
      if (others.length === elements.length) throw error
      await this.#change([['addNew', others]])
    }
  }

  /** The kernel deletes the element that the beginning of a range lies in, even if their ends differ. */
  async #checkExact(elements: readonly KeyedElement[]): Promise<void> {
    const known = await this.#known('delete from', false)
    if (elements.every((element) => known.has(textOf(element)))) return
    throw new ClientError(
      'ELEMENT_MISSING',
      `${this.#operation('delete from')}: an element is not there; nothing was changed`,
    )
  }

  /** The elements that are there, as texts. */
  async #known(what: string, withTargets = true): Promise<ReadonlySet<string>> {
    const listed = await this.list()
    const place = this.#place(what)
    const known = withTargets
      ? this.#reader.elements(
          listed.map(({ value, to }) => ({ value, to })),
          undefined,
          place,
        )
      : this.#reader.values(
          listed.map(({ value }) => value),
          place,
        )
    return new Set(known.map(textOf))
  }

  /** Carries changes out in one batch. */
  async #change(changes: readonly (readonly [ElementChange, CheckedElements | undefined])[]): Promise<void> {
    const parts = changes.flatMap(([change, elements]): BatchPart[] => {
      const chunks = elements === undefined ? [undefined] : [...chunksOf(elements)]
      return chunks.map((chunk) => ({
        kind: 'element',
        what: `${change === 'delete' ? 'delete from' : 'add to'} set ${this.name}`,
        ...elementMessage(this.#table, this.name, chunk, change, this.#hasOwnEnd),
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
}

const codes: ReadonlyMap<number, readonly [ClientErrorCode, string]> = new Map([
  [ENFILE, ['SET_FULL', 'it has as many elements as its size allows']],
  [Errno.EEXIST, ['ELEMENT_EXISTS', 'an element, or a range that overlaps it, is there already']],
  [Errno.ENOENT, ['ELEMENT_MISSING', 'an element is not there']],
])

/** Everything that makes an element, except its time. */
function textOf({ key, end = key, to }: KeyedElement): string {
  return JSON.stringify([[...key], [...end], to])
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
