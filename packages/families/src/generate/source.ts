/** A specification's YAML as values that know their line, so that every refusal says where. */
import { escapeText } from '@ringlink/codec'
import { nearestNames } from '@ringlink/codec/options'
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { SpecificationError } from './errors.ts'
import { KEYS } from './keys.ts'

/** More levels than this are a specification that refers to itself. */
const MAXIMUM_DEPTH = 64

/** One value of a specification. */
export class Source {
  readonly file: string
  readonly line: number
  readonly path: string
  readonly #value: string | number | boolean | null | Source[] | ReadonlyMap<string, Source>

  constructor(
    place: { file: string; line: number; path: string },
    value: string | number | boolean | null | Source[] | ReadonlyMap<string, Source>,
  ) {
    this.file = place.file
    this.line = place.line
    this.path = place.path
    this.#value = value
  }

  /** The error for this value. */
  error(reason: string): SpecificationError {
    return new SpecificationError(this, `${this.path === '' ? '' : `${this.path}: `}${reason}`)
  }

  get isList(): boolean {
    return Array.isArray(this.#value)
  }

  get isMap(): boolean {
    return this.#value instanceof Map
  }

  get isNull(): boolean {
    return this.#value === null
  }

  get isNumber(): boolean {
    return typeof this.#value === 'number'
  }

  /** The member `key`, if it is there and not null. */
  get(key: string): Source | undefined {
    const map = this.#map()
    const member = map.get(key)
    return member?.isNull === true ? undefined : member
  }

  /** The member `key`. */
  need(key: string): Source {
    const member = this.get(key)
    if (member === undefined) throw this.error(`${key} is missing`)
    return member
  }

  /** Whether the member `key` is written, be it as nothing. */
  has(key: string): boolean {
    return this.#map().has(key)
  }

  list(): readonly Source[] {
    if (!Array.isArray(this.#value)) throw this.error(`must be a list, got ${this.#shown()}`)
    return this.#value
  }

  text(): string {
    const value = this.#value
    if (typeof value === 'string') return value
    // A name such as 802 is a number to YAML.
    if (typeof value === 'number' || typeof value === 'boolean') return String(value)
    throw this.error(`must be text, got ${this.#shown()}`)
  }

  number(): number {
    if (typeof this.#value === 'number' && Number.isSafeInteger(this.#value)) return this.#value
    throw this.error(`must be an integer, got ${this.#shown()}`)
  }

  boolean(): boolean {
    if (typeof this.#value === 'boolean') return this.#value
    throw this.error(`must be true or false, got ${this.#shown()}`)
  }

  /** The text, which must be one of `known`. */
  oneOf<const Word extends string>(known: readonly Word[]): Word {
    const text = this.text()
    const found = known.find((word) => word === text)
    if (found === undefined) throw this.error(`${quoted(text)} is not known${meant(text, known)}`)
    return found
  }

  #map(): ReadonlyMap<string, Source> {
    if (!(this.#value instanceof Map)) throw this.error(`must be a map, got ${this.#shown()}`)
    return this.#value
  }

  #shown(): string {
    const value = this.#value
    if (value instanceof Map) return 'a map'
    return Array.isArray(value) ? 'a list' : quoted(String(value))
  }
}

/** Reads the text of a file. Throws `SpecificationError`. */
export function readSource(text: string, file: string): Source {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, version: '1.2', prettyErrors: false })
  const [problem] = document.errors
  if (problem !== undefined) {
    const { line } = lines.linePos(problem.pos[0])
    throw new SpecificationError({ file, line }, `not YAML: ${problem.message}`, { cause: problem })
  }
  const lineOf = (node: Node | null) => (node?.range ? lines.linePos(node.range[0]).line : 1)

  function convert(given: Node | null, path: string, line: number, depth: number): Source {
    if (depth > MAXIMUM_DEPTH)
      throw new SpecificationError({ file, line }, `${path}: nested more than ${MAXIMUM_DEPTH} levels deep`)
    const node = isAlias(given) ? (given.resolve(document) ?? null) : given
    const place = { file, line: isAlias(given) ? line : node === null ? line : lineOf(node), path }
    if (isMap(node)) {
      const members = node.items.map(({ key, value }): [string, Source] => {
        const name = isScalar(key) ? String(key.value) : ''
        if (!KEYS.includes(name)) {
          const reason = `${quoted(name)} is not a key of specifications${meant(name, KEYS)}`
          const before = path === '' ? '' : `${path}: `
          throw new SpecificationError({ file, line: lineOf(key as Node) }, `${before}${reason}`)
        }
        return [
          name,
          convert(value as Node | null, path === '' ? name : `${path}.${name}`, lineOf(key as Node), depth + 1),
        ]
      })
      return new Source(place, new Map(members))
    }
    if (isSeq(node)) {
      return new Source(
        place,
        node.items.map((item, index) => convert(item as Node | null, `${path}[${index}]`, place.line, depth + 1)),
      )
    }
    const value = isScalar(node) ? node.value : null
    if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      return new Source(place, value)
    }
    throw new SpecificationError(place, `${path}: a value of a kind that specifications do not have`)
  }

  return convert(document.contents, '', 1, 0)
}

/** A name in quotes, on one line. */
export function quoted(text: string): string {
  return `"${escapeText(text.slice(0, 80))}"`
}

/** `; did you mean "x"?`, or nothing. */
export function meant(given: string, known: readonly string[]): string {
  const near = nearestNames(given, known)
  return near.length === 0 ? '' : `; did you mean ${near.map(quoted).join(' or ')}?`
}
