/** Rules with every property and action, as nft prints them, and some of them against real packets. */

import { spawnSync } from 'node:child_process'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { vocabulary } from './vocabulary.ts'

const hasNft = spawnSync('nft', ['--version']).error === undefined

/** Parts of a rule in the order of the letters: nft prints sets in no order, and chains in that of their making. */
function sorted(lines: readonly string[]): string[] {
  const inOrder = (line: string) =>
    line.replace(/\{ ([^}]*) \}/g, (_, members: string) => `{ ${members.split(', ').sort().join(', ')} }`)
  return lines.map(inOrder).sort()
}

describe.skipIf(kernelUnavailable)(kernelTests('every property and action on the real kernel'), () => {
  let namespace: Namespace

  beforeAll(async () => {
    namespace = await Namespace.open()
  })

  afterAll(async () => {
    await namespace.close()
  })

  test.skipIf(!hasNft)(`is what nft prints${hasNft ? '' : ' (skipped: nft is missing)'}`, async () => {
    const rules = await namespace.install(vocabulary.map(({ rule }) => rule))
    expect(await rules.counters()).toHaveLength(vocabulary.length)
    const listing = await namespace.run('env', 'TZ=UTC', 'nft', 'list', 'ruleset')
    const lines = listing.split('\n').map((line) => line.trim())
    const printed = lines.filter((line) => line.includes('counter packets 0 bytes 0'))
    expect(sorted(printed)).toEqual(sorted(vocabulary.map(({ text }) => text)))
    await rules.close()
  })

  test('a limit by address counts each address for itself', async () => {
    const rules = await namespace.install([
      {
        hook: 'output',
        match: { protocol: 'udp', destinationPort: 9000, version: 4 },
        limit: { rate: 1, per: 'day', burst: 3, by: 'destinationAddress' },
      },
    ])
    for (const address of ['127.0.0.1', '127.0.0.2']) await namespace.send({ port: 9000, address, count: 10 })
    // A bucket of burst packets, and what the rate adds in a day.
    expect(await rules.counters()).toMatchObject([{ packets: 6 }])
    await rules.close()
  })

  test('real packets meet length, time to live, code point and marks as rules say', async () => {
    const rules = await namespace.install([
      { hook: 'output', match: { protocol: 'udp', destinationPort: 9001 }, setMark: { value: 0x50, mask: 0xf0 } },
      { hook: 'output', match: { mark: { value: 0x50, mask: 0xf0 }, version: 4 }, setDscp: 'ef', setCtMark: 'packet' },
      { hook: 'input', match: { protocol: 'udp', dscp: 'ef', version: 4 } },
      { hook: 'input', match: { packetLength: 128, ttl: 64, not: { dscp: { from: 0, to: 45 } } } },
      { hook: 'input', match: { ctMark: { value: 0x50, mask: 0xff } }, jump: 'seen' },
      { hook: 'input', match: { version: 4, fragment: true } },
      { chain: 'seen', match: { ctDirection: 'original', ctState: 'new' }, counter: 'seen', verdict: 'drop' },
    ])
    await namespace.send({ port: 9001, count: 4, size: 100 })
    const counted = (await rules.counters()).map(({ packets }) => packets)
    expect(counted).toEqual([4, 4, 4, 4, 4, 0, 4])
    await rules.close()
  })
})
