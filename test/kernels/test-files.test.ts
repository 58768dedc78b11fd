import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle } from '../../scripts/kernels/bundle.mjs'
import { testFiles } from '../../scripts/kernels/test-files.mjs'

const root = join(import.meta.dirname, '../..')

test('the test files are those whose paths start so, each once', () => {
  const files = testFiles(['packages/transport-socket', 'packages/client/test/replies', 'packages/transport-socket'])
  expect(files).toContain('packages/client/test/replies.kernel.test.ts')
  expect(files).toContain('packages/transport-socket/test/socket.kernel.test.ts')
  expect(new Set(files).size).toBe(files.length)
  for (const file of files) expect(existsSync(join(root, file)), file).toBe(true)
  expect(testFiles(['packages/client/test/nothing'])).toEqual([])
})

const bodies = {
  passes: `describe('of two', () => {
    test.each([1, 2])('%i is a number', async (n) => { await expect.poll(() => n).toBeTypeOf('number') })
  })
  test.skip('not here', () => { throw new Error() })
  test('knows its module', () => console.log(import.meta.url, import.meta.dirname, 'import.meta.url'))`,
  test: `test('wrong', () => expect(1).toBe(2)); test('right', () => {})`,
  hook: `beforeAll(() => { throw new Error('no namespace') }); test('right', () => {})`,
  module: `test('right', () => {}); throw new Error('no addon')`,
  rejection: `test('right', () => { Promise.reject(new Error('late')) })`,
  nothing: '',
  endless: `test('endless', () => new Promise(() => setInterval(() => {}, 1000)))`,
}

describe('a test file outside of vitest', () => {
  // In the workspace, where vitest is found.
  let folder: string
  beforeAll(async () => {
    mkdirSync(join(root, 'node_modules/.cache'), { recursive: true })
    folder = mkdtempSync(join(root, 'node_modules/.cache/test-files-'))
    const entries: Record<string, string> = { runner: join(root, 'scripts/kernels/test-runner.mjs') }
    for (const [name, body] of Object.entries(bodies)) {
      entries[name] = join(folder, `${name}.ts`)
      writeFileSync(entries[name], `import { beforeAll, describe, expect, test } from 'vitest'\n${body}`)
    }
    await bundle(entries, folder, root)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  function run(name: keyof typeof bodies, environment: Record<string, string> = {}) {
    const env = { ...process.env, ...environment }
    const words = [join(folder, 'runner.mjs'), `${name}.mjs`, 'its.test.ts']
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', env })
    return { status, stderr, lines: stdout.trimEnd().split('\n') }
  }

  test('passes when every test does; what is skipped is counted', () => {
    const { status, lines } = run('passes')
    expect(lines.filter((line) => line.startsWith('pass'))).toEqual([
      expect.stringMatching(/^pass [\d.]+ s its.test.ts > of two > 1 is a number$/),
      expect.stringMatching(/^pass [\d.]+ s its.test.ts > of two > 2 is a number$/),
      expect.stringMatching(/^pass [\d.]+ s its.test.ts > knows its module$/),
    ])
    expect(lines).toContain(`file://${join(folder, 'passes.ts')} ${folder} import.meta.url`)
    expect({ status, end: lines.at(-1) }).toEqual({ status: 0, end: 'its.test.ts: 3 passed, 0 failed, 1 skipped' })
  })

  test.each([
    ['test', 'expected 1 to be 2'],
    ['hook', 'no namespace'],
    ['module', 'no addon'],
    ['rejection', 'late'],
    ['nothing', 'No test suite found'],
  ] as const)('fails with a wrong %s, and says why', (name, reason) => {
    const { status, lines, stderr } = run(name)
    expect(status).toBe(1)
    expect(lines.join('\n') + stderr).toContain(reason)
  })

  test('has limits that grow with RINGLINK_SLOWNESS', () => {
    const { status, lines } = run('endless', { RINGLINK_SLOWNESS: '0.001' })
    expect(status).toBe(1)
    expect(lines.join('\n')).toContain('Test timed out in 120ms')
  })
})
