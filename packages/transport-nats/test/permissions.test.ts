/** The permissions that docs/fleet.md says are enough, as they are written there. */
import { readFileSync } from 'node:fs'
import { collect, message } from '@ringlink/transport/conformance'
import { describe, expect, it } from 'vitest'
import { newStream, openConsumer, TestHost } from './support/fixture.ts'
import { serverTests, serverUnavailable, TestServer } from './support/server.ts'

const document = readFileSync(new URL('../../../docs/fleet.md', import.meta.url), 'utf8')
const [hostLine = ''] = /\{ user: web1.*/.exec(document) ?? []
const [, consumerText = ''] = /\*\*What a consumer may do\*\*: ([^\n]+(\n {2}[^\n]+)*)/.exec(document) ?? []
const consumerSubjects = [...consumerText.matchAll(/`([^`]+)`/g)].map(([, subject]) => subject)

describe.skipIf(serverUnavailable !== undefined)(serverTests('the permissions of the document'), () => {
  it('are enough for a host and for a consumer, shared or its own', async () => {
    expect(hostLine).toContain('LOGS.web1')
    expect(consumerSubjects.length).toBeGreaterThan(2)
    await using server = await TestServer.open(`authorization { users [
      { user: admin, password: a }
      ${hostLine.replace('$WEB1', 'w')}
      { user: reader, password: r, permissions { publish: ${JSON.stringify(consumerSubjects)}, subscribe: ["_INBOX.>"] } }
    ] }`)
    await newStream(server, { stream: 'LOGS', credentials: { user: 'admin', password: 'a' } })
    const credentials = { user: 'reader', password: 'r' }
    await using host = await TestHost.open(server, {
      ...{ stream: 'LOGS', host: 'web1', credentials: { user: 'web1', password: 'w' } },
    })
    host.deliver(message(1))
    await host.stored()
    for (const consumer of [undefined, 'archive']) {
      const transport = await openConsumer(server, { stream: 'LOGS', consumer, credentials })
      expect(await collect(transport, 1)).toEqual([message(1)])
      await transport.close()
      await transport.closed
      expect(transport.deliveries.acknowledged).toBeGreaterThan(0)
    }
  })
})
