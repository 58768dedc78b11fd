/** Sets of several types, and maps: on the real kernel, and as nft shows them. */
import { spawnSync } from 'node:child_process'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { changeMaps, mapRules, mapSets, refuseMaps } from './map-scenario.ts'

const hasNft = spawnSync('nft', ['--version']).error === undefined

describe.skipIf(kernelUnavailable)(kernelTests('sets of several types and maps of the real kernel'), () => {
  let namespace: Namespace

  beforeEach(async () => {
    namespace = await Namespace.open()
  })

  afterEach(async () => {
    await namespace.close()
  })

  test('are changed and listed as those of the simulated one, and decide about packets', async () => {
    const rules = await namespace.install(mapRules, { sets: mapSets })
    await changeMaps(rules)
    await refuseMaps(rules)
    await rules.set('pairs').add([['127.0.0.1', 5030]])
    for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.9', '127.1.0.1'])
      await namespace.send({ port: 5030, address, count: 2 })
    await namespace.send({ port: 9, address: '127.0.0.1', count: 3 })
    const counted = (await rules.counters()).map(({ packets }) => packets)
    // Only what is in no area is counted by the second rule; only ports with a mark get one.
    expect(counted.slice(0, 7)).toEqual([2, 5, 13, 13, 10, 13, 11])
    expect(counted[10]).toBe(2)
    const seen = await rules.set('seen').list()
    expect(seen.map(({ value }) => JSON.stringify(value)).sort()).toEqual([
      '["127.0.0.1",5030]',
      '["127.0.0.1",9]',
      '["127.0.0.2",5030]',
      '["127.0.0.3",5030]',
      '["127.0.0.9",5030]',
      '["127.1.0.1",5030]',
    ])
  })

  test.skipIf(!hasNft)(`are what nft shows${hasNft ? '' : ' (skipped: nft is missing)'}`, async () => {
    const rules = await namespace.install(mapRules, { sets: mapSets, table: 'own' })
    await changeMaps(rules)
    const listing = await namespace.run('nft', 'list', 'table', 'inet', 'own')
    const lines = new Set(listing.split('\n').map((line) => line.trim()))
    for (const line of [
      'elements = { 127.0.0.0/24 . 5000-6000 }',
      'type ipv6_addr . mark . ifname',
      '::1 . 0x00000005 . "lo" }',
      'type ipv4_addr : verdict',
      '127.0.0.3 : jump dropped }',
      'elements = { 53 : 0x80000000, 5030-5031 : 0x00000050 }',
      'elements = { 127.0.0.8/30 . 1-6000 : drop }',
      'ip daddr . udp dport @pairs counter packets 0 bytes 0',
      'ip daddr . udp dport != @areas counter packets 0 bytes 0',
      'meta nfproto ipv4 meta l4proto udp counter packets 0 bytes 0 update @seen { ip daddr . udp dport timeout 1m }',
      'meta l4proto udp counter packets 0 bytes 0 meta mark set udp dport map @marks',
      'meta nfproto ipv4 meta l4proto udp counter packets 0 bytes 0 ip daddr . udp dport vmap @ways',
      'meta nfproto ipv4 meta l4proto udp counter packets 0 bytes 0 ip daddr vmap @verdicts',
      'ip6 saddr . meta mark . iifname @marked counter packets 0 bytes 0',
      'ether saddr . iifname @cards counter packets 0 bytes 0',
      'counter packets 0 bytes 0 ct mark set meta mark map @tags',
    ])
      expect(lines).toContain(line)
  })
})
