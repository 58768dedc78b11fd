/** What a generated module declares, in the order in which one needs the other, and what it imports. */
import type { ConstantsDefinition } from './definitions.ts'
import { camelCase, pascalCase } from './names.ts'
import type { Specification } from './specification.ts'

export class Module {
  readonly specification: Specification
  readonly #imports = new Set<string>()
  readonly #declarations: string[] = []
  readonly #declared = new Set<string>()

  constructor(specification: Specification) {
    this.specification = specification
  }

  /** Imports a function of the codec. */
  use(name: string): string {
    this.#imports.add(name)
    return name
  }

  /** Imports a type of the codec. */
  useType(name: string): string {
    this.#imports.add(`type ${name}`)
    return name
  }

  /** Adds a declaration once. */
  declare(name: string, make: () => string): void {
    if (this.#declared.has(name)) return
    this.#declared.add(name)
    // What it needs is declared while it is made, and so comes first.
    const text = make()
    this.#declarations.push(text)
  }

  constantName(definition: string): string {
    return pascalCase(definition)
  }

  meaningName({ name }: ConstantsDefinition, isFlags: boolean): string {
    return `${camelCase(name)}${isFlags ? 'Bits' : 'Names'}`
  }

  structName(struct: string): string {
    return `${pascalCase(struct)}Struct`
  }

  layoutName(struct: string): string {
    return `${camelCase(struct)}Layout`
  }

  setName(set: string): string {
    return `${camelCase(set.replace(/-(attrs|attributes|attr)$/, ''))}Attributes`
  }

  setTypeName(set: string): string {
    return pascalCase(this.setName(set).replace(/([A-Z])/g, '-$1'))
  }

  /** Whether the last member is as many structs as there are: the kernel's `keys[]`. */
  isOpenEnd(member: string): boolean {
    return member === 'keys'
  }

  /** The module's text. */
  text(header: readonly string[]): string {
    const names = [...this.#imports].sort((a, b) => a.localeCompare(b, 'en'))
    const imports =
      names.length === 0 ? [] : [`import {\n${names.map((name) => `  ${name},`).join('\n')}\n} from '@ringlink/codec'`]
    return `${[header.join('\n'), ...imports, ...this.#declarations].join('\n\n')}\n`
  }
}
