/** The README's examples print what it says they print. */
import { readFileSync } from 'node:fs'
import * as codec from '@ringlink/codec/memory'
import ts from 'typescript'
import { expect, test } from 'vitest'
import * as packet from '../src/index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const examples = [...readme.matchAll(/```ts\n([\s\S]*?)```\n\n?(?:It prints(?:\n\n```\n([\s\S]*?)```| `([^`]+)`))?/g)]

test.each(examples.map((match, index) => [index, match[1] ?? '', match[2] ?? match[3]] as const))(
  'example %i',
  (_, code, output) => {
    const { outputText } = ts.transpileModule(code, {
      compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
    })
    const modules: Readonly<Record<string, unknown>> = { '@ringlink/codec': codec, '@ringlink/packet': packet }
    const lines: string[] = []
    const log = (...values: unknown[]) => lines.push(values.map(String).join(' '))
    new Function('require', 'exports', 'console', outputText)((name: string) => modules[name], {}, { log })
    expect(lines.join('\n')).toBe((output ?? '').trim())
  },
)

test('there are examples', () => expect(examples.length).toBe(3))
