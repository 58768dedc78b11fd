/** docs/coverage.md: every constant of the kernel's headers is described, or has a reason. */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { FAMILIES, SOURCES } from '../../scripts/kernel-coverage/families.mjs'
import { evaluate, headerConstants } from '../../scripts/kernel-coverage/header.mjs'
import { type Headers, installedHeaders, installedVersion, parseRecord } from '../../scripts/kernel-coverage/record.mjs'
import { answersIn, constantsIn, describedConstants } from '../../scripts/kernel-coverage/source.mjs'
import { isGap, statusOf } from '../../scripts/kernel-coverage/status.mjs'

const root = resolve(import.meta.dirname, '../..')
const folder = join(root, 'scripts/kernel-coverage')
const [file = ''] = readdirSync(folder).filter((name) => /^linux-.*\.txt$/.test(name))
const recorded = parseRecord(readFileSync(join(folder, file), 'utf8'))
const described = describedConstants(root, SOURCES)

/** The constants of a family that we lack, or that have another number. */
function gaps(headers: Headers, family: (typeof FAMILIES)[number]): string[] {
  return family.headers.flatMap((name) =>
    [...(headers.get(name)?.values() ?? [])].flatMap((constants) =>
      [...constants]
        .map(([constant, number]) => statusOf(constant, number, described, family))
        .filter(isGap)
        .map(({ name: constant, number, differs }) => `${constant} = ${number}, ours ${differs}`),
    ),
  )
}

describe.each(FAMILIES)('$title', (family) => {
  test('lacks nothing that is recorded, and has the kernel’s numbers', () => {
    expect(gaps(recorded.headers, family)).toEqual([])
  })
})

test('the families that must be complete have the headers that the issue names', () => {
  const complete = FAMILIES.filter((family) => family.complete === true).flatMap(({ headers }) => headers)
  const names = ['netlink', 'genetlink', 'nfnetlink_queue', 'nfnetlink_log', 'nfnetlink_conntrack', 'nf_tables']
  expect(complete.map((name) => name.replace(/^.*\/|\.h$/g, ''))).toEqual(expect.arrayContaining(names))
  expect(recorded.headers.get('linux/netfilter/nf_tables.h')?.size).toBeGreaterThan(60)
})

test('the installed headers agree: those of the recorded version whole, others where they have the recorded names', () => {
  const installed = installedHeaders(FAMILIES.flatMap(({ headers }) => headers))
  const isSame = installedVersion() === recorded.version
  for (const family of FAMILIES) {
    const compared: Headers = isSame ? installed : restricted(installed)
    if (family.complete === true) expect(gaps(compared, family), family.title).toEqual([])
  }
})

/** Headers without what the recorded ones do not have: a newer kernel's are not a gap. */
function restricted(headers: Headers): Headers {
  return new Map(
    [...headers].map(([name, groups]) => {
      const known = new Set([...(recorded.headers.get(name)?.values() ?? [])].flatMap((all) => [...all.keys()]))
      const kept = [...groups].map(
        ([group, constants]) => [group, new Map([...constants].filter(([constant]) => known.has(constant)))] as const,
      )
      return [name, new Map(kept)]
    }),
  )
}

test('the document is current', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/coverage.mjs', '--check'], {
    cwd: root,
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  expect(status).toBe(0)
})

test('a constant without a description, and one with another number, is a gap', () => {
  const known = new Map([['NFT_META_LEN', { file: 'a.ts', number: 1 }]])
  const family = { complete: true }
  expect(isGap(statusOf('NFT_META_NEW', 40, known, family))).toBe(true)
  expect(isGap(statusOf('NFT_META_LEN', 0, known, family))).toBe(true)
  expect(isGap(statusOf('NFT_META_LEN', 1, known, family))).toBe(false)
  expect(statusOf('NFT_META_MAX', 40, known, family)).toMatchObject({ kind: 'absent', reason: 'bound' })
  expect(statusOf('XFRM_NEW', 1, known, {})).toMatchObject({ kind: 'absent', reason: 'no specification' })
})

test('every constant that is absent has a reason, and the document explains it', () => {
  const document = readFileSync(join(root, 'docs/coverage.md'), 'utf8')
  const reasons = new Set([...document.matchAll(/absent \(([^)]+)\): /g)].map(([, reason]) => reason))
  for (const reason of reasons) expect(document).toMatch(new RegExp(`^- (\\*\\*[^*]+\\*\\*, )*\\*\\*${reason}`, 'm'))
  expect(reasons).not.toContain('undefined')
})

test('a generated family: answers by their number, kinds, nests and values by their place', () => {
  const family = { module: 'some' }
  const reason = (name: string, number: number, place: Parameters<typeof statusOf>[4]) =>
    statusOf(name, number, new Map(), family, place).reason
  const answers = new Set(answersIn("get: operation<X>('A', x, { do: { request: 4, reply: 5 }, event: 6 })"))
  expect(reason('DEVLINK_CMD_NEW', 5, { answers })).toBe('number of an answer')
  expect(reason('ETHTOOL_MSG_RINGS_NTF', 6, { answers })).toBe('number of an answer')
  expect(reason('DEVLINK_CMD_SET', 4, { answers, header: 'linux/devlink.h' })).toBe('no operation')
  const links = { header: 'linux/if_link.h', group: 'enum' }
  expect(reason('IFLA_MACVLAN_MODE', 1, links)).toBe('kind without a table')
  expect(reason('VXLAN_DF_SET', 1, links)).toBe('values without names')
  const wireless = { header: 'linux/nl80211.h', group: 'enum nl80211_sta_info' }
  expect(reason('NL80211_STA_INFO_SIGNAL', 7, wireless)).toBe('nest without a table')
  expect(reason('NHA_ID', 1, { header: 'linux/nexthop.h' })).toBe('no specification')
  expect(reason('TCA_CBQ_RATE', 5, { header: 'linux/pkt_sched.h', group: 'enum' })).toBe('removed')
})

test('headers are read: enums that count, refer, shift and have macros within, and comments anywhere', () => {
  const text = `
    #define BASE 0x10 /* not (1) */
    #define NEXT (BASE + 1)
    #define TEXT "no number"
    #define CALL(x) ((x) + 1)
    enum a { A, B = 5, C, /* D, */ E = (1 << 3) | B,
    #define A A
      F = ~0U & 0xff, };
    enum { G = NEXT, H // I
      , };
    enum later { J = UNKNOWN, K };`
  const found = [...headerConstants(text)].map(([group, constants]) => [group, Object.fromEntries(constants)])
  expect(Object.fromEntries(found)).toEqual({
    '#define': { BASE: 16, NEXT: 17 },
    'enum a': { A: 0, B: 5, C: 6, E: 13, F: 255 },
    enum: { G: 17, H: 18 },
    'enum later': { J: undefined, K: undefined },
  })
  expect(evaluate('sizeof(struct x)', new Map())).toBeUndefined()
  expect(evaluate('1 +', new Map())).toBeUndefined()
  expect(evaluate('010 + 1UL', new Map())).toBe(9)
})

test('our sources are read: constants with one kernel name or several, limits, attributes and messages', () => {
  const text = `
    /** XY_NONE, earlier XY_NO: of nothing */
    None: 0,
    /** The longest name (\`XY_MAXLEN\` less the zero byte). */
    const MAXIMUM = 255
    flags: u32(3, 'XYA_FLAGS', { constants }),
    get: operation<Values>('XY_GET', attributes, {}),
    /** of \`Other\`, not XY_OTHER */
    other: be32(4, 'XYA_OTHER'),`
  expect(new Map(constantsIn(text))).toEqual(
    new Map<string, number | undefined>([
      ...Object.entries({ XY_NONE: 0, XY_NO: 0, XY_MAXLEN: 255, XYA_FLAGS: 3, XYA_OTHER: 4 }),
      ['XY_GET', undefined],
    ]),
  )
})
