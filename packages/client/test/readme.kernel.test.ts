/** Runs the README's example of a request on the real kernel, unchanged. */
import { readFileSync } from 'node:fs'
import * as codec from '@ringlink/codec'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { openSocket } from '@ringlink/transport-socket'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import * as client from '../src/index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const [, code = ''] = /## Session[\s\S]*?```ts\n([\s\S]*?)```/.exec(readme) ?? []

describe.skipIf(kernelUnavailable)(kernelTests('the example of the README'), () => {
  test('lists the tables', async () => {
    await using namespace = await Namespace.open()
    await namespace.install([{ hook: 'output', verdict: 'accept' }])
    const main = `export async function main() {\n${code.replace(/^import .*$/gm, '')}\n}`
    const { outputText } = ts.transpileModule(main, {
      compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
    })
    const names = {
      ...{ Session: client.Session, NfTablesMessage: codec.NfTablesMessage, nfnetlinkHeader: codec.nfnetlinkHeader },
      ...{ Protocol: codec.Protocol, tableAttributes: codec.tableAttributes },
      openSocket: (options: Parameters<typeof openSocket>[0]) =>
        openSocket({ ...options, networkNamespace: namespace.path }),
    }
    const lines: unknown[] = []
    const exported: { main?: () => Promise<void> } = {}
    const run = new Function('exports', 'console', ...Object.keys(names), outputText)
    run(exported, { log: (line: unknown) => lines.push(line) }, ...Object.values(names))
    await exported.main?.()
    expect(lines).toEqual(['tables: 1'])
  })
})
