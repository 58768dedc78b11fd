/** The sets of a table: keys or intervals, in the order of their keys. */
import { SetFlag } from '@ringlink/codec'

/** The properties of a new set. */
export interface SetProperties {
  readonly name: string
  readonly handle: bigint
  /** bits of `SetFlag` */
  readonly flags: number
  readonly keyType: number | undefined
  /** bytes */
  readonly keyLength: number
  readonly policy: number | undefined
  readonly size: number | undefined
  readonly userData: Uint8Array | undefined
}

/** A key of a set; in a set of intervals, where one begins or (`isEnd`) the first that it does not have any more. */
export interface SetElement {
  readonly key: Uint8Array
  readonly isEnd: boolean
  readonly userData: Uint8Array | undefined
}

/** A set of keys, or of intervals. */
export class NfTablesSet {
  readonly properties: SetProperties
  /** rules that look it up */
  use = 0
  #elements: SetElement[] = []
  #keys = new Map<string, SetElement>()

  constructor(properties: SetProperties) {
    this.properties = properties
  }

  get isAnonymous(): boolean {
    return (this.properties.flags & SetFlag.Anonymous) !== 0
  }

  get isInterval(): boolean {
    return (this.properties.flags & SetFlag.Interval) !== 0
  }

  /** in the order of their keys, ends before beginnings */
  get elements(): readonly SetElement[] {
    return this.#elements
  }

  find(key: Uint8Array, isEnd: boolean): SetElement | undefined {
    return this.#keys.get(keyText(key, isEnd))
  }

  add(element: SetElement): void {
    this.#keys.set(keyText(element.key, element.isEnd), element)
    let index = this.#elements.length
    while (index > 0 && compareElements(this.#elements[index - 1] as SetElement, element) > 0) index--
    this.#elements.splice(index, 0, element)
  }

  remove(element: SetElement): void {
    this.#keys.delete(keyText(element.key, element.isEnd))
    this.#elements.splice(this.#elements.indexOf(element), 1)
  }

  /** Whether the key that begins at `at` is in the set. */
  has(bytes: Uint8Array, at: number): boolean {
    const elements = this.#elements
    const { keyLength } = this.properties
    // The last element that is not after the key: equal to it, or the beginning or end before it.
    let low = 0
    let high = elements.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareKey((elements[middle] as SetElement).key, bytes, at, keyLength) <= 0) low = middle + 1
      else high = middle
    }
    const found = elements[low - 1]
    if (found === undefined || found.isEnd) return false
    return this.isInterval || compareKey(found.key, bytes, at, keyLength) === 0
  }
}

function keyText(key: Uint8Array, isEnd: boolean): string {
  return `${isEnd ? 'end ' : ''}${key.join('.')}`
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
