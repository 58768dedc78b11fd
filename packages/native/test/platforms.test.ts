/** Which prebuilt package is chosen: loader.ts and the manifests in platforms/. */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { checkBinary } from '../scripts/check-binary.mjs'
import { libcOf, prebuiltPackage } from '../src/prebuilt.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const work = mkdtempSync(join(tmpdir(), 'ringlink-platforms-'))
afterAll(() => rmSync(work, { recursive: true }))

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'))

test('each platform has a package that npm chooses by system, processor and C library', () => {
  const own = readJson(join(root, 'package.json'))
  const names = readdirSync(join(root, 'platforms')).map((folder) => {
    const manifest = readJson(join(root, 'platforms', folder, 'package.json'))
    const [os, cpu, libc] = folder.split('-') as [string, string, 'gnu' | 'musl']
    expect(manifest).toMatchObject({
      name: prebuiltPackage(os, cpu, libc),
      version: own.version,
      os: [os],
      cpu: [cpu],
      libc: [libc === 'gnu' ? 'glibc' : 'musl'],
      main: 'ringlink.node',
      files: ['ringlink.node'],
    })
    return manifest.name
  })
  expect(Object.keys(own.optionalDependencies).sort()).toEqual(names.sort())
})

test('there is none for other platforms', () => {
  expect(prebuiltPackage('linux', 'riscv64', 'gnu')).toBeUndefined()
  expect(prebuiltPackage('darwin', 'arm64', 'gnu')).toBeUndefined()
})

describe('the C library of an executable', () => {
  test.each([
    ['/lib64/ld-linux-x86-64.so.2', 'gnu'],
    ['/lib/ld-musl-x86_64.so.1', 'musl'],
    ['/lib/ld-musl-aarch64.so.1', 'musl'],
  ])('%s', (loader, libc) => {
    const file = join(work, 'executable')
    writeFileSync(file, `\x7fELF${'\0'.repeat(800)}${loader}\0`)
    expect(libcOf(file)).toBe(libc)
  })

  test('counts as glibc if it cannot be read', () => {
    expect(libcOf(join(work, 'missing'))).toBe('gnu')
  })
})

describe.skipIf(process.arch !== 'x64')('a prebuilt binary is refused that', () => {
  const entry = 'void *napi_register_module_v1(void){return 0;} int node_api_module_get_api_version_v1(void){return 8;}'

  function check(code: string, ...linking: string[]): () => string {
    const file = join(work, 'bad.node')
    writeFileSync(join(work, 'bad.c'), `${entry}\n${code}`)
    const flags = ['-shared', '-fPIC', '-fvisibility=default', join(work, 'bad.c'), '-o', file, ...linking]
    const { status, stderr } = spawnSync('cc', flags, { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    return () => checkBinary('test', file, { machine: 'x86_64', libc: 'gnu' })
  }

  test('none of these', () => {
    expect(check('')).not.toThrow()
  })

  test('needs a newer glibc', () => {
    const newer = 'extern int getrandom(void *, unsigned long, unsigned); static int f(void){return getrandom(0,0,0);}'
    expect(check(`${newer} static int (*volatile keep)(void) __attribute__((used)) = f;`)).toThrow('needs GLIBC_2.25')
  })

  test('calls a newer Node-API', () => {
    const newer = 'extern int node_api_create_buffer_from_arraybuffer(void); static int f(void)'
    const call = `${newer}{return node_api_create_buffer_from_arraybuffer();}`
    expect(check(`${call} static int (*volatile keep)(void) __attribute__((used)) = f;`)).toThrow(
      'Node-API v8 does not',
    )
  })

  test('needs another library', () => {
    expect(check('', '-Wl,--no-as-needed', '-lm')).toThrow('needs libm.so.6')
  })

  test('exports other names', () => {
    expect(check('int more;')).toThrow('exports more, napi_register')
  })

  test('is for another machine', () => {
    const file = join(root, 'build', 'Release', 'ringlink.node')
    expect(() => checkBinary('test', file, { machine: 'aarch64', libc: 'gnu' })).toThrow('not a binary for aarch64')
  })
})
