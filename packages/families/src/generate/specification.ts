/** A whole specification. */
import { type Definition, readDefinitions } from './definitions.ts'
import { type GroupDefinition, type OperationDefinition, readGroups, readOperations } from './operations.ts'
import { readSets, readSubMessages, type SetDefinition, type SubMessageFormat } from './sets.ts'
import { readSource, type Source } from './source.ts'

export interface Specification {
  readonly name: string
  readonly isGeneric: boolean
  /** the netlink protocol of a family that is not generic */
  readonly protocol: number
  readonly version: number
  readonly definitions: ReadonlyMap<string, Definition>
  readonly sets: ReadonlyMap<string, SetDefinition>
  readonly subMessages: ReadonlyMap<string, readonly SubMessageFormat[]>
  readonly operations: readonly OperationDefinition[]
  readonly groups: readonly GroupDefinition[]
  readonly source: Source
}

const protocols = ['genetlink', 'genetlink-c', 'genetlink-legacy', 'netlink-raw'] as const

/** Reads a specification's text. Throws `SpecificationError`: file, line and reason. */
export function readSpecification(text: string, file: string): Specification {
  const source = readSource(text, file)
  const name = source.need('name').text()
  const protocol = source.get('protocol')?.oneOf(protocols) ?? 'genetlink'
  const definitions = readDefinitions(source, name)
  return {
    name,
    isGeneric: protocol !== 'netlink-raw',
    protocol: protocol === 'netlink-raw' ? source.need('protonum').number() : 16,
    version: source.get('version')?.number() ?? 1,
    definitions,
    sets: readSets(source, name, definitions),
    subMessages: readSubMessages(source),
    operations: readOperations(source, name),
    groups: readGroups(source),
    source,
  }
}
