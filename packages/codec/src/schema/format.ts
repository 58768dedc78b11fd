/**
 * The description of an attribute set: one table says of each attribute its number, name, type, byte order, nesting and
 * bounds, and everything else (typed reading and writing, checks, names in errors and extended acks, the arbitraries of
 * `@ringlink/codec/arbitrary`, the inspector) is derived from it. A new attribute is one line of a table.
 *
 * Tables are for messages that are rare; the ones that are not have a view of their own, which a test holds to its
 * table.
 */
import { ATTRIBUTE_HEADER_LENGTH, MAXIMUM_ATTRIBUTE_LENGTH } from '../wire/attribute.ts'

/** The longest payload of an attribute, in bytes. */
export const MAXIMUM_PAYLOAD = MAXIMUM_ATTRIBUTE_LENGTH - ATTRIBUTE_HEADER_LENGTH

/** How a payload is laid out. `order` is the byte order on the wire. */
export type AttributeFormat = SettledFormat | UnionFormat

/** A format that does not depend on other attributes. */
export type SettledFormat = SingleFormat | MultiFormat

/** The format of one attribute on its own. */
export type SingleFormat =
  | { readonly kind: 'flag' }
  | { readonly kind: 'padding' }
  | IntegerFormat
  | VariableIntegerFormat
  | { readonly kind: 'text'; readonly maximum: number }
  | { readonly kind: 'bytes'; readonly minimum: number; readonly maximum: number; readonly hint?: Hint | undefined }
  | ArrayFormat
  | StructFormat
  | { readonly kind: 'nested'; readonly set: () => AttributeSet }
  | BodyFormat
  | { readonly kind: 'list'; readonly element: () => AttributeSet }
  | IndexedFormat
  | TypeValueFormat
  | { readonly kind: 'sequence'; readonly set: () => AttributeSet }

/**
 * How a value is shown to people. `ip` is for 16 bytes of which an IPv4 address has the first four: a number called
 * `family` says which it is, in the struct or attributes that have the bytes, in a struct beside them, or in what is
 * around them.
 */
export type Hint = 'ipv4' | 'ipv6' | 'ipv4-or-v6' | 'ip' | 'mac' | 'hex' | 'uuid'

/** Names of an integer's values, or of its bits. */
export interface Constants {
  /** what the kernel's names begin with: `IFF_` */
  readonly prefix: string
  /** the object of constants: values by their names, each in PascalCase of the kernel's */
  readonly values: Readonly<Record<string, number | bigint>>
  /** the values are bits that may be combined */
  readonly isFlags: boolean
}

/** A packed C struct. */
export interface StructFormat {
  readonly kind: 'struct'
  readonly fields: readonly StructField[]
  /**
   * bytes of the fields, without those of a last array whose length the payload tells; a newer kernel may append more
   */
  readonly size: number
  /** bytes that the kernel sends at least: fields that an older kernel does not have read as zero; default `size` */
  readonly minimum?: number | undefined
}

/** Where a struct's value has the bytes after the fields that are known. */
export const STRUCT_TAIL = 'unknown'
/** Where the value of a message or sub-message has the struct that its attributes follow. */
export const FIXED_HEADER = 'header'

/**
 * A sub-message: attributes of the set that the selector names, which is member `key` of the same attributes, or
 * (`outer`) of those around them: a text, or an integer by its decimal digits.
 */
export interface UnionFormat {
  readonly kind: 'union'
  readonly key: string
  readonly sets: Readonly<Record<string, SubMessage>>
  readonly outer?: boolean | undefined
}

/** What a selector chooses: attributes alone, or a struct with or without attributes following it. */
export type SubMessage = AttributeSet | BodyFormat

/** A struct, and the attributes that follow it. */
export interface BodyFormat {
  readonly kind: 'body'
  readonly header: StructFormat
  readonly set: AttributeSet | undefined
}

export interface IntegerFormat {
  readonly kind: 'integer'
  readonly size: 1 | 2 | 4 | 8
  readonly order: 'network' | 'host'
  readonly signed: boolean
  readonly constants?: Constants | undefined
  readonly hint?: Hint | undefined
}

/** `uint` and `sint`: four bytes on the wire where the value fits them, else eight. */
export interface VariableIntegerFormat {
  readonly kind: 'variable'
  readonly signed: boolean
  readonly constants?: Constants | undefined
}

/** Integers without headers of their own, as many as the payload holds. */
export interface ArrayFormat {
  readonly kind: 'array'
  readonly element: IntegerFormat
}

/** An attribute that is repeated, one value each time (multi-attr). */
export interface MultiFormat {
  readonly kind: 'multi'
  readonly element: SingleFormat
}

/** A nest whose attributes' types are indices (indexed-array). */
export interface IndexedFormat {
  readonly kind: 'indexed'
  readonly element: SingleFormat
}

/** Nests within a nest whose types are values, one for each of `levels` (nest-type-value). */
export interface TypeValueFormat {
  readonly kind: 'type-value'
  readonly levels: readonly string[]
  readonly element: SingleFormat
}

/** A field of a struct payload; one without a name is padding. */
export interface StructField {
  readonly name: string | undefined
  readonly offset: number
  readonly format: FieldFormat
}

export type FieldFormat =
  | IntegerFormat
  | { readonly kind: 'bytes'; readonly minimum: number; readonly maximum: number; readonly hint?: Hint | undefined }
  /** characters of a fixed number of bytes, ended by a zero byte where they are fewer */
  | { readonly kind: 'characters'; readonly size: number }
  | StructFormat
  /** as many elements as the payload holds: the last field of a struct */
  | { readonly kind: 'rest'; readonly element: StructFormat | IntegerFormat }

/** One attribute of a set. `Value` is what reading gives and writing takes; it exists only for the type checker. */
export interface Attribute<out Value = unknown> {
  readonly number: number
  /** the name in the uapi header */
  readonly kernelName: string
  readonly format: AttributeFormat
  /** it is written with the bit `AttributeBit.NetworkOrder`, without which the kernel refuses it */
  readonly isMarked?: boolean | undefined
  readonly valueType?: Value
}

/** An attribute set; made by {@link attributeSet}. */
export interface AttributeSet<
  Members extends Readonly<Record<string, Attribute>> = Readonly<Record<string, Attribute>>,
> {
  /** the common prefix of the kernel's names */
  readonly name: string
  readonly members: Members
  /** the name of member `number`, at index `number` */
  readonly names: readonly (string | undefined)[]
  /** numbers and names of the attributes that select sub-messages of the set, or of nests of it, if there are any */
  readonly selectors?: ReadonlyMap<number, string> | undefined
  /** names of those that select within nests */
  readonly selecting?: readonly string[] | undefined
}

/** The values of a set's attributes; those that are not there are `undefined`, and 0 is a value. */
export type AttributeValues<Set extends AttributeSet> = {
  -readonly [Name in keyof Set['members']]?: AttributeValue<Set['members'][Name]> | undefined
} & {
  /** attributes that the table does not know, in wire order */
  unknown?: UnknownAttribute[] | undefined
}

/** The value of one attribute. */
export type AttributeValue<A> = A extends Attribute<infer Value> ? Value : never

/** An attribute without a description. */
export interface UnknownAttribute {
  type: number
  /** the flag bits of `nla_type` */
  bits: number
  payload: Uint8Array
}

/**
 * Makes a set of its members. `selecting` are the members that select sub-messages within nests of the set. Throws
 * `TypeError` for two members with one number, a member called `unknown`, and a sub-message whose selector is not a
 * text or an integer of the set.
 */
export function attributeSet<const Members extends Readonly<Record<string, Attribute>>>(
  name: string,
  members: Members,
  selecting: readonly (keyof Members & string)[] = [],
): AttributeSet<Members> {
  if ('unknown' in members) throw new TypeError(`${name}: "unknown" is where attributes without a description go`)
  const names: (string | undefined)[] = []
  for (const [member, { number }] of Object.entries(members)) {
    if (names[number] !== undefined) throw new TypeError(`${name}: ${member} and ${names[number]} are both ${number}`)
    names[number] = member
  }
  const selectors = selectorsOf(name, members, selecting)
  return { name, members, names, selectors, selecting: selecting.length === 0 ? undefined : selecting }
}

function selectorsOf(
  name: string,
  members: Readonly<Record<string, Attribute>>,
  selecting: readonly string[],
): ReadonlyMap<number, string> | undefined {
  const selectors = new Map<number, string>()
  const add = (member: string, key: string) => {
    const selector = Object.hasOwn(members, key) ? members[key] : undefined
    if (selector?.format.kind !== 'text' && selector?.format.kind !== 'integer') {
      throw new TypeError(`${name}: the selector of ${member} must be a text or an integer of the set, got ${key}`)
    }
    selectors.set(selector.number, key)
  }
  for (const [member, { format }] of Object.entries(members)) {
    if (format.kind === 'union' && format.outer !== true) add(member, format.key)
  }
  for (const key of selecting) add('sub-messages within', key)
  return selectors.size === 0 ? undefined : selectors
}

/** What a selector names for a sub-message, if there is something of that name. */
export function selectedSubMessage({ sets }: UnionFormat, selector: string | undefined): SubMessage | undefined {
  return selector !== undefined && Object.hasOwn(sets, selector) ? sets[selector] : undefined
}

/** The format of a sub-message that was selected. */
export function subMessageFormat(chosen: SubMessage): SingleFormat {
  return 'kind' in chosen ? chosen : { kind: 'nested', set: () => chosen }
}

/** An attribute whose format does not depend on what is beside it. */
export interface SettledAttribute extends Attribute {
  readonly format: SettledFormat
}

/** The numbers of a set's attributes, by the names of its members. */
export type AttributeNumbers<Set extends AttributeSet> = { readonly [Name in keyof Set['members']]: number }

export function attributeNumbers<Set extends AttributeSet>(set: Set): AttributeNumbers<Set> {
  const numbers = Object.entries(set.members).map(([name, { number }]) => [name, number])
  return Object.fromEntries(numbers) as AttributeNumbers<Set>
}

/** Selectors by the names of their members: texts, and integers in decimal digits. */
export type Selectors = ReadonlyMap<string, string>

export const NO_SELECTORS: Selectors = new Map()

/** The smallest and largest payload of a format, in bytes. */
export function payloadBounds(format: AttributeFormat): { minimum: number; maximum: number } {
  switch (format.kind) {
    case 'flag':
      return { minimum: 0, maximum: 0 }
    case 'integer':
      return { minimum: format.size, maximum: format.size }
    case 'variable':
      return { minimum: 4, maximum: 8 }
    case 'struct':
      // The kernel may append fields to a struct, and pads some: what is longer than known keeps the rest as bytes.
      return { minimum: format.minimum ?? format.size, maximum: MAXIMUM_PAYLOAD }
    case 'body':
      return { minimum: format.header.size, maximum: MAXIMUM_PAYLOAD }
    case 'text':
      return { minimum: 0, maximum: format.maximum + 1 }
    case 'bytes':
      return { minimum: format.minimum, maximum: format.maximum }
    case 'multi':
      return payloadBounds(format.element)
    case 'padding':
    case 'array':
    case 'nested':
    case 'list':
    case 'indexed':
    case 'type-value':
    case 'sequence':
    case 'union':
      return { minimum: 0, maximum: MAXIMUM_PAYLOAD }
  }
}

/** The description of attribute `number`, if the set has it. */
export function attributeByNumber(set: AttributeSet, number: number): Attribute | undefined {
  const name = set.names[number]
  return name === undefined ? undefined : set.members[name]
}
