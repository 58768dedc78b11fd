/** The arguments of every handler, in C as here: name=value, in any order. */
export class Words {
  #values = new Map<string, string>()

  constructor(words: readonly string[]) {
    for (const word of words) {
      const at = word.indexOf('=')
      if (at > 0) this.#values.set(word.slice(0, at), word.slice(at + 1))
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
