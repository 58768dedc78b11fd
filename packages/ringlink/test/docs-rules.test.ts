/** The examples of docs/rules.md run on the simulated kernel, as they are. */
import { readFileSync } from 'node:fs'
import { formatRule, installRules, openQueue, parseRule, type Queue } from '@ringlink/client'
import { SimKernel } from '@ringlink/transport-sim'
import ts from 'typescript'
import { expect, test } from 'vitest'

const document = readFileSync(new URL('../../../docs/rules.md', import.meta.url), 'utf8')
const examples = [...document.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code)

test('docs/rules.md has examples', () => {
  expect(examples.length).toBeGreaterThan(4)
})

test.each(examples)('%s', async (code) => {
  const kernel = new SimKernel()
  const transport = kernel.open.bind(kernel)
  const queues: Queue[] = []
  const library = {
    formatRule,
    parseRule,
    isAttack: () => false,
    installRules: (rules: string[], options: object) => installRules(rules, { ...options, transport }),
    openQueue: async (options: { number: number }) => {
      const queue = await openQueue({ ...options, transport })
      queues.push(queue)
      // The example answers packets until its queue is closed.
      setImmediate(() => queue.close())
      return queue
    },
  }
  const main = `export async function main() {\n${code.replace(/^import .*$/gm, '')}\n}`
  const { outputText } = ts.transpileModule(main, {
    compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
  })
  const exports: { main?: () => Promise<void> } = {}
  const printed: unknown[] = []
  new Function('exports', 'console', ...Object.keys(library), outputText)(
    exports,
    { log: (...values: unknown[]) => printed.push(...values) },
    ...Object.values(library),
  )
  await exports.main?.()
  if (code.includes('parseRule')) expect(printed).toEqual(['output ip daddr != 10.0.0.0/8 udp dport { 53, 853 } drop'])
  if (code.includes('blocked.has'))
    expect(printed).toEqual([true, expect.arrayContaining([expect.objectContaining({ value: '192.0.2.1' })])])
})
