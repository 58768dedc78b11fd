import { cutTo } from './table.ts'

/** Milliseconds before progress is shown, and between its updates. */
const PATIENCE = 500
const INTERVAL = 200
const ERASE_LINE = '\r\x1b[K'

/** A line on the terminal of standard error with the progress of a long operation. Does nothing without a terminal. */
export class Progress {
  #terminal: NodeJS.WriteStream | undefined
  #next = performance.now() + PATIENCE
  #isShown = false

  constructor(terminal: NodeJS.WriteStream = process.stderr) {
    this.#terminal = terminal.isTTY ? terminal : undefined
  }

  /** Shows the text of `describe` if it is time to. Cheap enough for a loop. */
  update(describe: () => string): void {
    if (this.#terminal === undefined) return
    const now = performance.now()
    if (now < this.#next) return
    this.#next = now + INTERVAL
    this.#isShown = true
    this.#terminal.write(`${ERASE_LINE}${cutTo(describe(), (this.#terminal.columns ?? 80) - 1)}`)
  }

  /** Removes the line. */
  stop(): void {
    if (this.#isShown) this.#terminal?.write(ERASE_LINE)
    this.#isShown = false
  }
}
