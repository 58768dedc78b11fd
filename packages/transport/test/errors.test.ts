import { isNetlinkError } from '@ringlink/codec/errors'
import { expect, test } from 'vitest'
import { closedError, systemError, TransportError } from '../src/index.ts'

test('a system error names the call, the errno and what to do', () => {
  expect(systemError('bind', 98)).toMatchObject({
    name: 'TransportError',
    code: 'SYSTEM',
    operation: 'bind',
    errno: 98,
    message: 'bind: EADDRINUSE',
  })
  expect(systemError('open socket', 2, 'network namespace /x').message).toBe(
    'open socket: ENOENT (network namespace /x)',
  )
})

test('errors of transports are recognised by their code', () => {
  expect(isNetlinkError(closedError('receive'), 'CLOSED')).toBe(true)
  expect(isNetlinkError(new TransportError('BUSY', 'receive', 'busy'))).toBe(true)
  expect(closedError('flush')).toMatchObject({ operation: 'flush', errno: undefined, sent: undefined })
})
