/** Constants and layouts of structs as TypeScript. */
import { type ConstantsDefinition, definitionOf, type StructDefinition, type StructMember } from './definitions.ts'
import type { Module } from './module.ts'
import { camelCase, kernelCase, key, literal, pascalCase } from './names.ts'
import type { Source } from './source.ts'

/** The object of constants, and its type. */
function constantsObject(module: Module, { name, prefix, kind, entries }: ConstantsDefinition): string {
  const constant = module.constantName(name)
  const lines = entries.flatMap((entry) => [
    `  /** ${prefix}${kernelCase(entry.name)} */`,
    `  ${key(pascalCase(entry.name))}: ${integer(entry.value, kind)},`,
  ])
  return [
    `export const ${constant} = {`,
    ...lines,
    '} as const',
    `export type ${constant} = (typeof ${constant})[keyof typeof ${constant}]`,
  ].join('\n')
}

function integer(value: bigint, kind: 'enum' | 'flags'): string {
  const text = kind === 'flags' ? `0x${value.toString(16)}` : String(value)
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? `${text}n` : text
}

/** The argument that names an integer's values, if it has an enum. */
export function meaning(
  module: Module,
  { constants, isFlags, hint }: { constants: string | undefined; isFlags: boolean; hint?: string | undefined },
  source: Source,
): string | undefined {
  if (constants === undefined) {
    if (hint !== 'ipv4') return undefined
    return "{ hint: 'ipv4' }"
  }
  const definition = definitionOf(module.specification.definitions, constants, ['enum', 'flags'], source)
  return `{ constants: ${meaningOf(module, definition, isFlags)} }`
}

/** The declaration of what {@link meaning} names. */
function meaningDeclaration(module: Module, definition: ConstantsDefinition, isFlags: boolean): string {
  const { prefix, kind, entries } = definition
  const name = module.meaningName(definition, isFlags)
  if (isFlags && kind === 'enum') {
    // Numbers of bits, where the values are bits.
    const bits = entries.map((entry) => `${key(pascalCase(entry.name))}: ${integer(1n << entry.value, 'flags')}`)
    return `const ${name} = ${module.use('flags')}(${literal(prefix)}, { ${bits.join(', ')} })`
  }
  const values = module.constantName(definition.name)
  return `const ${name} = ${module.use(kind === 'flags' ? 'flags' : 'enumeration')}(${literal(prefix)}, ${values})`
}

/** The layout of a struct. An older kernel may send less of it: that reads as zero. */
function structLayout(module: Module, definition: StructDefinition): string {
  const names = fieldNames(definition)
  const lines = definition.members.map((member, index) => {
    const isLast = index === definition.members.length - 1
    return `    ${key(names[index] as string)}: ${fieldType(module, member, isLast)},`
  })
  const name = literal(definition.name)
  const layout = module.layoutName(definition.name)
  const type = module.structName(definition.name)
  return [
    `export const ${layout} = ${module.use('structure')}(`,
    '  {',
    ...lines,
    '  },',
    `  ${name},`,
    '  0,',
    ')',
    `export interface ${type} extends ${module.useType('StructureValue')}<typeof ${layout}> {}`,
  ].join('\n')
}

/** The fields' names without what all of them begin with (`ifi-`). */
function fieldNames({ members }: StructDefinition): string[] {
  const named = members.filter(({ type }) => type !== 'pad')
  const [first] = named
  const prefix = first === undefined ? '' : first.name.slice(0, first.name.indexOf('-') + 1)
  const isShared =
    prefix !== '' &&
    named.length > 1 &&
    named.every(({ name }) => name.startsWith(prefix) && /^[a-z]/.test(name.slice(prefix.length)))
  const taken = new Set<string>()
  return members.map(({ name, type }) => {
    const base = camelCase(isShared && type !== 'pad' ? name.slice(prefix.length) : name)
    let free = type === 'pad' ? (base.startsWith('pad') ? base : `pad${pascalCase(base)}`) : base
    if (type !== 'pad' && (free.startsWith('pad') || free === 'unknown')) free = `${free.replace(/^pad/, 'pd')}Field`
    for (let count = 2; taken.has(free); count++) free = `${base}${count}`
    taken.add(free)
    return free
  })
}

function fieldType(module: Module, member: StructMember, isLast: boolean): string {
  const { type, source } = member
  if (member.struct !== undefined) {
    const struct = definitionOf(module.specification.definitions, member.struct, ['struct'], source)
    const helper = isLast && module.isOpenEnd(member.name) ? 'rest' : 'inner'
    return `${module.use(helper)}(${layoutOf(module, struct)})`
  }
  switch (type) {
    case 'pad':
    case 'binary':
    case 'string': {
      if (member.length === undefined) throw source.error('len is missing')
      if (type === 'string') return `${module.use('characters')}(${member.length})`
      if (type === 'pad' || member.hint === undefined) return String(member.length)
      return `${module.use('bytesField')}(${member.length}, ${literal(member.hint)})`
    }
    default: {
      const name = literal(orderedType(type, member.isBigEndian))
      const means = meaning(module, member, source)
      return means === undefined ? name : `${module.use('field')}(${name}, ${means})`
    }
  }
}

/** `be32` of `u32` in network order. */
export function orderedType(type: string, isBigEndian: boolean): string {
  if (!isBigEndian || type.endsWith('8')) return type
  return `${type.startsWith('s') ? 'sbe' : 'be'}${type.slice(1)}`
}

/** Declares the names of an integer's values, and what they are. */
function meaningOf(module: Module, definition: ConstantsDefinition, asFlags: boolean): string {
  const isFlags = asFlags || definition.kind === 'flags'
  constantsOf(module, definition)
  const name = module.meaningName(definition, isFlags)
  module.declare(name, () => meaningDeclaration(module, definition, isFlags))
  return name
}

/** Declares the object of constants. */
export function constantsOf(module: Module, definition: ConstantsDefinition): void {
  module.declare(module.constantName(definition.name), () => constantsObject(module, definition))
}

/** Declares a layout; its name. */
export function layoutOf(module: Module, definition: StructDefinition): string {
  const name = module.layoutName(definition.name)
  module.declare(name, () => structLayout(module, definition))
  return name
}
