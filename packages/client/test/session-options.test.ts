import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { errorMessage } from '@ringlink/test-support/messages'
import { describe, expect, test } from 'vitest'
import { type Request, Session } from '../src/index.ts'

type Row = readonly [given: unknown, code: 'ARGUMENT' | 'VALUE_RANGE', path: string, problem: string]

const refusal = (code: string, path: string, problem: string) =>
  expect.objectContaining({ code, path, message: expect.stringContaining(problem) })

const question: Request = { what: 'ask', type: 16 }
let sent = 0
const transport = new FunctionTransport((datagram) => {
  sent++
  return [errorMessage(datagram, 0)]
})
const session = new Session(transport)

const ofRequests: readonly Row[] = [
  [{ timout: 5 }, 'ARGUMENT', 'timout', 'did you mean timeout?'],
  [{ timeout: '5' }, 'ARGUMENT', 'timeout', "got '5' (string)"],
  [{ timeout: -1 }, 'VALUE_RANGE', 'timeout', 'got -1'],
  [{ timeout: 2 ** 31 }, 'VALUE_RANGE', 'timeout', 'got 2147483648'],
  [{ timeout: Number.NaN }, 'VALUE_RANGE', 'timeout', 'got NaN'],
  [{ signal: {} }, 'ARGUMENT', 'signal', 'must be an AbortSignal'],
  [null, 'ARGUMENT', '', 'got null'],
]

describe('the options of a session', () => {
  test.each<Row>([
    [{ requesttimeout: 5 }, 'ARGUMENT', 'requesttimeout', 'did you mean requestTimeout?'],
    [{ requestTimeout: '5' }, 'ARGUMENT', 'requestTimeout', "got '5' (string)"],
    [{ requestTimeout: -1 }, 'VALUE_RANGE', 'requestTimeout', 'got -1'],
    [{ protocol: 256 }, 'VALUE_RANGE', 'protocol', 'from 0 to 255'],
    [{ open: transport }, 'ARGUMENT', 'open', 'a function that opens a transport'],
  ])('%o: %s at %s, %s', (given, code, path, problem) => {
    expect(() => new Session(transport, given as never)).toThrow(refusal(code, path, problem))
  })
})

describe('the options of a request', () => {
  test.each(ofRequests)('%o: %s at %s, %s; nothing is sent', async (given, code, path, problem) => {
    const error = refusal(code, path, problem)
    await expect(session.request(question, given as never)).rejects.toEqual(error)
    await expect(session.dump(question, given as never)).rejects.toEqual(error)
    await expect(session.rows(question, given as never).next()).rejects.toEqual(error)
    await expect(session.batch([question], given as never)).rejects.toEqual(error)
    expect(sent).toBe(0)
  })

  test.each<Row>([
    [{ transactions: true }, 'ARGUMENT', 'transactions', 'did you mean transaction?'],
    [{ transaction: 1 }, 'ARGUMENT', 'transaction', 'must be true or false'],
    [{ what: 5 }, 'ARGUMENT', 'what', 'got 5 (number)'],
  ])('of a batch %o: %s at %s, %s; nothing is sent', async (given, code, path, problem) => {
    await expect(session.batch([question], given as never)).rejects.toEqual(refusal(code, path, problem))
    expect(sent).toBe(0)
  })
})
