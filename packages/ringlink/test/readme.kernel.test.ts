/** The README's examples about packets on the real kernel, in a new network namespace. */

import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
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

  test('the JSON logger', async () => {
    await namespace.listen(7000)
    const { lines } = await run('A JSON logger')
    await namespace.send({ port: 7000, text: 'hello' })
    await namespace.waitFor(7000, 1)
    await expect.poll(() => lines.length, { timeout: 20_000 }).toBeGreaterThan(0)
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
