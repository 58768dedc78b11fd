// Finds the kernel's constants in our own sources: where each is described, and with which number.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A line of a table: `u32(3, 'NFTA_CHAIN_FLAGS', …`. */
const ATTRIBUTE = /\b[a-zA-Z]\w*(?:<[^()]*?>)?\(\s*(0x[\da-f]+|\d+),\s*'(\w+)'/g
/** A constant: a doc comment that begins with kernel names, a key or name, and a number. */
const CONSTANT =
  /\/\*\*((?:[^*]|\*(?!\/))*)\*\/\s*(?:export )?(?:const )?\w+(?:: number)?(?::| =)\s*(-?(?:0x[\da-fA-F_]+|[\d_]+)n?)(?=[,\s])/g
/** An operation, or the name of a message: `operation<…>('RTM_NEWLINK', …`, `netfilter('NFT_MSG_NEWTABLE', …`. */
const MESSAGE = /\b(?:headedOperation|operation|netfilter)(?:<[^()]*>)?\(\s*'(\w+)'/g
const KERNEL_NAME = /^[A-Z_][A-Za-z0-9_]*$/

/**
 * @typedef {{ file: string, number: number | undefined }} Description
 */

/**
 * Where each constant is described.
 * @param {string} root of the repository
 * @param {readonly string[]} folders
 * @returns {Map<string, Description>}
 */
export function describedConstants(root, folders) {
  /** @type {Map<string, Description>} */
  const found = new Map()
  for (const folder of folders) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).sort()) {
      if (!name.endsWith('.ts') || /(^|\/)(node_modules|dist)\//.test(name)) continue
      const file = `${folder}/${name}`
      for (const [kernelName, number] of constantsIn(readFileSync(join(root, file), 'utf8'))) {
        const before = found.get(kernelName)
        if (before === undefined || (before.number === undefined && number !== undefined)) {
          found.set(kernelName, { file, number })
        }
      }
    }
  }
  return found
}

/**
 * The constants that a source describes, with their numbers.
 * @param {string} text
 * @returns {[name: string, number: number | undefined][]}
 */
export function constantsIn(text) {
  const attributes = [...text.matchAll(ATTRIBUTE)].map(([, number, name]) => [name, Number(number)])
  const constants = [...text.matchAll(CONSTANT)].flatMap(([, comment, number]) =>
    namesOf(comment).map((name) => [name, Number(number.replaceAll(/[_n]/g, ''))]),
  )
  const messages = [...text.matchAll(MESSAGE)].map(([, name]) => [name, undefined])
  return [...constants, ...attributes, ...messages]
}

/** The kernel names that a doc comment begins with, or has in parentheses as the only thing there: `(`NLA_HDRLEN`)`. */
function namesOf(comment) {
  const text = comment.replaceAll(/\n\s*\* ?/g, ' ').trim()
  const [head = ''] = text.split(/[:;]\s|[:;.]?$|\s\(/)
  const words = head.split(/,\s*(?:earlier |also )?/)
  if (words.every((word) => KERNEL_NAME.test(word))) return words
  return [...text.matchAll(/\(`([A-Z_][A-Z0-9_]+)`[^()]*\)/g)].map(([, name]) => name)
}

/** The numbers of the answers and notifications of a generated module: what its operations have besides requests. */
export function answersIn(text) {
  return [...text.matchAll(/\b(?:reply|event): (\d+)/g)].map(([, number]) => Number(number))
}
