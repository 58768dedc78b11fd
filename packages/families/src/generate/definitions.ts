/** The constants and structs of a specification. */
import { kernelCase } from './names.ts'
import { meant, quoted, type Source } from './source.ts'

const definitionTypes = ['const', 'enum', 'flags', 'struct', 'define'] as const
export const integerTypes = ['u8', 'u16', 'u32', 'u64', 's8', 's16', 's32', 's64'] as const
export type IntegerTypeName = (typeof integerTypes)[number]
const memberTypes = [...integerTypes, 'binary', 'string', 'pad'] as const
const hints = ['hex', 'mac', 'ipv4', 'ipv6', 'ipv4-or-v6', 'uuid'] as const
export type HintName = (typeof hints)[number]

export interface ConstantsDefinition {
  readonly kind: 'enum' | 'flags'
  readonly name: string
  readonly prefix: string
  readonly entries: readonly { readonly name: string; readonly value: bigint }[]
}

export interface StructMember {
  readonly name: string
  readonly type: (typeof memberTypes)[number]
  readonly isBigEndian: boolean
  readonly length: number | undefined
  readonly struct: string | undefined
  readonly constants: string | undefined
  readonly isFlags: boolean
  readonly hint: HintName | undefined
  readonly source: Source
}

export interface StructDefinition {
  readonly kind: 'struct'
  readonly name: string
  readonly members: readonly StructMember[]
  readonly source: Source
}

export interface ValueDefinition {
  readonly kind: 'const'
  readonly name: string
  readonly kernelName: string
  readonly value: string | number
}

export type Definition = ConstantsDefinition | StructDefinition | ValueDefinition

/** Reads `definitions`. */
export function readDefinitions(root: Source, family: string): ReadonlyMap<string, Definition> {
  const found = new Map<string, Definition>()
  for (const source of root.get('definitions')?.list() ?? []) {
    const definition = readDefinition(source, family)
    if (found.has(definition.name)) throw source.error(`${quoted(definition.name)} is defined twice`)
    found.set(definition.name, definition)
  }
  return found
}

function readDefinition(source: Source, family: string): Definition {
  const name = source.need('name').text()
  const type = source.need('type').oneOf(definitionTypes)
  switch (type) {
    case 'const':
    case 'define': {
      const value = source.get('value')
      const prefix = source.get('name-prefix')?.text() ?? `${family}-`
      return {
        kind: 'const',
        name,
        kernelName: kernelCase(prefix + name),
        value: value === undefined ? '' : value.isNumber ? value.number() : value.text(),
      }
    }
    case 'struct':
      return { kind: 'struct', name, source, members: source.need('members').list().map(readMember) }
    case 'enum':
    case 'flags':
      return {
        kind: type,
        name,
        prefix: kernelCase(source.get('name-prefix')?.text() ?? `${family}-${name}-`),
        entries: readEntries(source, type),
      }
  }
}

function readEntries(source: Source, type: 'enum' | 'flags'): { name: string; value: bigint }[] {
  let next = source.get('value-start')?.number() ?? 0
  return source
    .need('entries')
    .list()
    .map((entry) => {
      const name = entry.isMap ? entry.need('name').text() : entry.text()
      const at = (entry.isMap ? entry.get('value')?.number() : undefined) ?? next
      next = at + 1
      if (at < 0 || (type === 'flags' && at > 63))
        throw entry.error(`value ${at} cannot be a ${type === 'flags' ? 'bit' : 'value'}`)
      return { name, value: type === 'flags' ? 1n << BigInt(at) : BigInt(at) }
    })
}

function readMember(source: Source): StructMember {
  const length = source.get('len')
  return {
    name: source.need('name').text(),
    type: source.need('type').oneOf(memberTypes),
    isBigEndian: source.get('byte-order')?.oneOf(['big-endian', 'little-endian']) === 'big-endian',
    length: length?.isNumber === true ? length.number() : undefined,
    struct: source.get('struct')?.text(),
    constants: source.get('enum')?.text(),
    isFlags: source.get('enum-as-flags')?.boolean() ?? false,
    hint: readHint(source),
    source,
  }
}

/** The definition `name` of a kind. */
export function definitionOf<Kind extends Definition['kind']>(
  definitions: ReadonlyMap<string, Definition>,
  name: string,
  kinds: readonly Kind[],
  source: Source,
): Extract<Definition, { kind: Kind }> {
  const found = definitions.get(name)
  const isKind = (kind: string): kind is Kind => kinds.some((known) => known === kind)
  if (found === undefined) throw source.error(`${quoted(name)} is not defined${meant(name, [...definitions.keys()])}`)
  if (!isKind(found.kind)) throw source.error(`${quoted(name)} must be ${kinds.join(' or ')}, got ${found.kind}`)
  return found as Extract<Definition, { kind: Kind }>
}

/** How a value is shown; a hint that the tables do not have (a socket address) shows bytes as they are. */
export function readHint(source: Source): HintName | undefined {
  const text = source.get('display-hint')?.text()
  return text === 'fddi' ? 'hex' : hints.find((hint) => hint === text)
}
