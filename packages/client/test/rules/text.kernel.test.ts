/**
 * Our expressions for rules in nft's words are those of nft, byte for byte: both are installed, and read back from the
 * kernel.
 */
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Expression,
  type ExpressionData,
  Family,
  NfTablesMessage,
  nfnetlinkHeader,
  Protocol,
  readNfnetlinkAttributes,
  ruleAttributes,
  setElementListAttributes,
} from '@ringlink/codec'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { openSocket } from '@ringlink/transport-socket'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Session } from '../../src/index.ts'
import { nftTexts } from './nft-texts.ts'

const hasNft = spawnSync('nft', ['--version']).error === undefined
const HOOKS = ['prerouting', 'input', 'output'] as const

/** The rules of a hook, less the hook. */
function textsAt(hook: string): string[] {
  return nftTexts.filter((text) => text.startsWith(`${hook} `)).map((text) => text.slice(hook.length + 1))
}

/** Bytes as text, so that differences can be read. */
function readable(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
}

class Listing {
  #session: Session

  constructor(session: Session) {
    this.#session = session
  }

  /** The expressions of each rule of a table by its chain; a set that one looks up is shown by its elements. */
  async rules(table: string): Promise<Map<string, string[]>> {
    const rows = await this.#dump(NfTablesMessage.GetRule, ruleAttributes, { table })
    const chains = new Map<string, string[]>()
    for (const row of rows) {
      const { chain = '', expressions = [], table: own } = readNfnetlinkAttributes(row.view, ruleAttributes)
      if (own !== table) continue
      const shown = await Promise.all(expressions.map((it) => this.#withElements(table, it)))
      chains.set(chain, [...(chains.get(chain) ?? []), JSON.stringify(shown, readable)])
    }
    return chains
  }

  async #withElements(table: string, expression: Expression): Promise<unknown> {
    if (expression.name !== 'lookup') return expression
    const { set = '', ...data } = expression.data as ExpressionData<'lookup'>
    const rows = await this.#dump(NfTablesMessage.GetSetElement, setElementListAttributes, { table, set })
    const elements = rows.flatMap((row) => readNfnetlinkAttributes(row.view, setElementListAttributes).elements ?? [])
    // What nft notes about an element for itself is left out.
    const keys = elements.map(({ key, flags }) => JSON.stringify({ key, flags }, readable))
    return { name: 'lookup', data, elements: keys.sort() }
  }

  #dump(type: number, set: typeof ruleAttributes | typeof setElementListAttributes, attributes: object) {
    return this.#session.dump({ what: 'list rules', type, header: nfnetlinkHeader(Family.Inet, 0), set, attributes })
  }
}

describe.skipIf(kernelUnavailable)(kernelTests("rules in nft's words"), () => {
  let namespace: Namespace

  beforeAll(async () => {
    namespace = await Namespace.open()
  })

  afterAll(async () => {
    await namespace.close()
  })

  test.skipIf(!hasNft)(`are nft's own expressions${hasNft ? '' : ' (skipped: nft is missing)'}`, async () => {
    expect(nftTexts.length).toBeGreaterThan(500)
    const ours = await namespace.install(nftTexts, { table: 'ours' })
    const chains = HOOKS.map((hook) => {
      const head = `chain ${hook} {\ntype filter hook ${hook} priority 0;\n`
      return `${head}${textsAt(hook).join('\n')}\n}`
    })
    const folder = await mkdtemp(join(tmpdir(), 'ringlink-rules-'))
    try {
      const file = join(folder, 'rules.nft')
      await writeFile(file, `table inet theirs {\n${chains.join('\n')}\n}\n`)
      await namespace.run('env', 'TZ=UTC', 'nft', '-f', file)
    } finally {
      await rm(folder, { recursive: true })
    }
    const transport = await openSocket({ protocol: Protocol.Netfilter, networkNamespace: namespace.path })
    await using session = new Session(transport)
    const listing = new Listing(session)
    const [own, others] = [await listing.rules('ours'), await listing.rules('theirs')]
    for (const hook of HOOKS) {
      const texts = textsAt(hook)
      expect(own.get(hook)).toHaveLength(texts.length)
      const different = texts.flatMap((text, index) => {
        const pair = [own.get(hook)?.[index], others.get(hook)?.[index]]
        return pair[0] === pair[1] ? [] : [[text, ...pair]]
      })
      expect(different).toEqual([])
    }
    await ours.close()
  })
})
