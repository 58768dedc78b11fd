import { NetlinkError } from '@ringlink/codec'

/** Where in a specification something is: its file and line. */
export interface SourcePlace {
  readonly file: string
  /** from 1 */
  readonly line: number
}

/**
 * A specification that cannot be read, or says what the table language cannot: code `SPECIFICATION`, with file and
 * line.
 */
export class SpecificationError extends NetlinkError {
  readonly file: string
  readonly line: number

  constructor({ file, line }: SourcePlace, reason: string, options?: ErrorOptions) {
    super('SPECIFICATION', `${file}:${line}: ${reason}`, options)
    this.name = 'SpecificationError'
    this.file = file
    this.line = line
  }
}
