/** Whose a message is, of the programs that share a consumer. */
import { describe, expect, it } from 'vitest'
import { Claims, createClaims } from '../../src/consume/claims.ts'
import { openServer } from '../../src/server.ts'
import { newStream } from '../support/fixture.ts'
import { serverTests, serverUnavailable, TestServer } from '../support/server.ts'

describe.skipIf(serverUnavailable !== undefined)(serverTests('claims'), () => {
  it('a message belongs to the first program that claims it, until it is processed or that is silent for too long', async () => {
    await using server = await TestServer.open()
    const stream = await newStream(server)
    const opened = await openServer('test', { servers: server.address })
    await createClaims(opened, stream)
    await createClaims(opened, stream)
    // One that never takes over, and one that always does.
    const patient = new Claims(opened, stream, 'c', Number.POSITIVE_INFINITY)
    const [first, second, third] = [0, 0, 0].map((takeOver) => new Claims(opened, stream, 'c', takeOver))
    for (const id of ['m', 'n', 'o']) expect(await first?.claim(id)).toBe('mine')
    for (const _ of [1, 2, 3]) expect(await patient.claim('m')).toBe('other')
    expect(await first?.claim('m')).toBe('mine')
    expect(await new Claims(opened, stream, 'd', 0).claim('m')).toBe('mine')
    // Processed: nobody takes it over.
    await first?.end('n')
    expect([await second?.claim('n'), await second?.claim('n'), await second?.claim('n')]).toEqual([
      'other',
      'done',
      'done',
    ])
    // Silent: the next one takes it over, and then it is that one's, until it is processed.
    expect([await second?.claim('o'), await second?.claim('o')]).toEqual(['other', 'mine'])
    expect([await third?.claim('o'), await third?.claim('o')]).toEqual(['other', 'other'])
    await first?.end('o')
    await second?.end('o')
    expect(await third?.claim('o')).toBe('done')
    await opened.connection.close()
    expect(await patient.claim('p')).toBe('other')
  })
})
