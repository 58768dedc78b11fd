import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadNative, NativeUnavailableError } from '../src/index.ts'
import { loadFrom } from '../src/loader.ts'
import { libcOf, prebuiltPackage } from '../src/prebuilt.ts'

const addon = fileURLToPath(new URL('../build/Release/ringlink.node', import.meta.url))

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

test('names the optional package that is missing, and the command that replaces it', () => {
  const error = refusal(() => loadFrom(`${root}/`, 'linux'))
  expect(error.code).toBe('ADDON_MISSING')
  expect(error.message).toContain(`@ringlink/native-linux-${process.arch}-`)
  expect(error.message).toContain('npx ringlink-native build')
  expect(error.message).toContain(`node ${root}/bin/ringlink-native.mjs build`)
})

describe('of several binaries', () => {
  const name = prebuiltPackage('linux', process.arch, libcOf(process.execPath)) as string

  // A separate package for each test, because `require` caches by path.
  function packageWith(binaries: { compiled?: string; prebuilt?: string }): string {
    const folder = mkdtempSync(join(root, 'package-'))
    install(join(folder, 'build', 'Release'), binaries.compiled)
    install(join(folder, 'node_modules', name), binaries.prebuilt)
    return `${folder}/`
  }

  function install(folder: string, binary: string | undefined): void {
    if (binary === undefined) return
    mkdirSync(folder, { recursive: true })
    copyFileSync(binary, join(folder, 'ringlink.node'))
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ main: 'ringlink.node' }))
  }

  const broken = join(root, 'broken')
  beforeAll(() => writeFileSync(broken, 'not a library'))

  test('takes the prebuilt one', () => {
    expect(loadFrom(packageWith({ prebuilt: addon }), 'linux').pageSize()).toBeGreaterThan(0)
  })

  test('takes the compiled one before the prebuilt one', () => {
    expect(loadFrom(packageWith({ compiled: addon, prebuilt: broken }), 'linux').pageSize()).toBeGreaterThan(0)
  })

  test('takes the prebuilt one if the compiled one does not load', () => {
    expect(loadFrom(packageWith({ compiled: broken, prebuilt: addon }), 'linux').pageSize()).toBeGreaterThan(0)
  })

  test('reports the compiled one if neither loads', () => {
    const folder = packageWith({ compiled: broken, prebuilt: broken })
    const error = refusal(() => loadFrom(folder, 'linux'))
    expect(error.code).toBe('ADDON_REFUSED')
    expect(error.message).toContain(`${folder}build/Release/ringlink.node`)
  })
})

test('tells why a binary was refused', () => {
  mkdirSync(join(root, 'build', 'Release'), { recursive: true })
  writeFileSync(join(root, 'build', 'Release', 'ringlink.node'), 'not a library')
  const error = refusal(() => loadFrom(`${root}/`, 'linux'))
  expect(error.code).toBe('ADDON_REFUSED')
  expect(error.message).toContain((error.cause as Error).message)
})
