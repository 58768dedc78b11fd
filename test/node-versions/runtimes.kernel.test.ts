import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const program = fileURLToPath(new URL('./runtime.mjs', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))
const require = createRequire(import.meta.url)

/** A binary of a package that is there for some machines only. */
function binary(name: string, path: string): string | undefined {
  try {
    return join(dirname(require.resolve(`${name}/package.json`)), path)
  } catch {
    return undefined
  }
}

const node = binary('node24', 'bin/node')
const compile = /Compile/

/** Runtimes, with the advice that is true there, or the transports that work. */
const runtimes = [
  { name: 'Bun', command: binary('bun', 'bin/bun'), arguments: [], advice: /^Bun .* has no uv_poll_init.*Node\.js/ },
  {
    name: 'Deno',
    command: binary('deno', 'deno'),
    arguments: ['run', '--allow-all'],
    advice: /Deno .* has no libuv.*Node\.js/,
  },
  {
    name: 'Deno without --allow-ffi',
    command: binary('deno', 'deno'),
    arguments: ['run', '--allow-read', '--allow-env', '--allow-sys'],
    advice: /Deno .* has no libuv.*with or without --allow-ffi.*Node\.js/,
  },
  {
    name: 'node --permission',
    command: node,
    arguments: ['--permission', `--allow-fs-read=${root}*`],
    advice: /--allow-addons/,
  },
  { name: 'node --no-addons', command: node, arguments: ['--no-addons'], advice: /without --no-addons/ },
  {
    name: 'node --permission --allow-addons',
    command: node,
    arguments: ['--permission', '--allow-addons', `--allow-fs-read=${root}*`],
    advice: undefined,
  },
]

for (const { name, command, arguments: flags, advice } of runtimes) {
  const title = `${name}: the simulated kernel works, and the addon ${advice === undefined ? 'too' : 'is refused with what helps there'}`
  test.skipIf(command === undefined)(
    command === undefined ? `${title} (skipped: it is not installed here)` : title,
    () => {
      const { stdout, stderr, status } = spawnSync(command as string, [...flags, program], {
        encoding: 'utf8',
        timeout: 60_000,
      })
      expect({ status, stderr }).toMatchObject({ status: 0 })
      const result = JSON.parse(stdout)
      expect(result.accepted).toBe(1)
      if (advice === undefined) {
        expect(result.kind).toMatch(/^(uring|netlink-ring|socket)$/)
        return
      }
      expect(result).toMatchObject({ name: 'NativeUnavailableError', code: 'ADDON_REFUSED' })
      expect(result.message).toMatch(advice)
      expect(result.message).not.toMatch(compile)
    },
  )
}
