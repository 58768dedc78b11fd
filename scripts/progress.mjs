// What scripts share that run tests for a long time and show how far they are.
import { existsSync, readFileSync } from 'node:fs'

/** The entries that tests add to a file, one JSON value on each line. */
export class ProgressLog {
  /** the file */
  path
  #read = 0

  constructor(path) {
    this.path = path
  }

  /** Those since the last call; a line that is not complete yet is left for the next one. */
  next() {
    if (!existsSync(this.path)) return []
    const lines = readFileSync(this.path, 'utf8').split('\n').slice(0, -1)
    const entries = lines.slice(this.#read).map((line) => JSON.parse(line))
    this.#read = lines.length
    return entries
  }
}
