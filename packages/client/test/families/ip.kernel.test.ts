/**
 * Links, addresses, routes, neighbours and rules beside `ip -json -details`: every field that it shows, of a network
 * that this library makes.
 */
import type { FamilyDescription } from '@ringlink/codec'
import { rtAddr } from '@ringlink/families/rt-addr'
import { rtLink } from '@ringlink/families/rt-link'
import { rtNeigh } from '@ringlink/families/rt-neigh'
import { rtRoute } from '@ringlink/families/rt-route'
import { rtRule } from '@ringlink/families/rt-rule'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  addressReaders,
  type Link,
  linkReaders,
  neighbourReaders,
  type Route,
  routeReaders,
  ruleReaders,
} from './ip-readers.ts'
import { type Data, kindReaders, portReaders, undescribed } from './link-kinds.ts'
import { IPV4, IPV6, makeNetwork } from './made-network.ts'
import { OpenedFamilies } from './opened-families.ts'
import {
  addressText,
  beside,
  comparedFields,
  differences,
  missingProgram,
  type Readers,
  type Shown,
} from './shown-fields.ts'

const missing = missingProgram('ip')
/** What runs on by itself, so that two readings differ. */
const CLOCKS = new Set(['confirmed', 'used', 'updated', 'hash', 'stats', 'cstamp', 'tstamp', 'expires'])

/** Rows as text, to compare two readings. */
function withoutClocks(rows: readonly unknown[]): string {
  return JSON.stringify(rows, (name, value: unknown) =>
    CLOCKS.has(name) || name.endsWith('Timer') ? undefined : typeof value === 'bigint' ? String(value) : value,
  )
}

describe.skipIf(kernelUnavailable)(kernelTests('a network beside ip'), () => {
  let namespace: Namespace
  let kinds: Awaited<ReturnType<typeof makeNetwork>>
  const opened = new OpenedFamilies()
  const open = <Description extends FamilyDescription>(family: Description) => opened.open(family, namespace.path)

  beforeAll(async () => {
    namespace = await Namespace.open()
    kinds = await makeNetwork(open)
  })
  afterAll(async () => {
    await opened.close()
    await namespace?.close()
  })

  test('the network was made by this library', () => {
    expect(kinds.made).toEqual(expect.arrayContaining(['veth', 'bridge']))
    expect(kinds.made.length + kinds.refused.length).toBeGreaterThanOrEqual(18)
  })

  /** What ip shows between two readings of ours that are the same: nothing changed in between. */
  async function still<Row>(read: () => Promise<Row[]>, ...options: string[]) {
    for (let tries = 1; ; tries++) {
      const rows = await read()
      const shown = JSON.parse(await namespace.run('ip', '-json', '-details', ...options)) as Shown[]
      const again = await read()
      if (withoutClocks(rows) === withoutClocks(again)) return { rows, shown }
      if (tries === 10) expect(withoutClocks(again)).toBe(withoutClocks(rows))
    }
  }

  async function deviceNames(): Promise<ReadonlyMap<number, string>> {
    const links = await (await open(rtLink)).dump('getlink')
    return new Map(links.map(({ header, ifname = '' }) => [header.index, ifname]))
  }

  /** Holds what is shown to the rows, in their order; the fields that were compared. */
  function hold<Row>(shown: readonly Shown[], rows: readonly Row[], readers: Readers<Row>): string[] {
    expect(rows).toHaveLength(shown.length)
    const found = shown.flatMap((fields, index) => {
      const row = rows[index] as Row
      return differences(fields, row, readers).map((text) => `${JSON.stringify(fields).slice(0, 90)}: ${text}`)
    })
    expect(found).toEqual([])
    return comparedFields(shown, readers)
  }

  describe.skipIf(missing)(beside('every field', missing), () => {
    test('links, with their statistics', async () => {
      const links = await open(rtLink)
      const { rows, shown } = await still(() => links.dump('getlink'), '-statistics', 'link')
      const names = new Map(rows.map(({ header, ifname = '' }) => [header.index, ifname]))
      const plain = shown.map(({ linkinfo, ...link }) => {
        const { info_kind, info_slave_kind } = (linkinfo ?? {}) as Shown
        return {
          ...link,
          linkinfo: {
            ...(info_kind !== undefined && { info_kind }),
            ...(info_slave_kind !== undefined && { info_slave_kind }),
          },
        }
      })
      expect(hold(plain, rows, linkReaders(rows, names)).length).toBeGreaterThanOrEqual(35)
      expect(links.stats.unreadable).toBe(0)
    })

    test('what each kind of device and port has', async () => {
      const links = await open(rtLink)
      const { rows, shown } = await still(() => links.dump('getlink'), 'link')
      const found: string[] = []
      const compared = new Set<string>()
      for (const [index, { linkinfo: given = {} }] of shown.entries()) {
        const { info_kind, info_data, info_slave_kind, info_slave_data } = given as Record<string, Shown & string>
        const { linkinfo } = rows[index] as Link
        const parts = [
          [info_kind, info_data, linkinfo?.data, kindReaders],
          [info_slave_kind, info_slave_data, linkinfo?.slaveData, portReaders],
        ] as const
        for (const [kind = '', fields, data, readers] of parts) {
          if (fields === undefined) continue
          if (undescribed.includes(kind)) {
            // IFLA_INFO_DATA
            expect(linkinfo?.unknown).toMatchObject([{ type: 2, payload: expect.any(Uint8Array) }])
            continue
          }
          const problems = differences(fields, (data ?? {}) as Data, readers[kind] ?? {})
          found.push(...problems.map((text) => `${kind}: ${text}`))
          for (const name of comparedFields([fields], readers[kind] ?? {})) compared.add(`${kind} ${name}`)
        }
      }
      expect(found).toEqual([])
      expect(compared.size).toBeGreaterThanOrEqual(55)
    })

    test('addresses', async () => {
      const addresses = await open(rtAddr)
      const { rows, shown } = await still(() => addresses.dump('getaddr'), 'address')
      const all = shown.flatMap(({ ifindex, addr_info }) =>
        (addr_info as Shown[]).map((each) => ({ ifindex, ...each })),
      )
      const readers = { ...addressReaders, ifindex: ({ header }: (typeof rows)[number]) => header.index }
      const ordered = all.map((each) => {
        const { family, local } = each as Shown
        return rows.find((row) => {
          return (
            [2, 10][family === 'inet' ? 0 : 1] === row.header.family && addressText(row.local ?? row.address) === local
          )
        })
      })
      expect(ordered).not.toContain(undefined)
      expect(rows).toHaveLength(all.length)
      const found = hold(all, ordered as typeof rows, readers)
      expect(found.length).toBeGreaterThanOrEqual(11)
    })

    test.each([
      ['IPv4', IPV4, '-4', 6, 12],
      ['IPv6', IPV6, '-6', 3, 9],
    ])('routes of %s', async (_, family, option, least, fields) => {
      const routes = await open(rtRoute)
      const names = await deviceNames()
      const read = async (): Promise<Route[]> =>
        (await routes.dump('getroute', { header: { family } })).filter(({ header: { flags } }) => (flags & 0x200) === 0)
      const { rows, shown } = await still(read, option, 'route', 'show', 'table', 'all')
      expect(rows.length).toBeGreaterThanOrEqual(least)
      expect(hold(shown, rows, routeReaders(names)).length).toBeGreaterThanOrEqual(fields)
    })

    test('neighbours', async () => {
      const neighbours = await open(rtNeigh)
      const names = await deviceNames()
      const { rows, shown } = await still(
        () => neighbours.dump('getneigh'),
        '-statistics',
        'neighbour',
        'show',
        'nud',
        'all',
      )
      const ours = rows.filter(({ header: { family } }) => family === IPV4 || family === IPV6)
      const identity = (dst: unknown, dev: unknown) => `${dst} ${dev}`
      const ordered = shown.map(({ dst, dev }) =>
        ours.find((row) => identity(addressText(row.dst), names.get(row.header.ifindex)) === identity(dst, dev)),
      )
      expect(ordered).not.toContain(undefined)
      // Others are shown of some states only: `refcnt` of neighbours that something uses.
      const least = ['dst', 'dev', 'lladdr', 'probes', 'state']
      expect(hold(shown, ordered as typeof ours, neighbourReaders(names))).toEqual(expect.arrayContaining(least))
      expect(shown.map(({ lladdr }) => lladdr)).toContain('02:00:00:00:00:09')
    })

    test.each([
      ['IPv4', IPV4, '-4', 8, 22],
      ['IPv6', IPV6, '-6', 3, 5],
    ])('rules of %s', async (_, family, option, least, fields) => {
      const rules = await open(rtRule)
      const { rows, shown } = await still(() => rules.dump('getrule', { header: { family } }), option, 'rule')
      expect(rows.length).toBeGreaterThanOrEqual(least)
      expect(hold(shown, rows, ruleReaders).length).toBeGreaterThanOrEqual(fields)
    })
  })
})
