/** The attribute sets and sub-messages of a specification. */
import { type Definition, type HintName, integerTypes, readHint } from './definitions.ts'
import { kernelCase } from './names.ts'
import { meant, quoted, type Source } from './source.ts'

const attributeTypes = [
  ...integerTypes,
  ...(['uint', 'sint', 'flag', 'pad', 'unused', 'binary', 'string', 'nest', 'bitfield32'] as const),
  ...(['indexed-array', 'array-nest', 'nest-type-value', 'sub-message'] as const),
] as const
export type AttributeType = (typeof attributeTypes)[number]

export interface AttributeDefinition {
  readonly name: string
  readonly number: number
  readonly kernelName: string
  readonly type: AttributeType
  readonly subType: AttributeType | undefined
  readonly isBigEndian: boolean
  readonly isMulti: boolean
  readonly nested: string | undefined
  readonly struct: string | undefined
  readonly constants: string | undefined
  readonly isFlags: boolean
  readonly hint: HintName | undefined
  readonly typeValue: readonly string[] | undefined
  readonly subMessage: string | undefined
  readonly selector: string | undefined
  readonly minimum: number | undefined
  readonly maximum: number | undefined
  readonly source: Source
}

export interface SetDefinition {
  readonly name: string
  readonly prefix: string
  readonly attributes: readonly AttributeDefinition[]
  readonly source: Source
}

export interface SubMessageFormat {
  readonly value: string
  readonly set: string | undefined
  readonly header: string | undefined
  readonly source: Source
}

/** Reads `attribute-sets`; a subset takes what it does not say from the set that it is of. */
export function readSets(
  root: Source,
  family: string,
  definitions: ReadonlyMap<string, Definition>,
): ReadonlyMap<string, SetDefinition> {
  const sources = root.need('attribute-sets').list()
  const sets = new Map<string, SetDefinition>()
  const whole = sources.filter((source) => source.get('subset-of') === undefined)
  for (const source of whole) add(readSet(source, family, definitions))
  for (const source of sources) {
    const of = source.get('subset-of')
    if (of === undefined) continue
    const parent = sets.get(of.text())
    if (parent === undefined) throw of.error(`no set ${quoted(of.text())}${meant(of.text(), [...sets.keys()])}`)
    add(readSubset(source, parent, definitions))
  }
  return sets

  function add(set: SetDefinition) {
    if (sets.has(set.name)) throw set.source.error(`the set ${quoted(set.name)} is there twice`)
    sets.set(set.name, set)
  }
}

function readSet(source: Source, family: string, definitions: ReadonlyMap<string, Definition>): SetDefinition {
  const name = source.need('name').text()
  const usual = name === family ? `${family}-a-` : `${family}-a-${name}-`
  const prefix = source.get('name-prefix')?.text() ?? usual
  let next = 1
  const attributes = source
    .need('attributes')
    .list()
    .map((attribute) => {
      const number = attribute.get('value')?.number() ?? next
      next = number + 1
      return readAttribute(attribute, number, prefix, definitions, undefined)
    })
  return { name, prefix: kernelCase(prefix), attributes, source }
}

function readSubset(
  source: Source,
  parent: SetDefinition,
  definitions: ReadonlyMap<string, Definition>,
): SetDefinition {
  const attributes = source
    .need('attributes')
    .list()
    .map((attribute) => {
      const name = attribute.need('name').text()
      const whole = parent.attributes.find((known) => known.name === name)
      if (whole === undefined) {
        const names = parent.attributes.map((known) => known.name)
        throw attribute.error(`${quoted(parent.name)} has no attribute ${quoted(name)}${meant(name, names)}`)
      }
      return readAttribute(attribute, whole.number, '', definitions, whole)
    })
  // One that is listed twice is one.
  const unique = attributes.filter(({ name }, index) => attributes.findIndex((other) => other.name === name) === index)
  return { name: source.need('name').text(), prefix: parent.prefix, attributes: unique, source }
}

function readAttribute(
  source: Source,
  number: number,
  prefix: string,
  definitions: ReadonlyMap<string, Definition>,
  whole: AttributeDefinition | undefined,
): AttributeDefinition {
  const name = source.need('name').text()
  const checks = source.get('checks')
  const limit = (key: string) => {
    const given = checks?.get(key)
    return given && limitValue(given, definitions)
  }
  const exact = limit('exact-len')
  const type = source.get('type')?.oneOf(attributeTypes) ?? whole?.type
  if (type === undefined) throw source.error('type is missing')
  if (number < 0 || number > 0x3fff)
    throw source.error(`the number of ${quoted(name)} must be from 0 to 16383, got ${number}`)
  return {
    name,
    number,
    kernelName: whole?.kernelName ?? kernelCase((source.get('name-prefix')?.text() ?? prefix) + name),
    type,
    subType: source.get('sub-type')?.oneOf(attributeTypes) ?? whole?.subType,
    isBigEndian: source.has('byte-order')
      ? source.need('byte-order').oneOf(['big-endian', 'little-endian']) === 'big-endian'
      : (whole?.isBigEndian ?? false),
    isMulti: source.get('multi-attr')?.boolean() ?? whole?.isMulti ?? false,
    nested: source.get('nested-attributes')?.text() ?? whole?.nested,
    struct: source.get('struct')?.text() ?? whole?.struct,
    constants: source.get('enum')?.text() ?? whole?.constants,
    isFlags: source.get('enum-as-flags')?.boolean() ?? whole?.isFlags ?? false,
    hint: readHint(source) ?? whole?.hint,
    typeValue:
      source
        .get('type-value')
        ?.list()
        .map((level) => level.text()) ?? whole?.typeValue,
    subMessage: source.get('sub-message')?.text() ?? whole?.subMessage,
    selector: source.get('selector')?.text() ?? whole?.selector,
    minimum: exact ?? limit('min-len') ?? whole?.minimum,
    maximum: exact ?? limit('max-len') ?? whole?.maximum,
    source,
  }
}

/** A limit is a number, or a constant; one that only the kernel's headers have is not known. */
function limitValue(given: Source, definitions: ReadonlyMap<string, Definition>): number | undefined {
  if (given.isNumber) return given.number()
  const name = given.text()
  for (const definition of definitions.values()) {
    const isNamed =
      definition.kind === 'const' &&
      [definition.name, definition.kernelName.toLowerCase().replaceAll('_', '-')].includes(name)
    if (isNamed && typeof definition.value === 'number') return definition.value
  }
  return undefined
}

/** Reads `sub-messages`. */
export function readSubMessages(root: Source): ReadonlyMap<string, readonly SubMessageFormat[]> {
  const messages = (root.get('sub-messages')?.list() ?? []).map((source): [string, SubMessageFormat[]] => [
    source.need('name').text(),
    source
      .need('formats')
      .list()
      .map((format) => ({
        value: format.need('value').text(),
        set: format.get('attribute-set')?.text(),
        header: format.get('fixed-header')?.text(),
        source: format,
      })),
  ])
  return new Map(messages)
}
