/** The README's examples about sets and offload: at most 12 lines, and run on the real kernel, unchanged. */
import { readFileSync } from 'node:fs'
import { installRules, openQueue, type Queue, type Rules } from '@ringlink/client'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import type { TransportNeeds } from '@ringlink/transport'
import { openSocket } from '@ringlink/transport-socket'
import ts from 'typescript'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
const SETS = 'Rules can be written in nft'
const OFFLOAD = 'With `offload` a queue gets'

function exampleOf(title: string): string {
  const [, code] = readme.split(`\n${title}`)[1]?.match(/```ts\n([\s\S]*?)```/) ?? []
  if (code === undefined) throw new Error(`README has no example after '${title}'`)
  return code
}

test.each([SETS, OFFLOAD])('%s: at most 12 lines', (title) => {
  const lines = exampleOf(title).trim().split('\n')
  expect(lines.filter((line) => line !== '').length).toBeLessThanOrEqual(12)
})

describe.skipIf(kernelUnavailable)(kernelTests('examples of rules'), () => {
  let namespace: Namespace
  let opened: Rules | Queue | undefined

  beforeEach(async () => {
    namespace = await Namespace.open()
  })

  afterEach(async () => {
    await opened?.close()
    await namespace.close()
  })

  const transport = (needs: TransportNeeds) => openSocket({ ...needs, networkNamespace: namespace.path })

  /** Runs an example with the library in the namespace; resolves once it has opened its rules or its queue. */
  async function run(code: string, print: (line: unknown) => void): Promise<void> {
    const main = `export async function main() {\n${code.replace(/^import .*$/gm, '')}\n}`
    const { outputText } = ts.transpileModule(main, {
      compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
    })
    let tell = () => {}
    const isOpen = new Promise<void>((resolve) => {
      tell = resolve
    })
    const note = <Opened extends Rules | Queue>(value: Opened): Opened => {
      opened = value
      tell()
      return value
    }
    const library = {
      installRules: async (rules: string[], options: object) =>
        note(await installRules(rules, { ...options, transport })),
      openQueue: async (options: { number: number }) => note(await openQueue({ ...options, transport })),
    }
    const exports: { main?: () => Promise<void> } = {}
    new Function('exports', 'console', ...Object.keys(library), outputText)(
      exports,
      { log: print },
      ...Object.values(library),
    )
    const ended = exports.main?.() ?? Promise.reject(new Error('no example'))
    // It runs until what it opened is closed, which ends the set's watch with an error.
    ended.catch(() => {})
    await Promise.race([isOpen, ended])
  }

  test('a blocker, whose elements expire', async () => {
    await namespace.listen(9300)
    await namespace.run('ip', 'route', 'add', 'local', '192.0.2.1', 'dev', 'lo')
    const lines: { added: string[]; removed: string[] }[] = []
    let heard = () => {}
    const next = () =>
      new Promise<void>((resolve) => {
        heard = resolve
      })
    const first = next()
    await run(exampleOf(SETS), (line) => {
      lines.push(line as (typeof lines)[0])
      heard()
    })
    await first
    expect(lines[0]?.added.sort()).toEqual(['127.0.0.7', '192.0.2.1'])
    const expired = next()
    // What lives for ten minutes is blocked however slow the machine is.
    await namespace.send({ port: 9300, address: '192.0.2.1', count: 5 })
    await expired
    expect(lines[1]).toEqual({ added: [], removed: ['127.0.0.7'] })
    const [before] = await (opened as Rules).counters()
    expect(before?.packets).toBe(5)
    await namespace.send({ port: 9300, address: '127.0.0.7', count: 2 })
    await namespace.send({ port: 9300, address: '192.0.2.1', count: 2 })
    expect(await (opened as Rules).counters()).toMatchObject([{ packets: 7 }])
  })

  test('an intrusion detector, which leaves the rest of each connection to the kernel', async () => {
    await namespace.serve(80)
    await run(exampleOf(OFFLOAD), () => {})
    await namespace.connect({ port: 80, bytes: 1 << 23 })
    const queue = opened as Queue
    const { later, dropped } = (await queue.rules?.offloaded()) ?? {}
    expect(queue.stats.packets).toBeLessThanOrEqual(20)
    // Twenty packets of up to 64 KiB went to the program.
    expect(later?.bytes).toBeGreaterThan(1 << 22)
    expect(dropped).toEqual({ packets: 0, bytes: 0 })
  })
})
