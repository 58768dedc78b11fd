import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { doneMessage } from '@ringlink/test-support/messages'
import { describe, expect, test } from 'vitest'
import { Session } from '../src/index.ts'
import { failure, tableRow, tables } from './reply-fixtures.ts'

describe('dumps of one session', () => {
  test('take turns', async () => {
    let running = 0
    const waiting: Uint8Array[] = []
    const transport = new FunctionTransport((request) => {
      expect(++running).toBe(1)
      waiting.push(request)
      return [tableRow(request, 'a')]
    })
    await using session = new Session(transport)
    const dumps = [session.dump(tables), session.dump(tables), session.dump(tables)]
    for (let index = 0; index < 3; index++) {
      while (waiting.length === 0) await new Promise(setImmediate)
      running--
      transport.deliver(doneMessage(waiting.shift() as Uint8Array))
    }
    expect((await Promise.all(dumps)).map((rows) => rows.length)).toEqual([1, 1, 1])
  })

  test('one that waits for its turn can be aborted, and times out', async () => {
    const transport = new FunctionTransport()
    await using session = new Session(transport)
    const running = failure(session.dump(tables))
    const reason = new Error('enough')
    const controller = new AbortController()
    const second = failure(session.dump(tables, { signal: controller.signal }))
    const third = failure(session.dump(tables, { timeout: 1 }))
    controller.abort(reason)
    expect(await second).toBe(reason)
    expect(await third).toMatchObject({ code: 'TIMEOUT' })
    await session.close()
    expect(await running).toMatchObject({ code: 'CLOSED' })
  })
})
