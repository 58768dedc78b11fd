// Checks the promises of a prebuilt binary: the machine, the libraries, and no symbol that an old C library, musl or
// the oldest supported Node lacks.
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { run } from './sysroots.mjs'

const require = createRequire(import.meta.url)

/** The newest allowed version of glibc symbols: RHEL 7, Debian 8, Ubuntu 14.04. */
const GLIBC = [2, 17]
const NODE_API = 'v8'

const libraries = {
  gnu: ['libc.so.6', 'ld-linux-aarch64.so.1'],
  // musl's dynamic loader provides this name itself, under any file name of the distribution.
  musl: ['libc.so'],
}
const machineNames = { x86_64: 'Advanced Micro Devices X86-64', aarch64: 'AArch64' }
const exported = ['napi_register_module_v1', 'node_api_module_get_api_version_v1']

/** Throws an error that lists all problems; returns a summary. */
export function checkBinary(name, file, { machine, libc, sysroot }) {
  const problems = []
  const expect = (holds, problem) => {
    if (!holds) problems.push(problem)
  }

  const header = readelf('--file-header', file)
  expect(header.includes(machineNames[machine]), `not a binary for ${machine}`)

  const needed = [...readelf('--dynamic', file).matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, library]) => library)
  const foreign = needed.filter((library) => !libraries[libc].includes(library))
  expect(foreign.length === 0, `needs ${foreign.join(', ')}, allowed are ${libraries[libc].join(', ')}`)

  const symbols = readSymbols(file)
  const newest = newestGlibc(symbols)
  expect(compareVersions(newest, GLIBC) <= 0, `needs GLIBC_${newest.join('.')}, newer than ${GLIBC.join('.')}`)

  const nodeApi = new Set(require('node-api-headers').symbols[NODE_API].node_api_symbols)
  for (const symbol of require('node-api-headers').symbols[NODE_API].js_native_api_symbols) nodeApi.add(symbol)
  const undefinedNames = symbols.filter((symbol) => !symbol.defined && symbol.bind !== 'WEAK').map(({ name }) => name)
  const tooNew = undefinedNames.filter((symbol) => /^(napi|node_api)_/.test(symbol) && !nodeApi.has(symbol))
  expect(tooNew.length === 0, `calls ${tooNew.join(', ')}, which Node-API ${NODE_API} does not have`)

  const visible = symbols.filter(({ defined }) => defined).map(({ name }) => name)
  expect(visible.sort().join() === exported.join(), `exports ${visible.join(', ')}, expected ${exported.join(', ')}`)

  if (sysroot !== undefined) {
    const missing = missingUnderMusl(file, machine, sysroot.loader)
    const unexpected = missing.filter((symbol) => !/^(napi|uv)_/.test(symbol))
    expect(
      missing.some((symbol) => symbol.startsWith('napi_')),
      "musl's dynamic loader did not check it",
    )
    expect(unexpected.length === 0, `musl does not have ${unexpected.join(', ')}`)
  }
  if (problems.length > 0) throw new Error(`${name}: ${file}:\n  ${problems.join('\n  ')}`)
  const needs = libc === 'gnu' ? `glibc ${newest.join('.')}` : 'musl'
  return `${statSync(file).size} bytes, needs ${needs}, Node-API ${NODE_API.slice(1)}, libuv 1`
}

function readelf(option, file) {
  return run('readelf', ['--wide', option, file], { env: { ...process.env, LC_ALL: 'C' } })
}

/** The dynamic symbols: `12: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND free@GLIBC_2.2.5 (3)`. */
function readSymbols(file) {
  const row =
    /^\s*\d+:\s+\S+\s+\S+\s+(?<type>\S+)\s+(?<bind>\S+)\s+\S+\s+(?<section>\S+)\s+(?<name>[^@\s]+)(?:@+(?<version>\S+))?/gm
  return [...readelf('--dyn-syms', file).matchAll(row)]
    .map(({ groups }) => ({ ...groups, defined: groups.section !== 'UND' }))
    .filter(({ type }) => type !== 'SECTION')
}

function newestGlibc(symbols) {
  return symbols
    .map(
      ({ version }) =>
        /^GLIBC_([\d.]+)$/
          .exec(version ?? '')?.[1]
          .split('.')
          .map(Number) ?? [0],
    )
    .reduce((newest, version) => (compareVersions(version, newest) > 0 ? version : newest), [0])
}

function compareVersions(left, right) {
  const length = Math.max(left.length, right.length)
  for (let index = 0; index < length; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/**
 * The symbols that musl's dynamic loader cannot resolve outside a Node process: only Node's own functions if all is
 * well.
 */
function missingUnderMusl(file, machine, loader) {
  const isForeign = machine !== run('uname', ['-m']).trim()
  const [command, ...args] = [...(isForeign ? [`qemu-${machine}-static`] : []), loader, '--list', file]
  const { stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (error !== undefined)
    throw new Error(`${command} does not run: ${error.message} (Debian: apt-get install qemu-user-static)`)
  return [...`${stdout}${stderr}`.matchAll(/Error relocating .*: (\S+): symbol not found/g)].map(([, symbol]) => symbol)
}
