/**
 * The description of an attribute set: one table has the number, name, type, byte order, nesting and bounds of each
 * attribute. Everything else derives from it: typed reading and writing, checks, names in errors and extended acks, the
 * arbitraries of `@ringlink/codec/arbitrary`, the inspector. A new attribute is one line of a table.
 *
 * Tables are for rare messages; frequent ones have a view, which a test compares with its table.
 */
import { ATTRIBUTE_HEADER_LENGTH, MAXIMUM_ATTRIBUTE_LENGTH } from '../wire/attribute.ts'

/** The longest payload of an attribute, in bytes. */
export const MAXIMUM_PAYLOAD = MAXIMUM_ATTRIBUTE_LENGTH - ATTRIBUTE_HEADER_LENGTH

/** The layout of a payload. `order` is the byte order on the wire. */
export type AttributeFormat =
  | { readonly kind: 'flag' }
  | IntegerFormat
  | { readonly kind: 'text'; readonly maximum: number }
  | { readonly kind: 'bytes'; readonly minimum: number; readonly maximum: number }
  | StructFormat
  | { readonly kind: 'nested'; readonly set: () => AttributeSet }
  | { readonly kind: 'list'; readonly element: () => AttributeSet }
  | { readonly kind: 'sequence'; readonly set: () => AttributeSet }
  | UnionFormat

/** A packed C struct. */
export interface StructFormat {
  readonly kind: 'struct'
  readonly fields: readonly StructField[]
  /** length of the fields in bytes; a newer kernel may append more */
  readonly size: number
}

/** The member of a struct's value that holds the bytes after the known fields. */
export const STRUCT_TAIL = 'unknown'

/** A sub-message: attributes of the set that the selector names, which is member `key` of the same attributes, a text. */
export interface UnionFormat {
  readonly kind: 'union'
  readonly key: string
  readonly sets: Readonly<Record<string, AttributeSet>>
}

export interface IntegerFormat {
  readonly kind: 'integer'
  readonly size: 1 | 2 | 4 | 8
  readonly order: 'network' | 'host'
  readonly signed: boolean
}

/** A field of a struct payload; one without a name is padding. */
export interface StructField {
  readonly name: string | undefined
  readonly offset: number
  readonly format: IntegerFormat | { readonly kind: 'bytes'; readonly minimum: number; readonly maximum: number }
}

/**
 * One attribute of a set. `Value` is the type that reading returns and writing takes; it exists only for the type
 * checker.
 */
export interface Attribute<out Value = unknown> {
  readonly number: number
  /** the name in the uapi header */
  readonly kernelName: string
  readonly format: AttributeFormat
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
  /** numbers and names of the attributes that select sub-messages, if the set has any */
  readonly selectors?: ReadonlyMap<number, string> | undefined
}

/** The values of a set's attributes. Missing ones are `undefined`; 0 is a value. */
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
 * Makes a set from its members. Throws `TypeError` for two members with the same number, a member named `unknown`, and
 * a sub-message whose selector is not a text of the set.
 */
export function attributeSet<const Members extends Readonly<Record<string, Attribute>>>(
  name: string,
  members: Members,
): AttributeSet<Members> {
  if ('unknown' in members)
    throw new TypeError(`${name}: a member cannot be named "unknown", which holds the attributes without a description`)
  const names: (string | undefined)[] = []
  for (const [member, { number }] of Object.entries(members)) {
    if (names[number] !== undefined) throw new TypeError(`${name}: ${member} and ${names[number]} are both ${number}`)
    names[number] = member
  }
  return { name, members, names, selectors: selectorsOf(name, members) }
}

function selectorsOf(
  name: string,
  members: Readonly<Record<string, Attribute>>,
): ReadonlyMap<number, string> | undefined {
  const selectors = new Map<number, string>()
  for (const [member, { format }] of Object.entries(members)) {
    if (format.kind !== 'union') continue
    const selector = Object.hasOwn(members, format.key) ? members[format.key] : undefined
    if (selector?.format.kind !== 'text') {
      throw new TypeError(`${name}: the selector of ${member} must be a text of the set, got ${format.key}`)
    }
    selectors.set(selector.number, format.key)
  }
  return selectors.size === 0 ? undefined : selectors
}

/** The set that a selector names for a sub-message, if there is one. */
export function selectedSet({ sets }: UnionFormat, selector: string | undefined): AttributeSet | undefined {
  return selector !== undefined && Object.hasOwn(sets, selector) ? sets[selector] : undefined
}

/** The smallest and largest payload of a format, in bytes. */
export function payloadBounds(format: AttributeFormat): { minimum: number; maximum: number } {
  switch (format.kind) {
    case 'flag':
      return { minimum: 0, maximum: 0 }
    case 'integer':
    case 'struct':
      // The kernel may append fields to a struct, and pads some. The rest of a longer struct is kept as bytes.
      return { minimum: format.size, maximum: format.kind === 'struct' ? MAXIMUM_PAYLOAD : format.size }
    case 'text':
      return { minimum: 0, maximum: format.maximum + 1 }
    case 'bytes':
      return { minimum: format.minimum, maximum: format.maximum }
    case 'nested':
    case 'list':
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
