/** The option checks of captures, recorders, replays and readers. */

import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SimKernel } from '@ringlink/transport-sim'
import { describe, expect, test } from 'vitest'
import { openCapture, openReplay, openRotatingCapture, PcapngEncoder, readCapture, record } from '../src/index.ts'

type Row = readonly [given: unknown, code: 'ARGUMENT' | 'VALUE_RANGE', path: string, problem: string]

/** Each row is refused with this code, and a message of this place and problem. */
function refuses(rows: readonly Row[], use: (given: never) => unknown): void {
  test.each(rows)('%o: %s at %s, %s', (given, code, path, problem) => {
    const message = expect.stringContaining(problem)
    expect(() => use(given as never)).toThrow(expect.objectContaining({ code, path, message }))
  })
}

const file = join(tmpdir(), `ringlink-options-${process.pid}.pcapng`)

const ofCaptures: readonly Row[] = [
  [{ buffersize: 1 }, 'ARGUMENT', 'buffersize', 'did you mean bufferSize?'],
  [{ bufferSize: '1' }, 'ARGUMENT', 'bufferSize', "got '1' (string)"],
  [{ bufferSize: -1 }, 'VALUE_RANGE', 'bufferSize', 'got -1'],
  [{ closeTimeout: Number.NaN }, 'VALUE_RANGE', 'closeTimeout', 'got NaN'],
  [{ mode: '600' }, 'ARGUMENT', 'mode', "got '600' (string)"],
  [{ mode: 0o10000 }, 'VALUE_RANGE', 'mode', 'got 4096'],
  [{ followSymbolicLinks: 1 }, 'ARGUMENT', 'followSymbolicLinks', 'must be true or false'],
  [{ byteOrder: 'middle' }, 'VALUE_RANGE', 'byteOrder', "'little' or 'big'"],
  [{ comment: 5 }, 'ARGUMENT', 'comment', 'got 5 (number)'],
  [null, 'ARGUMENT', '', 'got null'],
]

describe('the options of a capture', () => {
  refuses(ofCaptures, (given) => openCapture(file, given))

  test('are refused before there is a file', () => {
    expect(existsSync(file)).toBe(false)
  })
})

describe('the options of a rotating capture', () => {
  refuses(
    [
      ...ofCaptures,
      [{ keepOpen: true }, 'ARGUMENT', 'keepOpen', 'unknown key'],
      [{ maximumbytes: 1 }, 'ARGUMENT', 'maximumbytes', 'did you mean maximumBytes?'],
      [{ maximumBytes: 0 }, 'VALUE_RANGE', 'maximumBytes', 'got 0'],
      [{ maximumAge: 0 }, 'VALUE_RANGE', 'maximumAge', 'got 0'],
      [{ maximumFiles: '3' }, 'ARGUMENT', 'maximumFiles', "got '3' (string)"],
      [{ maximumFiles: 1.5 }, 'VALUE_RANGE', 'maximumFiles', 'got 1.5'],
      [{ fileName: 'log' }, 'ARGUMENT', 'fileName', "got 'log' (string)"],
    ],
    (given) => openRotatingCapture(file, given),
  )
})

describe('the options of a recorder', () => {
  const transport = new SimKernel().open({ protocol: 12 })
  const sink = new PcapngEncoder()
  refuses(
    [
      [{ send: true }, 'ARGUMENT', 'send', 'did you mean sent?'],
      [{ sent: 'yes' }, 'ARGUMENT', 'sent', "got 'yes' (string)"],
      [{ protocol: -1 }, 'VALUE_RANGE', 'protocol', 'got -1'],
      [{ snapshotLength: 0.5 }, 'VALUE_RANGE', 'snapshotLength', 'got 0.5'],
      [{ now: 5n }, 'ARGUMENT', 'now', 'got 5n (bigint)'],
      [{ name: 1 }, 'ARGUMENT', 'name', 'got 1 (number)'],
    ],
    (given) => record(transport, sink as never, given),
  )
})

describe('the options of a replay', () => {
  refuses(
    [
      [{ pace: 1 }, 'ARGUMENT', 'pace', 'unknown key pace'],
      [{ expectsent: true }, 'ARGUMENT', 'expectsent', 'did you mean expectSent?'],
      [{ speed: 'slow' }, 'VALUE_RANGE', 'speed', "'recorded' or 'fast'"],
      [{ speed: true }, 'ARGUMENT', 'speed', 'got true (boolean)'],
      [{ atEnd: 'stop' }, 'VALUE_RANGE', 'atEnd', "'close' or 'wait'"],
      [{ interface: {} }, 'ARGUMENT', 'interface', 'got an object'],
      [{ portId: 2 ** 32 }, 'VALUE_RANGE', 'portId', 'got 4294967296'],
      [{ acknowledge: 1 }, 'ARGUMENT', 'acknowledge', 'must be true or false'],
      [{ clock: {} }, 'ARGUMENT', 'clock', 'must be a clock'],
      [{ clock: null }, 'ARGUMENT', 'clock', 'got null'],
    ],
    (given) => openReplay(new Uint8Array(0), given),
  )
})

describe('the options of reading', () => {
  refuses(
    [
      [{ sigmal: undefined }, 'ARGUMENT', 'sigmal', 'did you mean signal?'],
      [{ signal: {} }, 'ARGUMENT', 'signal', 'must be an AbortSignal'],
      [5, 'ARGUMENT', '', 'got 5 (number)'],
    ],
    (given) => readCapture(file, given),
  )
})
