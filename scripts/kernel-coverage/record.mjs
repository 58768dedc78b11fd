// The recorded names and numbers of the kernel's constants: facts of one version of its headers, without their text. A
// recorded list makes the document and its test the same on every machine, independent of its headers.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { headerConstants } from './header.mjs'

/**
 * @typedef {Map<string, Map<string, Map<string, number | undefined>>>} Headers constants by header and enum
 * @typedef {{ version: string, headers: Headers }} Recorded
 */

/** Where the installed headers are. */
export const INCLUDE = '/usr/include'

/**
 * The version of the installed headers (`6.1`), if there are any.
 * @param {string} [folder]
 * @returns {string | undefined}
 */
export function installedVersion(folder = INCLUDE) {
  const path = join(folder, 'linux', 'version.h')
  if (!existsSync(path)) return undefined
  const [, major] = /LINUX_VERSION_MAJOR (\d+)/.exec(readFileSync(path, 'utf8')) ?? []
  const [, minor] = /LINUX_VERSION_PATCHLEVEL (\d+)/.exec(readFileSync(path, 'utf8')) ?? []
  return major === undefined || minor === undefined ? undefined : `${major}.${minor}`
}

/**
 * The constants of installed headers; those that are not installed are left out.
 * @param {readonly string[]} names
 * @param {string} [folder]
 * @returns {Headers}
 */
export function installedHeaders(names, folder = INCLUDE) {
  /** @type {Headers} */
  const headers = new Map()
  const known = new Map()
  for (const name of names) {
    const path = join(folder, name)
    if (!existsSync(path)) continue
    const groups = headerConstants(readFileSync(path, 'utf8'), known)
    headers.set(name, groups)
    for (const constants of groups.values()) {
      for (const [constant, number] of constants) if (number !== undefined) known.set(constant, number)
    }
  }
  return headers
}

/**
 * A line for each enum, after a line for its header.
 * @param {Recorded} recorded
 */
export function formatRecord({ version, headers }) {
  const lines = [`linux ${version}`]
  for (const [header, groups] of headers) {
    lines.push(header)
    for (const [group, constants] of groups) {
      const entries = [...constants].map(([name, number]) => (number === undefined ? name : `${name}=${number}`))
      lines.push(`  ${group}: ${entries.join(' ')}`)
    }
  }
  return `${lines.join('\n')}\n`
}

/**
 * @param {string} text
 * @returns {Recorded}
 */
export function parseRecord(text) {
  const [first = '', ...lines] = text.trimEnd().split('\n')
  /** @type {Headers} */
  const headers = new Map()
  let groups = new Map()
  for (const line of lines) {
    const [, group, entries] = /^ {2}([^:]+): (.*)$/.exec(line) ?? []
    if (group === undefined) {
      groups = new Map()
      headers.set(line, groups)
      continue
    }
    const constants = entries.split(' ').map((entry) => {
      const [name = '', number] = entry.split('=')
      return [name, number === undefined ? undefined : Number(number)]
    })
    groups.set(group, new Map(constants))
  }
  return { version: first.replace('linux ', ''), headers }
}
