/** What the kernel lists of our rules, in nft's words: as nft prints it, line by line. */
import { spawnSync } from 'node:child_process'
import { Protocol } from '@ringlink/codec'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { openSocket } from '@ringlink/transport-socket'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type FirewallRule, listTables, type RuleSets, Session } from '../../src/index.ts'
import { changeMaps, mapRules, mapSets } from './map-scenario.ts'
import { nftTexts } from './nft-texts.ts'
import { vocabulary } from './vocabulary.ts'

const hasNft = spawnSync('nft', ['--version']).error === undefined
const HEADERS = /^(table|chain|set|map|type|flags|elements|size|timeout|counter "|counter [a-z]+ \{|\}|packets|$)/

describe.skipIf(kernelUnavailable)(kernelTests('the listing of rules'), () => {
  let namespace: Namespace

  beforeAll(async () => {
    namespace = await Namespace.open()
  })

  afterAll(async () => {
    await namespace.close()
  })

  async function compare(
    rules: readonly (FirewallRule | string)[],
    sets: RuleSets = {},
    change: (rules: Awaited<ReturnType<Namespace['install']>>) => Promise<void> = async () => {},
  ): Promise<void> {
    const installed = await namespace.install(rules, { table: 'own', sets })
    await change(installed)
    const listing = await namespace.run('env', 'TZ=UTC', 'nft', 'list', 'table', 'inet', 'own')
    const transport = await openSocket({
      protocol: Protocol.Netfilter,
      networkNamespace: namespace.path,
      frameSize: 32_768,
    })
    await using session = new Session(transport)
    const [table] = await listTables(session, (name) => name === 'own')
    const own = table?.chains.flatMap((chain) => chain.rules.map(({ text }) => text)) ?? []
    const theirs = listing
      .replace(/,\n\s+/g, ', ')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => !HEADERS.test(line) || line.startsWith('counter packets'))
    expect(own).toHaveLength(rules.length)
    expect(own).toEqual(theirs)
    await installed.close()
  }

  const suffix = hasNft ? '' : ' (skipped: nft is missing)'
  test.skipIf(!hasNft)(`is nft's, of each property and action${suffix}`, async () => {
    await compare(vocabulary.map(({ rule }) => rule))
  })

  test.skipIf(!hasNft)(`is nft's, of a few hundred rules${suffix}`, async () => {
    await compare(nftTexts)
  })

  test.skipIf(!hasNft)(`is nft's, of maps and keys of several values${suffix}`, async () => {
    await compare(mapRules, mapSets, changeMaps)
  })
})
