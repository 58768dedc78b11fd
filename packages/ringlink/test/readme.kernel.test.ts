/** The README's examples about packets on the real kernel, in a new network namespace. */

import { openConntrack } from '@ringlink/client'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { patience } from '@ringlink/test-support/patience'
import { openSocket } from '@ringlink/transport-socket'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { exampleOf, type Running, runExample } from './support/readme-examples.ts'

describe.skipIf(kernelUnavailable)(kernelTests('examples of the README'), () => {
  let namespace: Namespace
  let example: Running | undefined

  beforeEach(async () => {
    namespace = await Namespace.open()
  })

  afterEach(async () => {
    await example?.stop()
    example = undefined
    await namespace.close()
  })

  async function run(title: string): Promise<Running> {
    example = runExample(exampleOf(title), (needs) => openSocket({ ...needs, networkNamespace: namespace.path }))
    await example.opened
    return example
  }

  test('the DNS blocker', async () => {
    await namespace.listen(53)
    await run('A DNS blocker')
    await namespace.send({ port: 53, text: 'header \x03www\x07Example\x03COM\0' })
    await namespace.send({ port: 53, text: 'header \x07example\x03com\x02au\0' })
    await namespace.waitFor(53, 1)
    expect((await namespace.received(53)).payloads).toEqual(['header \x07example\x03com\x02au\0'])
  })

  test('the mangler', async () => {
    await namespace.listen(6000)
    await run('A mangler')
    await namespace.send({ port: 5000, text: 'cat and cat' })
    await namespace.waitFor(6000, 1)
    expect((await namespace.received(6000)).payloads).toEqual(['tiger and tiger'])
  })

  describe('connections', () => {
    const original = {
      sourceAddress: '10.0.0.1',
      destinationAddress: '10.0.0.2',
      protocol: 'tcp',
      sourcePort: 1234,
    } as const
    const connect = () =>
      openConntrack({ transport: (needs) => openSocket({ ...needs, networkNamespace: namespace.path }) })

    test('are listed', async () => {
      await using conntrack = await connect()
      const web = { original: { ...original, destinationPort: 443 }, state: 'established', mark: 7 } as const
      await conntrack.create({ ...web, timeout: 60_000 })
      await conntrack.create({ original: { ...original, destinationPort: 80 }, timeout: 60_000 })
      const { lines, ended } = await run('The connections to web servers')
      await ended
      expect(lines).toEqual(['10.0.0.1:1234 established 7'])
    })

    test('are watched', async () => {
      const { lines } = await run('Connections as they begin')
      await using conntrack = await connect()
      // The example subscribes after it has opened.
      await expect
        .poll(() => namespace.run('cat', '/proc/net/netlink'), { timeout: patience(20_000) })
        .toMatch(/\s12\s+\d+\s+0*5\s/)
      await conntrack.create({ original: { ...original, destinationPort: 443 }, timeout: 60_000 })
      await conntrack.flush()
      await expect
        .poll(() => lines, { timeout: patience(20_000) })
        .toEqual(['new 10.0.0.1 to port 443', 'destroy 10.0.0.1 to port 443'])
    })
  })

  test('the JSON logger', async () => {
    await namespace.listen(7000)
    const { lines } = await run('A JSON logger')
    await namespace.send({ port: 7000, text: 'hello' })
    await namespace.waitFor(7000, 1)
    await expect.poll(() => lines.length, { timeout: patience(20_000) }).toBeGreaterThan(0)
    expect(JSON.parse(lines[0] as string)).toMatchObject({
      prefix: 'in: ',
      network: 'IPv4',
      source: '127.0.0.1',
      destination: '127.0.0.1',
      protocol: 'UDP',
      destinationPort: 7000,
      length: 33,
      payloadLength: 5,
    })
  })
})
