/**
 * The phrases that docs/contributing/style.md replaces. They are looked for in every tracked document, and in the
 * comments and strings of every tracked source file, new folders included.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const DOCUMENTS = /\.(md|json|ya?ml|hex|py|sh)$/
const SOURCES = /\.(m?ts|mjs|c|h)$/
/** The word list itself, licences, and generated files: measurements, tables of versions, locks. */
const EXCEPT =
  /^(docs\/contributing\/style\.md|test\/documents\/english\.test\.ts|docs\/performance(\/|\.md$)|docs\/platforms\.md|.*pnpm-lock\.yaml|.*LICENSE.*)/

const phrases: readonly RegExp[] = [
  /\bbehind\b/,
  /\bwanted\b/,
  /\b(go|goes|going|went) on\b/,
  /\bat the (most|least)\b/,
  /\bbut for\b/,
  /\b(whoever|whatever|whichever|wherever)\b/i,
  /\btold of\b/,
  /\btells? of\b/,
  /\ball the same\b(?! [a-z]+s\b)/,
  /\bfor ever\b/i,
  /\banew\b/,
  /\bone (behind|after) the other\b/,
  /\b(to|can|cannot) be had\b/,
  /\bin vain\b/,
  /\bthat is all\b/,
  /\bmeanwhile\b/i,
  /\bsees? to it\b/i,
  /\bAgain: nothing\b/,
  /(?<!there )\bis none\b/,
  // "is no X" for "is not an X"
  /(?<!there )\b(is|are) no (?!\w+er\b|more\b|less\b)/i,
  /\bsomebody\b/i,
  // for release, return, cancel, undo
  /\b(gives?|given|gave|giving|takes?|taken|took|taking) (it |them |all |frames? )?back\b(?! end)/i,
  /\bwhere (it|they) lies?\b/,
  /\bwithout a word\b/,
  /\bnothing but\b/,
  /\bfound out\b/,
  /\bcomes? round\b/,
  /\bshall\b/,
  // a sentence that begins with a relative clause or an "of": "Of a cut datagram the records are whole"
  /(^|[.:] )Of (an?|the|what) /,
  // "fold" for the coalescing of verdicts
  /\bfold(s|ed|ing)?\b.*\bverdicts?\b|\bverdicts?\b.*\bfold(s|ed|ing)?\b/,
]

test('documents, comments, strings and titles are in plain English', () => {
  const files = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).trim().split('\n')
  const found: string[] = []
  for (const file of files) {
    if (EXCEPT.test(file) || !(DOCUMENTS.test(file) || SOURCES.test(file))) continue
    const text = readFileSync(join(root, file), 'utf8')
    for (const { line, words } of DOCUMENTS.test(file) ? linesOf(text) : proseOf(text)) {
      const phrase = phrases.find((it) => it.test(words))
      if (phrase !== undefined) found.push(`${file}:${line}: ${phrase.exec(words)?.[0]}: ${words}`)
    }
  }
  expect(found).toEqual([])
})

test('prose is found in comments, strings and templates, over line breaks, and not in code', () => {
  const source = [
    'const wanted = a / b // goes',
    '// on',
    '/** it is',
    ' *  none */',
    'const t = `at \u0024{x`the most`} least` + "for ever" + /"/.source + \'\\\'anew\'',
  ].join('\n')
  expect(proseOf(source).map(({ line, words }) => `${line} ${words}`)).toEqual([
    '1 goes on',
    '3 it is none',
    '5 at least',
    '5 the most',
    '5 for ever',
    "5 \\'anew",
  ])
})

interface Prose {
  readonly line: number
  readonly words: string
}

function linesOf(text: string): Prose[] {
  return text.split('\n').map((words, index) => ({ line: index + 1, words: words.trim() }))
}

/** The comments and strings of a source file; consecutive line comments are one text. */
function proseOf(source: string): Prose[] {
  const found: { line: number; words: string; last: number }[] = []
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`|\}|\{|(?<=(?:^|[(,=:[!&|?{};>+])\s*)\/(?![/*])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\//g
  // what closes at the next brace: a block of code, or the expression in a template
  const braces: ('code' | number)[] = []
  let counted = 0
  let lines = 1
  const lineAt = (offset: number) => {
    for (; counted < offset; counted += 1) if (source[counted] === '\n') lines += 1
    return lines
  }
  let at = 0
  /** Reads the text of a template up to its end or its next expression. */
  const template = (from: number, into: number): number => {
    const text = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/y
    text.lastIndex = from
    const words = text.exec(source)?.[0] ?? ''
    const entry = found[into]
    if (entry !== undefined) entry.words += words
    const end = from + words.length
    if (source.startsWith('${', end)) {
      braces.push(into)
      return end + 2
    }
    return end + 1
  }
  for (;;) {
    token.lastIndex = at
    const match = token.exec(source)
    if (match === null) break
    const [text] = match
    at = match.index + text.length
    const line = lineAt(match.index)
    if (text === '{') braces.push('code')
    else if (text === '}') {
      const opened = braces.pop()
      if (typeof opened === 'number') at = template(at, opened)
    } else if (text === '`') {
      found.push({ line, words: '', last: 0 })
      at = template(at, found.length - 1)
    } else if (text.startsWith('//')) {
      const previous = found.at(-1)
      if (previous?.last === line - 1) {
        previous.words += text.slice(2)
        previous.last = line
      } else found.push({ line, words: text.slice(2), last: line })
    } else if (text.startsWith('/*')) {
      found.push({ line, words: text.slice(2, -2).replace(/\n\s*\*/g, ' '), last: 0 })
    } else if (!text.startsWith('/')) found.push({ line, words: text.slice(1, -1), last: 0 })
  }
  // names of code in back-quotes are not prose
  return found.map(({ line, words }) => ({
    line,
    words: words
      .replace(/^\*|`[^`]*`/g, ' ')
      .replace(/\s+/g, ' ')
      .trim(),
  }))
}
