/** The completion scripts in the shells that they are for, where those are installed. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fishCompletion, zshCompletion } from '../../src/completion/shells.ts'
import { descriptions } from '../../src/descriptions.ts'
import { onTerminal, type Step } from '../support/terminal.ts'

const names = descriptions.map(({ name }) => name).sort()
let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringlink-completion-'))
  writeFileSync(join(folder, '_ringlink'), zshCompletion(descriptions))
  writeFileSync(join(folder, 'ringlink.fish'), fishCompletion(descriptions))
  writeFileSync(join(folder, 'capture.pcapng'), '')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function isMissing(shell: string): boolean {
  return spawnSync(shell, ['--version']).error !== undefined
}

function title(shell: string): string {
  return isMissing(shell) ? `skipped: ${shell} is not installed (apt-get install ${shell})` : `in ${shell}`
}

/** What is typed, and what is proposed for the last of it. */
const CASES: readonly (readonly [string, readonly string[]])[] = [
  ['ringlink qu', ['queue']],
  ['ringlink queue --tr', ['--transport']],
  ['ringlink queue --transport ', ['mmap', 'sim', 'socket']],
  ['ringlink completion z', ['zsh']],
  ['ringlink inspect capt', ['capture.pcapng']],
  ['ringlink log --read capt', ['capture.pcapng']],
  // The second argument is the command; a later one is not, even with the name of a command.
  ['ringlink inspect queue --on', []],
]

describe.skipIf(isMissing('fish'))(title('fish'), () => {
  function complete(line: string): string[] {
    const script = `source ringlink.fish; complete -C "${line}"`
    const { stdout, stderr } = spawnSync('fish', ['--no-config', '-c', script], {
      encoding: 'utf8',
      cwd: folder,
      timeout: 60_000,
    })
    expect(stderr).toBe('')
    return stdout
      .split('\n')
      .filter(Boolean)
      .map((proposal) => proposal.split('\t')[0] ?? '')
      .sort()
  }

  test.each(CASES)('%s', (line, proposals) => {
    expect(complete(line)).toEqual(proposals)
  })

  test('commands', () => {
    expect(complete('ringlink ')).toEqual(names)
    expect(complete('ringlink --')).toEqual(['--help', '--version'])
  })
})

describe.skipIf(isMissing('zsh'))(title('zsh'), () => {
  const READY = 'ready> '
  const lines = ['ringlink ', ...CASES.map(([line]) => line)]
  let shown: readonly { becomes: string; text: string }[] = []

  // One shell for all: its start costs more than what it completes.
  beforeAll(() => {
    // npm sets EDITOR to vi, and zsh takes its keys from that.
    const setup = `bindkey -e; fpath=(${folder} $fpath); autoload -U compinit; compinit -u -D; PS1='${READY}'; cd ${folder}`
    writeFileSync(join(folder, '.zshrc'), `${setup}\n`)
    const steps: Step[] = lines.flatMap((line) => [
      { send: `${line}\t` },
      // Ctrl-A and Ctrl-E put what the line has become between quotes: it is printed, not run.
      { send: '\x01echo "<\x05>"\n' },
      { wait: `<[^\\r\\n]*>\\r.*${READY}` },
    ])
    const command = ['env', `ZDOTDIR=${folder}`, 'zsh', '-i']
    const { output, marks } = onTerminal(command, [{ wait: READY }, ...steps, { send: 'exit\n' }])
    const bytes = Buffer.from(output)
    shown = lines.map((_, index) => {
      const text = stripVTControlCharacters(bytes.subarray(marks[3 * index], marks[3 * index + 3]).toString())
      return { becomes: /^<(.*)>\r/m.exec(text)?.[1] ?? '', text }
    })
  }, 90_000)

  test.each(CASES)('%s', (line, proposals) => {
    const { becomes, text } = shown[lines.indexOf(line)] ?? { becomes: '', text: '' }
    const before = line.replace(/\S*$/, '')
    if (proposals.length === 1) expect(becomes.trim()).toBe(`${before}${proposals[0]}`)
    else for (const proposal of proposals) expect(text).toMatch(new RegExp(`\\b${proposal}\\b`))
    if (proposals.length === 0) expect(becomes).toBe(line)
  })

  test('commands', () => {
    for (const name of names) expect(shown[0]?.text).toMatch(new RegExp(`${name} +-- `))
  })
})
