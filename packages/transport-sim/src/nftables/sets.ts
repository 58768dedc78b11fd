/** The sets of a table: keys or intervals, in the order of their keys, and what belongs to them. */
import { SetFlag } from '@ringlink/codec'
import type { ReplyWriter } from '../nfnetlink/reply.ts'
import type { ChainProgram, Evaluate } from './expressions/evaluate.ts'

/** The properties of a new set. */
export interface SetProperties {
  readonly name: string
  readonly handle: bigint
  /** bits of `SetFlag` */
  readonly flags: number
  readonly keyType: number | undefined
  /** bytes */
  readonly keyLength: number
  /** of a map: nft's type of its values, and their bytes; a map of verdicts has type 0xffffff00 */
  readonly dataType: number | undefined
  readonly dataLength: number
  readonly policy: number | undefined
  /** bytes of each part of a key that is made of several */
  readonly fields: readonly number[]
  readonly size: number | undefined
  /** milliseconds; of elements that have no time of their own */
  readonly timeout: bigint | undefined
  readonly userData: Uint8Array | undefined
}

/** An expression that an element has for itself. */
export interface ElementExpression {
  readonly name: string
  readonly evaluate: Evaluate
  readonly dump?: (reply: ReplyWriter, reset: boolean) => void
}

/** A chain that a map of verdicts jumps to. */
export interface MapJump extends ChainProgram {
  readonly name: string
  /** rules in it, and jumps to it */
  use: number
}

/** A key of a set; in a set of intervals, where one begins or (`isEnd`) the first that it does not have any more. */
export interface SetElement {
  readonly key: Uint8Array
  /** the last key of a range, where every part of the key has one */
  readonly keyEnd: Uint8Array | undefined
  readonly isEnd: boolean
  readonly userData: Uint8Array | undefined
  readonly data: Uint8Array | undefined
  /** what a map of verdicts says for the key */
  readonly verdict: number | undefined
  /** of jump and goto */
  readonly target: MapJump | undefined
  /** milliseconds, where it has a time of its own */
  readonly timeout: bigint | undefined
  /** nanoseconds of the kernel's clock; `undefined`: never */
  expires: number | undefined
  /** what it does with each packet that finds it */
  readonly expression: ElementExpression | undefined
}

/** NFT_DATA_VERDICT */
export const VERDICT_TYPE = 0xffff_ff00

/** A set of keys, or of intervals. */
export class NfTablesSet {
  readonly properties: SetProperties
  /** rules that look it up */
  use = 0
  #elements: SetElement[] = []
  #keys = new Map<string, SetElement>()
  // The elements are in their order; where not, they are sorted before they are needed in it.
  #isSorted = true
  #now: () => number

  constructor(properties: SetProperties, now: () => number) {
    this.properties = properties
    this.#now = now
  }

  get isAnonymous(): boolean {
    return (this.properties.flags & SetFlag.Anonymous) !== 0
  }

  get isInterval(): boolean {
    return (this.properties.flags & SetFlag.Interval) !== 0
  }

  get isMap(): boolean {
    return (this.properties.flags & SetFlag.Map) !== 0
  }

  /** its keys are made of several parts, of which each has a range */
  get isConcatenation(): boolean {
    return this.isInterval && this.properties.fields.length > 1
  }

  /** in the order of their keys, ends before beginnings; those whose time is over are gone */
  get elements(): readonly SetElement[] {
    this.#sort()
    const now = this.#now()
    const isOver = ({ expires }: SetElement) => expires !== undefined && expires <= now
    if (this.#elements.some(isOver)) for (const element of this.#elements.filter(isOver)) this.remove(element)
    return this.#elements
  }

  /** the chains that a map of verdicts jumps to */
  get targets(): readonly MapJump[] {
    if (this.properties.dataType !== VERDICT_TYPE) return []
    return this.elements.flatMap(({ target }) => target ?? [])
  }

  find(key: Uint8Array, isEnd: boolean): SetElement | undefined {
    const found = this.#keys.get(keyText(key, isEnd))
    if (found?.expires === undefined || found.expires > this.#now()) return found
    this.remove(found)
    return undefined
  }

  /** Whether there is room for another element. */
  get isFull(): boolean {
    const { size } = this.properties
    return size !== undefined && size !== 0 && this.#elements.length >= size && this.elements.length >= size
  }

  add(element: SetElement): void {
    this.#keys.set(keyText(element.key, element.isEnd), element)
    const last = this.#elements.at(-1)
    if (last === undefined || compareElements(last, element) <= 0) this.#elements.push(element)
    else if (this.isInterval && this.#isSorted) this.#elements.splice(this.#placeOf(element), 0, element)
    else {
      this.#elements.push(element)
      this.#isSorted = false
    }
  }

  remove(element: SetElement): void {
    this.#keys.delete(keyText(element.key, element.isEnd))
    const last = this.#elements.at(-1)
    if (last === element) this.#elements.pop()
    else this.#elements.splice(this.#elements.indexOf(element), 1)
  }

  /**
   * Whether an element that is not in a set of intervals would begin or end within one of them, or end what began
   * before one: a beginning follows an end, and an end follows a beginning and comes before another one.
   */
  overlaps(element: SetElement): boolean {
    this.#sort()
    const now = this.#now()
    const isOver = (it: SetElement | undefined) => it?.expires !== undefined && it.expires <= now
    let next = this.#placeOf(element)
    let last = next - 1
    while (isOver(this.#elements[next])) next++
    while (isOver(this.#elements[last])) last--
    const [before, after] = [this.#elements[last], this.#elements[next]]
    return element.isEnd ? before?.isEnd === true || after?.isEnd === true : before?.isEnd === false
  }

  /** The index of the first element that is not before this one, in their order. */
  #placeOf(element: SetElement): number {
    let low = 0
    let high = this.#elements.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareElements(this.#elements[middle] as SetElement, element) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The element that the key at `at` is, or lies in. */
  lookUp(bytes: Uint8Array, at: number): SetElement | undefined {
    const found = this.#search(bytes, at)
    return found?.expires !== undefined && found.expires <= this.#now() ? undefined : found
  }

  #search(bytes: Uint8Array, at: number): SetElement | undefined {
    const { keyLength } = this.properties
    if (!this.isInterval) return this.#keys.get(keyText(bytes.subarray(at, at + keyLength), false))
    this.#sort()
    if (this.isConcatenation) return this.#elements.find((element) => this.#isWithin(element, bytes, at))
    const elements = this.#elements
    // The last element that is not after the key: equal to it, or the beginning or end before it.
    let low = 0
    let high = elements.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareKey((elements[middle] as SetElement).key, bytes, at, keyLength) <= 0) low = middle + 1
      else high = middle
    }
    const found = elements[low - 1]
    return found === undefined || found.isEnd ? undefined : found
  }

  #isWithin({ key, keyEnd = key }: SetElement, bytes: Uint8Array, at: number): boolean {
    let start = 0
    return this.properties.fields.every((length) => {
      const part = (whole: Uint8Array) => whole.subarray(start, start + length)
      const isIn =
        compareKey(part(key), bytes, at + start, length) <= 0 &&
        compareKey(part(keyEnd), bytes, at + start, length) >= 0
      start += (length + 3) & ~3
      return isIn
    })
  }

  #sort(): void {
    if (this.#isSorted) return
    this.#elements.sort(compareElements)
    this.#isSorted = true
  }
}

function keyText(key: Uint8Array, isEnd: boolean): string {
  let text = isEnd ? 'e' : ''
  for (let i = 0; i < key.length; i++) text += String.fromCharCode(key[i] as number)
  return text
}

function compareElements(first: SetElement, second: SetElement): number {
  const order = compareKey(first.key, second.key, 0, second.key.length)
  return order !== 0 ? order : Number(second.isEnd) - Number(first.isEnd)
}

/** Negative where `key` is before the bytes at `at`. */
function compareKey(key: Uint8Array, bytes: Uint8Array, at: number, length: number): number {
  for (let i = 0; i < length; i++) {
    const difference = (key[i] as number) - (bytes[at + i] as number)
    if (difference !== 0) return difference
  }
  return 0
}
