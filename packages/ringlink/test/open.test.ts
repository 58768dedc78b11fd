import { describe, expect, test } from 'vitest'
import { installRules, openLog, openQueue, openTransport } from '../src/index.ts'

/** A function as JavaScript sees it. */
type Loose = (...given: unknown[]) => Promise<unknown>

const functions: [string, Loose, object][] = [
  ['openQueue', openQueue as Loose, { number: 0 }],
  ['openLog', openLog as Loose, { group: 0 }],
  ['openTransport', openTransport as Loose, { protocol: 12 }],
]

describe.each(functions)('%s', (_, open, valid) => {
  test.each([
    [undefined, ''],
    [null, ''],
    ['0', ''],
    [{ ...valid, ring: 'no' }, 'ring'],
    [{ ...valid, networkNamespace: true }, 'networkNamespace'],
    [{ ...valid, rnig: true }, 'rnig'],
  ])('%j is refused before anything is opened', async (options, path) => {
    await expect(open(options)).rejects.toMatchObject({ code: 'ARGUMENT', path })
  })
})

test('installRules() takes a list, and its own options', async () => {
  const install = installRules as Loose
  await expect(install({ hook: 'input' })).rejects.toMatchObject({ code: 'ARGUMENT', path: 'rules' })
  await expect(install([{ hook: 'input' }], { ring: true })).rejects.toMatchObject({ code: 'ARGUMENT', path: 'ring' })
  await expect(install([{ hook: 'input' }], null)).rejects.toMatchObject({ code: 'ARGUMENT' })
})
