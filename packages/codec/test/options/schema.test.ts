import { describe, expect, test } from 'vitest'
import { isNetlinkError, OptionError } from '../../src/errors.ts'
import {
  boolean,
  either,
  integer,
  list,
  object,
  oneOf,
  readArgument,
  readOptions,
  required,
  type Schema,
  text,
} from '../../src/options/index.ts'

interface Match {
  readonly protocol?: 'tcp' | 'udp' | undefined
  readonly destinationPort?: number | readonly number[] | undefined
  readonly inputInterface?: string | undefined
  readonly outputInterface?: string | undefined
}
interface Options {
  readonly number: number
  readonly copyRange?: number | undefined
  readonly failOpen?: boolean | undefined
  readonly match?: Match | undefined
}

const port = integer(0, 65535)
const match: Schema<Match> = object<Match>({
  protocol: oneOf('tcp', 'udp'),
  destinationPort: either(port, list(port, 1)),
  inputInterface: text(1, 15),
  outputInterface: text(1, 15),
})
const options = object<Options>({ number: required(port), copyRange: integer(0, 65531), failOpen: boolean, match })

function refusal(given: unknown): { code: string; path: string; message: string } {
  try {
    readOptions('open queue', options, given)
  } catch (error) {
    if (!(error instanceof OptionError)) throw error
    expect(isNetlinkError(error, error.code)).toBe(true)
    return { code: error.code, path: error.path, message: error.message }
  }
  throw new Error('it was taken')
}

describe('options that are refused', () => {
  test.each<[string, unknown, string, string, string]>([
    [
      'an unknown key',
      { number: 0, copyrange: 64 },
      'ARGUMENT',
      'copyrange',
      'open queue: unknown key copyrange, did you mean copyRange?',
    ],
    [
      'an abbreviation',
      { number: 0, match: { dport: 53 } },
      'ARGUMENT',
      'match.dport',
      'open queue: unknown key match.dport, did you mean destinationPort?',
    ],
    [
      'half a name',
      { number: 0, match: { interface: 'lo' } },
      'ARGUMENT',
      'match.interface',
      'open queue: unknown key match.interface, did you mean inputInterface or outputInterface?',
    ],
    [
      'a key of a member',
      { number: 0, protocol: 'udp' },
      'ARGUMENT',
      'protocol',
      'open queue: unknown key protocol, did you mean match.protocol?',
    ],
    [
      'an unknown key in place of a required one',
      { queueId: 0 },
      'ARGUMENT',
      'queueId',
      'open queue: unknown key queueId, and number is missing',
    ],
    [
      'a key that resembles no other',
      { number: 0, zzz: 1 },
      'ARGUMENT',
      'zzz',
      'open queue: unknown key zzz, expected number, copyRange, failOpen, match',
    ],
    [
      'a key that is not an identifier',
      { number: 0, 'a\u202eb': 1 },
      'ARGUMENT',
      "['a\\u{202e}b']",
      "open queue: unknown key ['a\\u{202e}b'], expected number, copyRange, failOpen, match",
    ],
    [
      'a missing member',
      {},
      'ARGUMENT',
      'number',
      'open queue: number is missing, expected an integer from 0 to 65535',
    ],
    [
      'a type',
      { number: '0' },
      'ARGUMENT',
      'number',
      "open queue: number must be an integer from 0 to 65535, got '0' (string)",
    ],
    ['null', { number: null }, 'ARGUMENT', 'number', 'open queue: number must be an integer from 0 to 65535, got null'],
    [
      'text with control characters',
      { number: '\u001b[2J' },
      'ARGUMENT',
      'number',
      "open queue: number must be an integer from 0 to 65535, got '\\u{1b}[2J' (string)",
    ],
    [
      'a number out of bounds',
      { number: 65536 },
      'VALUE_RANGE',
      'number',
      'open queue: number must be an integer from 0 to 65535, got 65536',
    ],
    [
      'half a number',
      { number: 0.5 },
      'VALUE_RANGE',
      'number',
      'open queue: number must be an integer from 0 to 65535, got 0.5',
    ],
    [
      'NaN',
      { number: Number.NaN },
      'VALUE_RANGE',
      'number',
      'open queue: number must be an integer from 0 to 65535, got NaN',
    ],
    [
      'a name',
      { number: 0, match: { protocol: 'upd' } },
      'VALUE_RANGE',
      'match.protocol',
      "open queue: match.protocol must be 'tcp' or 'udp', got 'upd' (string)",
    ],
    [
      'an element',
      { number: 0, match: { destinationPort: [53, '60'] } },
      'ARGUMENT',
      'match.destinationPort[1]',
      "open queue: match.destinationPort[1] must be an integer from 0 to 65535, got '60' (string)",
    ],
    [
      'a hole',
      { number: 0, match: { destinationPort: Object.assign([], { 1: 60 }) } },
      'ARGUMENT',
      'match.destinationPort[0]',
      'open queue: match.destinationPort[0] is missing, expected an integer from 0 to 65535',
    ],
    [
      'an empty list',
      { number: 0, match: { destinationPort: [] } },
      'VALUE_RANGE',
      'match.destinationPort',
      'open queue: match.destinationPort must not be an empty list',
    ],
    [
      'text in place of an object',
      { number: 0, match: 'udp' },
      'ARGUMENT',
      'match',
      "open queue: match must be an object, got 'udp' (string)",
    ],
    [
      'an array in place of an object',
      { number: 0, match: ['udp'] },
      'ARGUMENT',
      'match',
      'open queue: match must be an object, got an array',
    ],
    ['no options', undefined, 'ARGUMENT', '', 'open queue: the options object is missing, expected an object'],
    [
      'a zero byte',
      { number: 0, match: { inputInterface: 'l\0' } },
      'VALUE_RANGE',
      'match.inputInterface',
      "open queue: match.inputInterface must be text of 1 to 15 bytes without a zero byte (it has 2 bytes), got 'l\\u{0}' (string)",
    ],
  ])('%s', (_, given, code, path, message) => {
    expect(refusal(given)).toEqual({ code, path, message })
  })

  test('inherited keys are checked, because they are read', () => {
    expect(refusal(Object.create({ number: 0, matches: {} })).path).toBe('matches')
  })

  test('an argument names itself', () => {
    expect(() => readArgument('requeue', 'queue', port, '1')).toThrow(
      "requeue: queue must be an integer from 0 to 65535, got '1' (string)",
    )
    expect(() => readArgument('requeue', 'queue', port, undefined)).toThrow('requeue: queue is missing')
  })
})

describe('options that are accepted', () => {
  test('members that are undefined are left out', () => {
    expect(
      readOptions('open queue', options, { number: 0, copyRange: undefined, match: { protocol: undefined } }),
    ).toEqual({ number: 0, match: {} })
  })

  test('objects and lists are copied and getters called once, so only checked values are used', () => {
    const ports = [53]
    let calls = 0
    const given = {
      get number() {
        return calls++ === 0 ? 1 : -1
      },
      match: { destinationPort: ports },
    }
    const taken = readOptions('open queue', options, given)
    ports.push(-1)
    expect(taken).toEqual({ number: 1, match: { destinationPort: [53] } })
  })
})
