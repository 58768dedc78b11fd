/** A server that asks for TLS, with a certificate of an authority of its own. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { collect, message } from '@ringlink/transport/conformance'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newStream, openConsumer, TestHost } from './support/fixture.ts'
import { serverUnavailable, TestServer } from './support/server.ts'

const missing = spawnSync('openssl', ['version']).error === undefined ? serverUnavailable : 'openssl is missing'

describe.skipIf(missing !== undefined)(missing === undefined ? 'TLS' : `TLS (skipped: ${missing})`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringlink-tls-'))
  const [key, ca] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  let server: TestServer
  beforeAll(async () => {
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost']
    const names = ['-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', ca]
    const { status, stderr } = spawnSync('openssl', [...request, ...names], { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    server = await TestServer.open(`tls { cert_file: "${ca}", key_file: "${key}" }`)
  })
  afterAll(async () => {
    await server[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })

  it('works with the certificate of the authority, by its path', async () => {
    const stream = await newStream(server, { tls: { ca } })
    await using host = await TestHost.open(server, { stream, tls: { ca } })
    await using consumer = await openConsumer(server, { stream, tls: { ca } })
    host.deliver(message(1))
    expect(await collect(consumer, 1)).toEqual([message(1)])
  })

  it('refuses a server whose certificate nobody known has signed', async () => {
    await expect(openConsumer(server, { stream: 'S' })).rejects.toMatchObject({
      code: 'NATS_REFUSED',
      message: expect.stringContaining('certificate'),
    })
  })
})
