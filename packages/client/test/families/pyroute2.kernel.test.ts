/**
 * Links, addresses, routes, neighbours and rules beside pyroute2: every attribute that both read, by its kernel name.
 */
import { spawnSync } from 'node:child_process'
import { type AttributeSet, type FamilyDescription, plainAttributes, replyLayout } from '@ringlink/codec'
import { rtAddr } from '@ringlink/families/rt-addr'
import { rtLink } from '@ringlink/families/rt-link'
import { rtNeigh } from '@ringlink/families/rt-neigh'
import { rtRoute } from '@ringlink/families/rt-route'
import { rtRule } from '@ringlink/families/rt-rule'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { NetlinkFamily } from '../../src/index.ts'
import { makeNetwork } from './made-network.ts'
import { OpenedFamilies } from './opened-families.ts'
import { beside } from './shown-fields.ts'

// Debian's own interpreter has Debian's module.
const PYTHON = '/usr/bin/python3'
const pyrouteMissing =
  spawnSync(PYTHON, ['-c', 'import pyroute2']).status === 0 ? undefined : 'python3-pyroute2 is not installed'
/** Prints each message as nested objects of numbers and text. */
const SCRIPT = `
import json, sys
from pyroute2 import IPRoute
def flat(value):
    if isinstance(value, dict):
        out = {k: flat(v) for k, v in value.items() if k not in ('attrs', 'header', 'event', 'value')}
        for key, inner in value.get('attrs', []):
            out[key] = flat(inner)
        return {k: v for k, v in out.items() if v is not None}
    return value if isinstance(value, (int, str)) and not isinstance(value, bool) else None
def rows(name):
    return [flat(message) for message in getattr(IPRoute(), name)(*([2] if name != 'get_links' else []))]
print(json.dumps({name: rows(name) for name in ('get_links', 'get_addr', 'get_routes', 'get_neighbours', 'get_rules')}))
`

interface Flat {
  [name: string]: number | string | Flat
}

/** Names as both have them: \`rxPackets\` and \`rx_packets\`. */
const plain = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')

/** Values by their kernel names; fields of structs by their own. */
function flatten(set: AttributeSet, values: Readonly<Record<string, unknown>>): Flat {
  const flat: Flat = {}
  for (const [name, value] of Object.entries(values)) {
    const attribute = set.members[name]
    if (attribute === undefined || value === undefined) continue
    const { format, kernelName } = attribute
    const inner = value as Readonly<Record<string, unknown>>
    if (format.kind === 'integer') flat[kernelName] = Number(value)
    else if (format.kind === 'text') flat[kernelName] = value as string
    else if (format.kind === 'bytes')
      flat[kernelName] = addressText(plainAttributes(set, { [name]: value })[name] as string)
    else if (format.kind === 'struct') flat[kernelName] = numbers(inner)
    else if (format.kind === 'nested') flat[kernelName] = flatten(format.set(), inner)
    else if (format.kind === 'union') {
      const chosen = format.sets[String(values[format.key])]
      if (chosen !== undefined && !('kind' in chosen)) flat[kernelName] = flatten(chosen, inner)
    }
  }
  return flat
}

/** Sixteen bytes that no hint calls an address, as other programs show them. */
function addressText(text: string): string {
  if (!/^[0-9a-f]{32}$/.test(text)) return text
  return new URL(`http://[${text.match(/.{4}/g)?.join(':')}]`).hostname.slice(1, -1)
}

function numbers(fields: Readonly<Record<string, unknown>>): Flat {
  const found = Object.entries(fields).filter(([, value]) => typeof value === 'number' || typeof value === 'bigint')
  return Object.fromEntries(found.map(([name, value]) => [name, Number(value)]))
}

/**
 * What is not compared: statistics and ages, which change between two readings, and the priority in the id of a bridge,
 * which pyroute2 reads in host order: ip shows what this library reads.
 */
const UNLIKE = /STATS|CACHEINFO|TIMER|LASTUSE|(ROOT|BRIDGE)_ID\.prio/i

/** An address of 4 or 16 bytes, of a tunnel: pyroute2 reads six bytes of any. */
const TUNNEL_ADDRESS = /^[0-9a-f]{2}(:[0-9a-f]{2}){3}((:[0-9a-f]{2}){12})?$/

/** What both have, and where they differ. */
function compare(ours: Flat, theirs: Flat, path = ''): { same: string[]; different: string[] } {
  const result = { same: [] as string[], different: [] as string[] }
  const known = new Map(Object.entries(theirs).map(([name, value]) => [plain(name), value]))
  for (const [name, value] of Object.entries(ours)) {
    const other = known.get(plain(name))
    const place = `${path}${name}`
    if (other === undefined || typeof other !== typeof value) continue
    if (typeof value === 'string' && TUNNEL_ADDRESS.test(value)) continue
    if (typeof value === 'object' && typeof other === 'object') {
      const within = compare(value, other, `${place}.`)
      result.same.push(...within.same)
      result.different.push(...within.different)
    } else if (value === other) result.same.push(place)
    else if (!UNLIKE.test(place)) {
      result.different.push(`${place}: ours ${String(value)}, theirs ${String(other)}`)
    }
  }
  return result
}

describe.skipIf(kernelUnavailable)(kernelTests('families beside other programs'), () => {
  let namespace: Namespace
  const opened = new OpenedFamilies()
  let kinds: readonly string[] = []

  const open = <Description extends FamilyDescription>(family: Description) => opened.open(family, namespace.path)
  beforeAll(async () => {
    namespace = await Namespace.open()
    kinds = (await makeNetwork(open)).made
  })
  afterAll(async () => {
    await opened.close()
    await namespace?.close()
  })

  test('devices were made by this library', () => {
    expect(kinds).toEqual(expect.arrayContaining(['veth', 'bridge']))
  })

  const cases = [
    ['links', 'get_links', rtLink, 'getlink', {}, 25],
    ['addresses', 'get_addr', rtAddr, 'getaddr', { header: { family: 2 } }, 6],
    ['routes', 'get_routes', rtRoute, 'getroute', { header: { family: 2 } }, 8],
    ['neighbours', 'get_neighbours', rtNeigh, 'getneigh', { header: { family: 2 } }, 5],
    ['rules', 'get_rules', rtRule, 'getrule', { header: { family: 2 } }, 5],
  ] as const
  describe.skipIf(pyrouteMissing)(beside('beside pyroute2', pyrouteMissing), () => {
    let theirs: Record<string, Flat[]>
    beforeAll(async () => {
      theirs = JSON.parse(await namespace.run(PYTHON, '-c', SCRIPT)) as Record<string, Flat[]>
    })

    test.each(cases)('%s, every attribute that both read', async (_, list, family, operation, request, least) => {
      const opened = (await open(family as FamilyDescription)) as NetlinkFamily
      const description = (family as FamilyDescription).operations[operation]
      if (description === undefined) throw new Error(`no operation ${operation}`)
      const { attributes } = replyLayout(description)
      const rows = (await opened.dump(operation, request)) as Readonly<Record<string, unknown>>[]
      const shown = theirs[list] ?? []
      expect(rows).toHaveLength(shown.length)
      expect(rows.length).toBeGreaterThan(0)
      for (const [index, { header, ...values }] of rows.entries()) {
        const ours = { ...numbers(header as Readonly<Record<string, unknown>>), ...flatten(attributes, values) }
        const { same, different } = compare(ours, shown[index] ?? {})
        expect(different).toEqual([])
        expect(same.length, same.join(' ')).toBeGreaterThanOrEqual(Math.min(least, 3))
      }
      const most = rows.map(({ header, ...values }, index) => {
        return compare(
          { ...numbers(header as Record<string, unknown>), ...flatten(attributes, values) },
          shown[index] ?? {},
        )
      })
      expect(Math.max(...most.map(({ same }) => same.length))).toBeGreaterThanOrEqual(least)
    })
  })
})
