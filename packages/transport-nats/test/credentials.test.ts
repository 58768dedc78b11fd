/** A server in operator mode, which knows its users by JSON web tokens: their programs have a file of credentials. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nkeys } from '@nats-io/transport-node'
import { collect, message } from '@ringlink/transport/conformance'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newStream, openConsumer, TestHost } from './support/fixture.ts'
import { serverTests, serverUnavailable, TestServer } from './support/server.ts'

type KeyPair = ReturnType<typeof nkeys.createUser>

const UNLIMITED = -1
const limits = {
  ...{ subs: UNLIMITED, data: UNLIMITED, payload: UNLIMITED, conn: UNLIMITED, leaf: UNLIMITED },
  ...{ imports: UNLIMITED, exports: UNLIMITED, wildcards: true },
}
const jetstream = {
  ...{ mem_storage: UNLIMITED, disk_storage: UNLIMITED, streams: UNLIMITED, consumer: UNLIMITED },
}

const base64 = (value: string | Uint8Array) => Buffer.from(value).toString('base64url')

/** A token: what `issuer` says of `subject`. */
function token(subject: KeyPair, issuer: KeyPair, nats: object): string {
  const claims = { jti: 'test', iat: 1, iss: issuer.getPublicKey(), sub: subject.getPublicKey(), nats }
  const text = `${base64(JSON.stringify({ typ: 'JWT', alg: 'ed25519-nkey' }))}.${base64(JSON.stringify(claims))}`
  return `${text}.${base64(issuer.sign(Buffer.from(text)))}`
}

describe.skipIf(serverUnavailable !== undefined)(serverTests('a file of credentials'), () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringlink-credentials-'))
  const operator = nkeys.createOperator()
  const [account, system, stranger] = [nkeys.createAccount(), nkeys.createAccount(), nkeys.createAccount()]
  let server: TestServer

  /** Writes the file of a user. Returns its path. */
  function credentials(name: string, issuer: KeyPair, permissions: object = {}): string {
    const user = nkeys.createUser()
    const jwt = token(user, issuer, {
      ...{ type: 'user', version: 2, subs: UNLIMITED, data: UNLIMITED, payload: UNLIMITED },
      ...permissions,
    })
    const seed = Buffer.from(user.getSeed()).toString()
    const path = join(folder, `${name}.creds`)
    const lines = ['-----BEGIN NATS USER JWT-----', jwt, '------END NATS USER JWT------', '']
    lines.push('-----BEGIN USER NKEY SEED-----', seed, '------END USER NKEY SEED------', '')
    writeFileSync(path, lines.join('\n'), { mode: 0o600 })
    return path
  }

  beforeAll(async () => {
    const operatorToken = token(operator, operator, { type: 'operator', version: 2 })
    const tokenOf = (subject: KeyPair, allowed: object) =>
      `${subject.getPublicKey()}: "${token(subject, operator, { type: 'account', version: 2, limits: allowed })}"`
    server = await TestServer.open(`operator: "${operatorToken}"
      system_account: ${system.getPublicKey()}
      resolver: MEMORY
      resolver_preload { ${tokenOf(account, { ...limits, ...jetstream })}, ${tokenOf(system, limits)} }`)
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })

  it('lets a host publish to its own subject only, and a consumer receive', async () => {
    const admin = credentials('admin', account)
    const web1 = credentials('web1', account, { pub: { allow: ['LOGS.web1'] }, sub: { allow: ['_INBOX.>'] } })
    await newStream(server, { stream: 'LOGS', credentials: admin })
    const options = { stream: 'LOGS', credentials: web1 }
    await expect(TestHost.open(server, { ...options, host: 'web2' })).rejects.toMatchObject({ code: 'NATS_REFUSED' })
    await using host = await TestHost.open(server, { ...options, host: 'web1' })
    await using consumer = await openConsumer(server, { stream: 'LOGS', credentials: admin })
    host.deliver(message(1))
    expect(await collect(consumer, 1)).toEqual([message(1)])
  })

  it('of an account that the server does not know is refused, and so is a program without one', async () => {
    const credentialsOfStranger = credentials('stranger', stranger)
    for (const options of [{}, { credentials: credentialsOfStranger }]) {
      await expect(openConsumer(server, { stream: 'LOGS', ...options })).rejects.toMatchObject({ code: 'NATS_REFUSED' })
    }
  })

  it.each([
    ['no credentials in it', 'hello'],
    ['nothing in it', ''],
    [
      'a damaged key',
      '-----BEGIN NATS USER JWT-----\na.b.c\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\nSUX\n------END USER NKEY SEED------\n',
    ],
  ])('with %s is refused', async (_, text) => {
    const path = join(folder, 'damaged.creds')
    writeFileSync(path, text)
    await expect(openConsumer(server, { stream: 'LOGS', credentials: path })).rejects.toMatchObject({
      code: 'NATS_REFUSED',
      message: expect.stringContaining(path),
    })
  })
})
