/** A log that is published is read less often only where the kernel gives it the larger buffer. */
import { expect, it } from 'vitest'
import { readingOfPublished } from '../../src/nats/reading.ts'

it('is seldom in the user namespace of the system', () => {
  const reading = readingOfPublished('         0          0 4294967295\n')
  expect(reading).toEqual({ readInterval: 50, receiveBufferSize: 160 << 20 })
})

it.each([
  ['a container of a user', '         0       1000          1\n'],
  ['a container with many users', '         0     100000      65536\n'],
  ['several ranges', '         0          0       1000\n      1000     100000      65536\n'],
  ['a system without user namespaces', ''],
])('is as usual in %s', (_, uidMap) => {
  expect(readingOfPublished(uidMap)).toEqual({})
})
