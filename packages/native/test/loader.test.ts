import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadNative, NativeUnavailableError } from '../src/index.ts'
import { loadFrom } from '../src/loader.ts'

const root = mkdtempSync(join(tmpdir(), 'ringlink-loader-'))
afterAll(() => rmSync(root, { recursive: true }))

function refusal(load: () => unknown): NativeUnavailableError {
  try {
    load()
  } catch (error) {
    if (error instanceof NativeUnavailableError) return error
    throw error
  }
  throw new Error('it loaded')
}

test('loads once', () => {
  expect(loadNative()).toBe(loadNative())
})

test('refuses other systems, even with a binary there', () => {
  const error = refusal(() => loadNative('darwin'))
  expect(error).toMatchObject({ name: 'NativeUnavailableError', code: 'PLATFORM_UNSUPPORTED' })
  expect(error.message).toContain('darwin')
})

test('says how to get a binary that is missing', () => {
  const error = refusal(() => loadFrom(`${root}/`, 'linux'))
  expect(error.code).toBe('ADDON_MISSING')
  expect(error.cause).toBeInstanceOf(Error)
  expect(error.message).toContain(`node ${root}/scripts/build.mjs`)
})

test('tells why a binary was refused', () => {
  mkdirSync(join(root, 'build', 'Release'), { recursive: true })
  writeFileSync(join(root, 'build', 'Release', 'ringlink.node'), 'not a library')
  const error = refusal(() => loadFrom(`${root}/`, 'linux'))
  expect(error.code).toBe('ADDON_REFUSED')
  expect(error.message).toContain((error.cause as Error).message)
})
