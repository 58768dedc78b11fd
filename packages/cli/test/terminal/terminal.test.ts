import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { type BuiltCommand, buildCommand } from '../support/bundle.ts'
import { CTRL_C, CTRL_D, onTerminal } from '../support/terminal.ts'

let command: BuiltCommand
let folder = ''

beforeAll(() => {
  command = buildCommand()
  folder = mkdtempSync(join(tmpdir(), 'ringlink-terminal-'))
})
afterAll(() => {
  command[Symbol.dispose]()
  rmSync(folder, { recursive: true, force: true })
})

const ringlink = (...words: string[]) => [process.execPath, command.path, ...words]
const SIM_QUEUE = ['queue', '--queue', '0', '--transport', 'sim']
const SIM_LOG = ['log', '--group', '5', '--transport', 'sim', '--timeout', '100']
const NOOP = '10000000 01000500 00000000 00000000'
const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with ESC
const COLOUR = /\x1b\[\d+m/
// biome-ignore lint/suspicious/noControlCharactersInRegex: up some lines, then erase to the end of the screen
const REDRAW = /\r\x1b\[\d+A\x1b\[J/

function run(words: readonly string[], options: { input?: string; shell?: string } = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [command.path, ...words], {
    encoding: 'utf8',
    timeout: 60_000,
    cwd: folder,
    ...options,
  })
  return { status, stdout, stderr }
}

/** What a symbolic link names, if it is still there. */
function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

/** Runs a command line of a shell in which `ringlink` is the command. */
function shell(line: string) {
  const { status, stdout, stderr } = spawnSync(
    'bash',
    ['-c', `ringlink() { "${process.execPath}" "${command.path}" "$@"; }; ${line}`],
    { encoding: 'utf8', timeout: 60_000, cwd: folder },
  )
  return { status, stdout, stderr }
}

describe('on a terminal', () => {
  test.each([
    ['queue', SIM_QUEUE, 'packets +[\\d,]+  [\\d,]+ a second'],
    ['log', [...SIM_LOG, '--stats'], 'packets +[\\d,]+  [\\d,]+ a second'],
  ])('%s redraws its view in place, also in a smaller terminal, and Ctrl-C gives the summary', (_, words, summary) => {
    const { output, marks, status } = onTerminal(ringlink(...words), [
      { wait: 'packets/s.*packets/s' },
      { wait: 'top talkers' },
      { resize: [10, 40] },
      { wait: 'packets/s.*packets/s' },
      { send: CTRL_C },
    ])
    expect(status).toBe(0)
    expect(output).toContain(HIDE_CURSOR)
    expect(output.indexOf(SHOW_CURSOR)).toBeGreaterThan(output.indexOf(HIDE_CURSOR))
    expect(output).toMatch(REDRAW)
    const end = output.lastIndexOf(SHOW_CURSOR)
    expect(output.slice(end)).toMatch(new RegExp(summary))
    const bytes = Buffer.from(output)
    const small = bytes.subarray(marks[3]).toString()
    // Every view that was drawn after the change fits.
    for (const frame of small.slice(0, small.lastIndexOf(SHOW_CURSOR)).split('\x1b[J').slice(1)) {
      const lines = frame.split('\r\n')
      expect(lines.length).toBeLessThanOrEqual(10)
      for (const line of lines) expect([...stripVTControlCharacters(line)].length).toBeLessThan(40)
    }
  })

  it('queue --print shows packets and verdicts in colours, and Ctrl-C gives the summary', () => {
    const words = [...SIM_QUEUE, '--print', '--drop', 'udp']
    const { output, status } = onTerminal(ringlink(...words), [{ wait: 'drop ' }, { send: CTRL_C }])
    expect(status).toBe(0)
    expect(output).toMatch(COLOUR)
    const text = stripVTControlCharacters(output)
    expect(text).toMatch(
      / 0 drop +output >lo IP 192\.0\.2\.1\.40001 > 203\.0\.113\.53\.53: 4660\+ A\? example\.org\. \(29\)/,
    )
    expect(text).toMatch(/ 0 accept output >lo IP 192\.0\.2\.1 > 198\.51\.100\.7: ICMP echo request/)
    expect(text).toMatch(/dropped +[1-9]/)
  })

  it('log shows packets in colours, and Ctrl-C gives the summary', () => {
    const { output, status } = onTerminal(ringlink(...SIM_LOG), [{ wait: 'ICMP' }, { send: CTRL_C }])
    expect(status).toBe(0)
    expect(output).toMatch(COLOUR)
    expect(output).toMatch(/\d+ packets, 0 lost\r\n$/)
  })

  it('a second Ctrl-C at once changes nothing: npx and the terminal both send one', () => {
    const { output, status } = onTerminal(ringlink(...SIM_QUEUE), [{ wait: 'packets/s' }, { send: CTRL_C + CTRL_C }])
    expect(status).toBe(0)
    expect(output).toMatch(/dropped +0/)
  })

  it('inspect takes what is pasted, and shows it in colours', () => {
    const { output, status } = onTerminal(ringlink('inspect'), [
      { wait: 'Ctrl-D' },
      { send: `${NOOP}\n` },
      { send: CTRL_D },
    ])
    expect(status).toBe(0)
    expect(output).toMatch(COLOUR)
    expect(stripVTControlCharacters(output)).toMatch(/0000 {2}NLMSG_NOOP +16 bytes/)
  })

  it('inspect without anything to read ends by Ctrl-C', () => {
    const { status } = onTerminal(ringlink('inspect'), [{ wait: 'Ctrl-D' }, { send: CTRL_C }])
    expect(status).toBe(0)
  })

  it('doctor paints its table', () => {
    const { output } = onTerminal(ringlink('doctor'))
    expect(output).toMatch(COLOUR)
    expect(stripVTControlCharacters(output)).toMatch(/Queues (work|cannot work) here\.\r\n$/)
  })

  test.each([
    [['--help'], /Commands:/],
    [['queue', '--help'], /Examples:/],
    [['completion', 'bash'], /complete -o filenames -F _ringlink ringlink/],
    [['man'], /\.SH NAME/],
  ])('%j is printed unchanged', (words, text) => {
    const { output, status } = onTerminal(ringlink(...words))
    expect(status).toBe(0)
    expect(output).toMatch(text)
  })

  it('a long read of a capture shows its progress', () => {
    run([...SIM_LOG, '--count', '20', '--write', 'part.pcapng'])
    const part = readFileSync(join(folder, 'part.pcapng'))
    // Seconds of work; it is stopped once the progress is seen.
    writeFileSync(join(folder, 'long.pcapng'), Buffer.concat(Array(5000).fill(part)))
    for (const words of ['log --read', 'inspect']) {
      const line = `cd ${folder}; exec ${ringlink().join(' ')} ${words} long.pcapng >/dev/null`
      const seen = [{ wait: "reading 'long.pcapng': \\d+ %" }, { send: CTRL_C }]
      const { output, status } = onTerminal(['bash', '-c', line], seen)
      expect([0, 130]).toContain(status)
      expect(output).toContain('\r\x1b[K')
    }
  }, 90_000)

  it('NO_COLOR has no colours', () => {
    const { output } = onTerminal(['env', 'NO_COLOR=1', ...ringlink('inspect', NOOP)])
    expect(output).not.toContain('\x1b')
  })
})

describe('in a pipe', () => {
  it('queue prints a line per second, without colours', () => {
    const { status, stdout } = run([...SIM_QUEUE, '--seconds', '3'])
    expect(status).toBe(0)
    expect(stdout).not.toContain('\x1b')
    expect(stdout).toMatch(/^ +[\d,]+ packets\/s +[\d.]+ Mbit\/s {2}accepted [\d,]+/m)
    expect(stdout).toMatch(/^packets /m)
  })

  it('--json is one object per line, and the counters add up', () => {
    const { stdout } = run([
      ...SIM_QUEUE,
      '--count',
      '30',
      '--print',
      '--json',
      '--drop',
      'udp',
      '--unanswered',
      'drop',
    ])
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(events[0]).toMatchObject({ event: 'open', queues: [0] })
    const packets = events.filter(({ event }) => event === 'packet')
    expect(packets).toHaveLength(30)
    expect(packets.every(({ verdict, protocol }) => (verdict === 'drop') === (protocol === 'UDP'))).toBe(true)
    const summary = events.at(-1) as { event: string; packets: number; accepted: number; dropped: number }
    expect(summary.event).toBe('summary')
    expect(summary.accepted + summary.dropped).toBe(summary.packets)
  })

  test.each([
    [`${SIM_QUEUE.join(' ')} --print`],
    [SIM_LOG.join(' ')],
    [`${SIM_LOG.join(' ')} --json`],
    ['--help'],
    ['log --help'],
    ['doctor'],
    ['completion zsh'],
    ['man'],
  ])('ringlink %s | head -1 ends quietly', (words) => {
    const { status, stdout, stderr } = shell(`ringlink ${words} | head -1; exit "\${PIPESTATUS[0]}"`)
    expect(stdout.split('\n')).toHaveLength(2)
    expect(stderr).not.toMatch(/error|EPIPE|at /i)
    if (words !== 'doctor') expect(status).toBe(0)
  })

  it('inspect of a long capture | head -1 ends quietly', () => {
    run([...SIM_LOG, '--count', '200', '--write', 'long.pcapng'])
    const { status, stdout, stderr } = shell(`ringlink inspect long.pcapng | head -1; exit "\${PIPESTATUS[0]}"`)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain('packet 1 ')
  })

  it('SIGTERM gives the summary too', async () => {
    const child = spawn(process.execPath, [command.path, ...SIM_QUEUE], { stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    await once(child.stderr, 'data')
    child.kill('SIGTERM')
    const [code] = (await once(child, 'close')) as [number | null]
    expect(code).toBe(0)
    expect(text).toMatch(/^packets /m)
  })
})

describe('what cannot be written or read', () => {
  test.each([
    ['a full disk', [...SIM_LOG, '--count', '100', '--write', '/dev/full'], 'ENOSPC'],
    ['a missing folder', [...SIM_LOG, '--write', 'missing/log.pcapng'], 'ENOENT'],
    ['a capture that is not there', ['log', '--read', 'missing.pcapng'], 'missing.pcapng'],
    ['a capture of another format', ['log', '--read', 'text'], "'text'"],
    ['a folder', ['inspect', '.'], 'it is a directory'],
    ['a folder as a capture', ['log', '--read', '.'], 'it is a directory'],
    ['an empty capture', ['log', '--read', 'empty'], 'it is empty'],
    ['an empty file', ['inspect', 'empty'], 'is empty'],
  ])('%s ends with the reason and code 1', (_, words, reason) => {
    writeFileSync(join(folder, 'empty'), '')
    writeFileSync(join(folder, 'text'), 'this is not a capture, and long enough to tell')
    const { status, stderr } = run(words)
    expect(stderr).toContain(reason)
    expect(stderr).not.toMatch(/suppressed|\n {4}at /)
    expect(status).toBe(1)
  })

  it('a FIFO without a reader ends with the reason', () => {
    const { status, stderr } = shell(`mkfifo pipe; ringlink ${SIM_LOG.join(' ')} --write pipe`)
    expect(stderr).toMatch(/pipe.*ENXIO/)
    expect(status).toBe(1)
  })

  test.each([
    [['inspect'], 'quiet'],
    [['log', '--read'], 'silent'],
  ])('%j of a FIFO without a writer ends with the first signal', async (words, fifo) => {
    shell(`mkfifo ${fifo}`)
    const path = join(folder, fifo)
    const child = spawn(process.execPath, [command.path, ...words, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    const closed = once(child, 'close')
    // It is read once a descriptor of the process names it.
    const isOpen = () => {
      const folderOfProcess = `/proc/${child.pid}/fd`
      return readdirSync(folderOfProcess).some((fd) => linkOf(`${folderOfProcess}/${fd}`) === path)
    }
    while (!isOpen()) await new Promise((resolve) => setTimeout(resolve, 10))
    child.kill('SIGTERM')
    expect(await closed).toEqual([0, null])
  })

  it('inspect of a FIFO shows what is written to it', () => {
    const { status, stdout } = shell(`mkfifo fifo; (echo ${NOOP} > fifo) & ringlink inspect fifo`)
    expect(stdout).toContain('NLMSG_NOOP')
    expect(status).toBe(0)
  })

  it('standard output on a full disk is an error', () => {
    const { status, stderr } = shell(`ringlink ${SIM_LOG.join(' ')} --count 3 > /dev/full`)
    expect(stderr).toContain('cannot write to standard output')
    expect(status).toBe(1)
  })

  test.each([
    [['qeue'], "unknown command 'qeue', did you mean queue?"],
    [['--halp'], "unknown option '--halp', did you mean --help?"],
    [['log', '--gruop', '5'], "unknown option '--gruop', did you mean --group?"],
    [[], 'a command is missing'],
    [['completion', 'bsh'], "SHELL must be bash, zsh or fish, got 'bsh', did you mean bash"],
    [['inspect', 'zz'], 'neither a file nor hexadecimal digits'],
    [['inspect', NOOP, '--protocol', 'netflter'], 'did you mean netfilter?'],
  ])('%j is a mistake of the command line: code 2', (words, problem) => {
    const { status, stderr, stdout } = run(words)
    expect(stderr).toContain(problem)
    expect(stderr).toContain('--help')
    expect(stdout).toBe('')
    expect(status).toBe(2)
  })
})

describe('captures', () => {
  it('are rotated, kept and read again', () => {
    run([...SIM_LOG, '--count', '40', '--write', 'r.pcapng', '--rotate-size', '2k', '--keep', '3'])
    const files = readdirSync(folder).filter((name) => /^r-\d+\.pcapng$/.test(name))
    expect(files).toHaveLength(3)
    const { status, stdout, stderr } = run(['log', '--read', files.sort()[0] ?? '', '--filter', 'tcp or udp'])
    expect(status).toBe(0)
    expect(stdout).toMatch(/simulated 5: output/)
    expect(stderr).toMatch(/^\d+ of \d+ packets, \d+ lost\n$/)
  })
})
