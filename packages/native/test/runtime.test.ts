import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadFrom } from '../src/loader.ts'
import { loadAdvice, runtimeRefusal } from '../src/runtime.ts'

const root = `${mkdtempSync(join(tmpdir(), 'ringlink-runtime-'))}/`
afterAll(() => rmSync(root, { recursive: true }))

test('Bun is refused before a binary is touched', () => {
  mkdirSync(join(root, 'build', 'Release'), { recursive: true })
  writeFileSync(join(root, 'build', 'Release', 'ringlink.node'), 'would crash')
  expect(() => loadFrom(root, 'linux', { bun: '1.4.4' })).toThrow(
    expect.objectContaining({
      code: 'ADDON_REFUSED',
      message: expect.stringMatching(/^Bun 1\.4\.4 has no uv_poll_init.*Node\.js/),
    }),
  )
  expect(() => loadFrom(root, 'linux', { deno: '2.9.6' })).toThrow(
    expect.objectContaining({
      code: 'ADDON_REFUSED',
      message: expect.stringMatching(/does not load: .*Deno 2\.9\.6 has no libuv/),
    }),
  )
})

test('Node.js is not refused, and compiling is advised only if it helps', () => {
  expect(runtimeRefusal(process.versions)).toBe(undefined)
  expect(loadAdvice(process.versions, new Error('wrong ELF class'), root)).toContain(
    `node ${root}bin/ringlink-native.mjs build`,
  )
  const disabled = Object.assign(new Error('disabled'), { code: 'ERR_DLOPEN_DISABLED' })
  expect(loadAdvice(process.versions, disabled, root)).toMatch(/--allow-addons.*--no-addons/)
  expect(loadAdvice({ deno: '2.9.6' }, disabled, root)).not.toContain('Compile')
})
