/** `ringlink conntrack` in a namespace of its own, beside conntrack(8) where that is installed. */
import { spawnSync } from 'node:child_process'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { openSocket } from '@ringlink/transport-socket'
import { type ConnectionTuple, type Conntrack, openConntrack } from 'ringlink'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type BuiltCommand, buildCommand } from '../support/bundle.ts'
import { CTRL_C, onTerminal } from '../support/terminal.ts'

const hasTool = spawnSync('conntrack', ['--version']).error === undefined
const tuple = (
  protocol: ConnectionTuple['protocol'],
  sourcePort: number,
  destinationPort: number,
): ConnectionTuple => ({
  ...{ sourceAddress: '10.0.0.1', destinationAddress: '10.0.0.2', protocol, sourcePort, destinationPort },
})
/** The seconds of a connection differ from one second to the next. */
const settled = (line: string) => line.replace(/^(\S+ +\d+) \d+/, '$1 S')

describe.skipIf(kernelUnavailable)(kernelTests('ringlink conntrack'), () => {
  let command: BuiltCommand
  let namespace: Namespace
  let conntrack: Conntrack

  beforeAll(() => {
    command = buildCommand()
  })
  afterAll(() => command[Symbol.dispose]())

  beforeEach(async () => {
    namespace = await Namespace.open()
    conntrack = await openConntrack({
      transport: (needs) => openSocket({ ...needs, networkNamespace: namespace.path }),
    })
    await conntrack.create({
      ...{ original: tuple('tcp', 1000, 443), timeout: 5e5, state: 'established', mark: 7, zone: 3 },
      status: ['seen-reply', 'assured'],
    })
    await conntrack.create({ original: tuple('udp', 1001, 53), timeout: 5e5 })
    await conntrack.create({ original: tuple('gre', 5, 6), timeout: 5e5 })
    await conntrack.create({
      original: {
        ...{ sourceAddress: '2001:db8::1', destinationAddress: '2001:db8::2', protocol: 'icmpv6' },
        ...{ icmpId: 7, icmpType: 128, icmpCode: 0 },
      },
      timeout: 5e5,
    })
  })

  afterEach(async () => {
    await conntrack.close()
    await namespace.close()
  })

  const inside = (...words: string[]) => ['nsenter', `--net=${namespace.path}`, ...words]
  function run(...words: string[]) {
    const [program = '', ...rest] = inside(process.execPath, command.path, 'conntrack', ...words)
    const { status, stdout, stderr } = spawnSync(program, rest, { encoding: 'utf8', timeout: 60_000 })
    return { status, stderr, lines: stdout.split('\n').filter((line) => line !== '') }
  }

  test.skipIf(!hasTool)(
    `list prints what conntrack -L prints${hasTool ? '' : ' (skipped: conntrack is missing)'}`,
    () => {
      const tool = spawnSync('nsenter', [`--net=${namespace.path}`, 'conntrack', '-L'], { encoding: 'utf8' })
      const wanted = tool.stdout.split('\n').filter((line) => line !== '')
      expect(wanted.length).toBe(4)
      expect(run('list').lines.map(settled).sort()).toEqual(wanted.map(settled).sort())
    },
  )

  test('filters select as those of queues do, and JSON has the words of the client', () => {
    expect(run('list', '--filter', 'udp dport 53').lines).toEqual([expect.stringContaining('sport=1001')])
    expect(run('list', '--filter', 'src 2001:db8::/32').lines).toEqual([expect.stringContaining('icmpv6')])
    expect(run('count', '--zone', '3').lines).toEqual(['1'])
    expect(run('count').lines).toEqual(['4'])
    const [line = '{}', ...others] = run('list', '--json', '--state', 'established').lines
    expect(others).toEqual([])
    expect(JSON.parse(line)).toMatchObject({ family: 'ip', zone: 3, mark: 7, state: 'established' })
  })

  test('update and delete change what a filter selects, and nothing without one', () => {
    expect(run('update', '--set-mark', '0x100/0xff00', '--filter', 'tcp').lines).toEqual(['updated 1 connections'])
    expect(run('list', '--filter', 'mark 0x107').lines.length).toBe(1)
    expect(run('delete')).toMatchObject({ status: 2, stderr: expect.stringContaining('--all') })
    expect(run('delete', '--filter', 'udp').lines).toEqual(['deleted 1 connections'])
    expect(run('count').lines).toEqual(['3'])
    expect(run('delete', '--all').lines).toEqual(['deleted 3 connections'])
    expect(run('count').lines).toEqual(['0'])
  })

  test('watch shows rates and who opens connections on a terminal, and Ctrl-C gives the summary', () => {
    const { output, status } = onTerminal(inside(process.execPath, command.path, 'conntrack', 'watch'), [
      { wait: 'events/s.*events/s' },
      { send: CTRL_C },
    ])
    expect(status).toBe(0)
    expect(output.slice(output.lastIndexOf('\x1b[?25h'))).toMatch(/new +0[\s\S]*lost +0/)
  })

  test('stats has the counters of each processor', () => {
    const { lines } = run('stats')
    expect(lines[0]).toMatch(/^cpu=0 found=\d+ invalid=\d+ insert=\d+ insert_failed=\d+ drop=\d+/)
    expect(lines.at(-1)).toMatch(/^connections=4 maximum=\d+$/)
  })
})
