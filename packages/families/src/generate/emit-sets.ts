/** Attribute sets and sub-messages as TypeScript. */
import { definitionOf, integerTypes } from './definitions.ts'
import { layoutOf, meaning, orderedType } from './emit-definitions.ts'
import type { Module } from './module.ts'
import { camelCase, key, literal, unused } from './names.ts'
import type { AttributeDefinition, AttributeType, SetDefinition, SubMessageFormat } from './sets.ts'
import { meant, quoted, type Source } from './source.ts'

/** Names that the tables keep for themselves. */
const kept: ReadonlyMap<string, string> = new Map([
  ['unknown', 'unknownAttribute'],
  ['header', 'headerAttribute'],
])

export class SetEmitter {
  readonly #module: Module
  // Sets that are being declared: one that needs itself is described lazily.
  readonly #open = new Set<string>()
  // Sets whose messages begin with a struct: `header` is taken there.
  readonly #headed: ReadonlySet<string>

  constructor(module: Module, headed: ReadonlySet<string>) {
    this.#module = module
    this.#headed = headed
  }

  /** Declares a set and all that it needs; the name of its constant. */
  set(name: string, source: Source): string {
    const { specification } = this.#module
    const definition = specification.sets.get(name)
    if (definition === undefined) {
      throw source.error(`no attribute set ${quoted(name)}${meant(name, [...specification.sets.keys()])}`)
    }
    const constant = this.#module.setName(name)
    if (this.#open.has(name)) return constant
    this.#module.declare(constant, () => this.#declaration(definition))
    return constant
  }

  #declaration(definition: SetDefinition): string {
    const { name } = definition
    this.#open.add(name)
    const lines = this.#lines(definition)
    this.#open.delete(name)
    const constant = this.#module.setName(name)
    const type = this.#module.setTypeName(name)
    const values = `${this.#module.useType('AttributeValues')}<typeof ${constant}>`
    const selecting = this.#selecting(definition)
    const title = literal(definition.prefix.replace(/_+$/, ''))
    return [
      `export const ${constant} = ${this.#module.use('attributeSet')}(`,
      `  ${title},`,
      '  {',
      ...lines.map((line) => `    ${line}`),
      '  },',
      ...(selecting.length === 0 ? [] : [`  [${selecting.map(literal).join(', ')}],`]),
      ')',
      `export interface ${type} extends ${values} {}`,
    ].join('\n')
  }

  #lines(definition: SetDefinition): string[] {
    const members = this.memberNames(definition)
    return definition.attributes.flatMap((attribute, index) => {
      const member = members[index]
      return member === undefined ? [] : [`${key(member)}: ${this.#attribute(definition, attribute)},`]
    })
  }

  /** The names of a set's members; none for a number that is not used. */
  memberNames({ name: set, attributes }: SetDefinition): (string | undefined)[] {
    const taken = new Set<string>()
    return attributes.map(({ name, type }) => {
      if (type === 'unused') return undefined
      const base = camelCase(name)
      const isKept = base === 'unknown' || (base === 'header' && this.#headed.has(set))
      return unused(isKept ? (kept.get(base) as string) : base, taken)
    })
  }

  #attribute(set: SetDefinition, attribute: AttributeDefinition): string {
    const { type, source, typeValue } = attribute
    let text: string
    if (type === 'sub-message') return this.#subMessage(set, attribute)
    if (type === 'indexed-array' || type === 'array-nest') {
      const element = attribute.subType ?? 'nest'
      text = `${this.#module.use('indexedArray')}(${this.#single(attribute, element)})`
    } else if (type === 'nest-type-value' || typeValue !== undefined) {
      const levels = (typeValue ?? []).map((level) => literal(camelCase(level)))
      if (levels.length === 0) throw source.error('type-value is missing')
      const element = this.#single(attribute, type === 'nest-type-value' ? 'nest' : type)
      return `${this.#module.use('typeValue')}(${element}, [${levels.join(', ')}])`
    } else {
      text = this.#single(attribute, type)
    }
    return attribute.isMulti && type !== 'pad' ? `${this.#module.use('multi')}(${text})` : text
  }

  #single(attribute: AttributeDefinition, type: AttributeType): string {
    const { number, kernelName, source } = attribute
    const module = this.#module
    const call = (helper: string, ...given: (string | undefined)[]) => {
      const parts = [String(number), literal(kernelName), ...given.filter((part) => part !== undefined)]
      return `${module.use(helper)}(${parts.join(', ')})`
    }
    switch (type) {
      case 'flag':
        return call('flag')
      case 'pad':
        return call('padding')
      case 'string':
        return call('text', attribute.maximum === undefined ? undefined : String(attribute.maximum))
      case 'uint':
      case 'sint':
      case 'bitfield32':
        return call(
          type,
          meaning(
            module,
            { ...attribute, isFlags: attribute.isFlags || type === 'bitfield32', hint: undefined },
            source,
          ),
        )
      case 'nest':
        return this.#nest(attribute, call)
      case 'binary':
        return this.#binary(attribute, call)
      default: {
        const isInteger = integerTypes.some((known) => known === type)
        if (!isInteger) throw source.error(`an attribute of type ${quoted(type)} cannot be an element`)
        return call(orderedType(type, attribute.isBigEndian), meaning(module, attribute, source))
      }
    }
  }

  #nest(attribute: AttributeDefinition, call: (helper: string, ...given: string[]) => string): string {
    const { nested, source } = attribute
    if (nested === undefined) throw source.error('nested-attributes is missing')
    const constant = this.set(nested, source)
    // A set that holds itself has to say its type: it is not inferred yet.
    const type = this.#open.has(nested) ? `: ${this.#module.useType('AttributeSet')}` : ''
    return call('nest', `()${type} => ${constant}`).replace('(', `<${this.#module.setTypeName(nested)}>(`)
  }

  #binary(attribute: AttributeDefinition, call: (helper: string, ...given: string[]) => string): string {
    const { struct, subType, source, hint } = attribute
    const module = this.#module
    if (struct !== undefined) {
      return call(
        'struct',
        layoutOf(module, definitionOf(module.specification.definitions, struct, ['struct'], source)),
      )
    }
    // Elements of an indexed array of binaries are binaries.
    if (subType !== undefined && attribute.type === 'binary') {
      const type = literal(orderedType(subType, attribute.isBigEndian))
      const means = meaning(module, { ...attribute, hint: undefined }, source)
      return means === undefined ? call('array', type) : call('array', type, means)
    }
    const given: string[] = []
    if (attribute.minimum !== undefined || attribute.maximum !== undefined || hint !== undefined) {
      given.push(String(attribute.minimum ?? 0))
      if (attribute.maximum !== undefined || hint !== undefined)
        given.push(attribute.maximum === undefined ? 'undefined' : String(attribute.maximum))
      if (hint !== undefined) given.push(literal(hint))
    }
    return call('bytes', ...given)
  }

  #subMessage(set: SetDefinition, attribute: AttributeDefinition): string {
    const { selector, subMessage, source, number, kernelName } = attribute
    const { specification } = this.#module
    const formats = subMessage === undefined ? undefined : specification.subMessages.get(subMessage)
    if (formats === undefined) {
      const names = [...specification.subMessages.keys()]
      throw source.error(`no sub-message ${quoted(subMessage ?? '')}${meant(subMessage ?? '', names)}`)
    }
    if (selector === undefined) throw source.error('selector is missing')
    const own = set.attributes.find(({ name }) => name === selector)
    const lines = formats.flatMap((format) => {
      const text = this.#format(format)
      return text === undefined ? [] : [`      ${key(selectorText(this.#module, own, format))}: ${text},`]
    })
    const outer = own === undefined ? ', { outer: true }' : ''
    const arguments_ = `${number}, ${literal(kernelName)}, ${literal(camelCase(selector))}`
    const types = new Set(formats.flatMap((format) => this.#formatType(format)))
    const value = types.size === 0 ? 'never' : [...types].join(' | ')
    return `${this.#module.use('subMessage')}<${value}>(${arguments_}, {\n${lines.join('\n')}\n    }${outer})`
  }

  /** What a selector chooses; nothing where the specification says no more than its name. */
  #format({ set, header, source }: SubMessageFormat): string | undefined {
    const attributes = set === undefined ? undefined : this.set(set, source)
    if (header === undefined) return attributes
    const layout = layoutOf(
      this.#module,
      definitionOf(this.#module.specification.definitions, header, ['struct'], source),
    )
    return `${this.#module.use('body')}(${layout}${attributes === undefined ? '' : `, ${attributes}`})`
  }

  /** The type of what a selector chooses. */
  #formatType({ set, header }: SubMessageFormat): string[] {
    const attributes = set === undefined ? undefined : this.#module.setTypeName(set)
    if (header === undefined) return attributes === undefined ? [] : [attributes]
    const struct = `{ header: ${this.#module.structName(header)} }`
    return [attributes === undefined ? struct : `(${struct} & ${attributes})`]
  }

  /** Members that select sub-messages within nests of the set. */
  #selecting(definition: SetDefinition): string[] {
    const outer = new Set<string>()
    const seen = new Set<string>([definition.name])
    const visit = (name: string) => {
      const set = this.#module.specification.sets.get(name)
      if (set === undefined || seen.has(name)) return
      seen.add(name)
      for (const attribute of set.attributes) {
        const { selector } = attribute
        if (selector !== undefined && !set.attributes.some((own) => own.name === selector)) outer.add(selector)
        this.#within(attribute).forEach(visit)
      }
    }
    for (const attribute of definition.attributes) this.#within(attribute).forEach(visit)
    return definition.attributes.filter(({ name }) => outer.has(name)).map(({ name }) => camelCase(name))
  }

  #within({ nested, subMessage }: AttributeDefinition): string[] {
    const formats = subMessage === undefined ? [] : (this.#module.specification.subMessages.get(subMessage) ?? [])
    return [...(nested === undefined ? [] : [nested]), ...formats.flatMap(({ set }) => set ?? [])]
  }
}

/** The selector as the tables look for it: a text, or the digits of the number that a constant has. */
function selectorText(
  module: Module,
  selector: AttributeDefinition | undefined,
  { value, source }: SubMessageFormat,
): string {
  if (selector === undefined || selector.type === 'string') return value
  if (selector.constants === undefined) return value
  const { entries } = definitionOf(module.specification.definitions, selector.constants, ['enum', 'flags'], source)
  const entry = entries.find(({ name }) => name === value)
  if (entry === undefined)
    throw source.error(
      `${quoted(value)} is not in ${quoted(selector.constants)}${meant(
        value,
        entries.map(({ name }) => name),
      )}`,
    )
  return String(entry.value)
}
