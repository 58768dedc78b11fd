/** The place of a value in the options of a function, and the errors that name it. */
import { OptionError, type OptionErrorCode } from '../errors.ts'
import { quoteText } from '../text.ts'

/** A value among the arguments of an operation. */
export class OptionPlace {
  /** the operation: `install rules` */
  readonly operation: string
  /** path from the argument on: `rules[2].match.not.destinationPort`; empty for the options object itself */
  readonly path: string

  constructor(operation: string, path = '') {
    this.operation = operation
    this.path = path
  }

  /** The place of a member of the object at this place. */
  member(key: string): OptionPlace {
    const isPlain = /^[A-Za-z_$][\w$]*$/.test(key)
    const text = isPlain ? key : `[${quoteText(key)}]`
    return new OptionPlace(this.operation, isPlain && this.path !== '' ? `${this.path}.${text}` : `${this.path}${text}`)
  }

  /** The place of an element of the array at this place. */
  element(index: number): OptionPlace {
    return new OptionPlace(this.operation, `${this.path}[${index}]`)
  }

  /** The error for a value of another type than `expected` describes: code `ARGUMENT`. */
  wrongType(expected: string, given: unknown): OptionError {
    return this.error('ARGUMENT', `must be ${expected}, got ${describeValue(given)}`)
  }

  /** The error for a value of the right type that `expected` does not include: code `VALUE_RANGE`. */
  outOfRange(expected: string, given: unknown): OptionError {
    const text = typeof given === 'number' ? String(given) : describeValue(given)
    return this.error('VALUE_RANGE', `must be ${expected}, got ${text}`)
  }

  /** The error for a missing value that is required: code `ARGUMENT`. */
  missing(expected: string): OptionError {
    return this.error('ARGUMENT', `is missing, expected ${expected}`)
  }

  /**
   * The error for a value that conflicts with others or is not allowed here: code `ARGUMENT`. `problem` follows the
   * path.
   */
  conflict(problem: string): OptionError {
    return this.error('ARGUMENT', problem)
  }

  error(code: OptionErrorCode, problem: string): OptionError {
    const subject = this.path === '' ? 'the options object' : this.path
    return new OptionError(code, this.path, `${this.operation}: ${subject} ${problem}`)
  }

  /** The error for an unknown key of the object at this place. `hint` says what to do. */
  unknownKey(key: string, hint: string): OptionError {
    const { path } = this.member(key)
    return new OptionError('ARGUMENT', path, `${this.operation}: unknown key ${path}${hint}`)
  }
}

/** The type of a value as by `typeof`, except that null and arrays are not objects. */
export type ValueType =
  | 'undefined'
  | 'null'
  | 'boolean'
  | 'number'
  | 'bigint'
  | 'string'
  | 'symbol'
  | 'function'
  | 'array'
  | 'object'

export function typeOfValue(value: unknown): ValueType {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/**
 * A value as shown in an error: text is quoted and escaped, the type is named. Never calls a method or getter of the
 * value.
 */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `${quoteText(value)} (string)`
    case 'number':
    case 'boolean':
      return `${value} (${typeof value})`
    case 'bigint':
      return `${value}n (bigint)`
    case 'undefined':
      return 'undefined'
    case 'object':
      return value === null ? 'null' : Array.isArray(value) ? 'an array' : 'an object'
    default:
      return `a ${typeof value}`
  }
}
