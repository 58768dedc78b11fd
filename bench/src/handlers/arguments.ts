/** The arguments of every handler, in C as here: name=value, in any order. */
export class Arguments {
  #values = new Map<string, string>()

  constructor(args: readonly string[]) {
    for (const argument of args) {
      const at = argument.indexOf('=')
      if (at > 0) this.#values.set(argument.slice(0, at), argument.slice(at + 1))
    }
  }

  text(name: string, otherwise: string): string {
    return this.#values.get(name) ?? otherwise
  }

  number(name: string, otherwise: number): number {
    const value = this.#values.get(name)
    return value === undefined ? otherwise : Number(value)
  }
}
