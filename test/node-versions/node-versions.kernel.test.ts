import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { describe, expect, test } from 'vitest'

const core = fileURLToPath(new URL('./core.mjs', import.meta.url))
const require = createRequire(import.meta.url)
const binary = (name: string): string => join(dirname(require.resolve(`${name}/package.json`)), 'bin', 'node')

describe.skipIf(kernelUnavailable)(
  kernelTests('the built packages and the one addon, under every supported Node'),
  () => {
    test.each([
      ['the current one', process.execPath, process.version],
      ['22', binary('node22'), 'v22.'],
      ['24', binary('node24'), 'v24.'],
      ['26', binary('node26'), 'v26.'],
    ])('Node %s', async (_, executable, version) => {
      await using namespace = await Namespace.open()
      await namespace.queueOutput(0, { protocol: 'udp', destinationPort: 9000 })
      const result = JSON.parse(await namespace.run(executable, core))
      const expected = { accepted: 150, dropped: 50, delivered: 150 }
      expect(result).toEqual({ node: expect.stringContaining(version), main: expected, worker: expected })
    })
  },
)
