/** `ringlink call` and `ringlink monitor` in a namespace of their own. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BuiltCommand, buildCommand } from '../support/bundle.ts'
import { CTRL_C, onTerminal } from '../support/terminal.ts'

describe.skipIf(kernelUnavailable)(kernelTests('ringlink call and monitor'), () => {
  let command: BuiltCommand
  let namespace: Namespace

  beforeAll(async () => {
    command = buildCommand()
    namespace = await Namespace.open()
  })
  afterAll(async () => {
    command[Symbol.dispose]()
    await namespace.close()
  })

  const inside = (...words: string[]) => [
    'nsenter',
    `--net=${namespace.path}`,
    process.execPath,
    command.path,
    ...words,
  ]
  function run(...words: string[]) {
    const [program = '', ...rest] = inside(...words)
    const { status, stdout, stderr } = spawnSync(program, rest, { encoding: 'utf8', timeout: 60_000 })
    const rows = stdout.split('\n').filter((line) => line !== '')
    return { status, stderr, rows }
  }

  test('a device is made, listed and asked for, with names in JSON', () => {
    const made = {
      header: { flags: ['up'], change: 1 },
      ifname: 'br7',
      linkinfo: { kind: 'bridge', data: { 'ageing-time': 700 } },
    }
    expect(run('call', 'rt-link', 'newlink', JSON.stringify(made), '--flag', 'create').stderr).toBe('')
    const listed = run('call', 'rt-link', 'getlink', '--dump').rows.map((row) => JSON.parse(row))
    expect(listed.map(({ ifname }) => ifname)).toEqual(expect.arrayContaining(['lo', 'br7']))
    const [asked] = run('call', 'rt-link', 'getlink', '{"ifname":"br7"}').rows.map((row) => JSON.parse(row))
    expect(asked).toMatchObject({
      header: { flags: expect.arrayContaining(['up']) },
      linkinfo: { kind: 'bridge', data: { ageingTime: 700 } },
    })
  })

  test('generic families, by specification names', () => {
    const [family] = run('call', 'nlctrl', 'getfamily', '{"family-name":"nlctrl"}').rows.map((row) => JSON.parse(row))
    expect(family).toMatchObject({ familyName: 'nlctrl', familyId: 16 })
    expect(run('call', 'netdev', 'dev-get', '--dump').rows.length).toBeGreaterThan(0)
    expect(run('call', 'ethtool', '--list').rows.join('\n')).toMatch(/statsGet +do, dump +ETHTOOL_MSG_STATS_GET/)
  })

  test.each([
    [['call', 'rt-lnk', 'getlink'], 2, 'did you mean'],
    [['call', 'rt-link', 'getlnk'], 2, 'getlink'],
    [['call', 'rt-link', 'getlink', '{'], 2, 'JSON must be an object'],
    [['call', 'rt-link', 'getlink', '{"ifnam":"lo"}'], 1, 'did you mean "ifname"?'],
    [['call', 'rt-link', 'newlink', '{"header":{"flags":["upp"]}}'], 1, 'header.flags[0] must be an integer or one of'],
    [['monitor', 'rt-route', '--group', 'ipv4Rout'], 2, 'ipv4Route'],
    [['monitor'], 2, 'FAMILY is missing'],
    [['monitor', 'fou'], 2, 'fou has no multicast groups'],
  ])('%j is refused', (words, status, message) => {
    const result = run(...words)
    expect(result.stderr).toContain(message)
    expect(result.status).toBe(status)
  })

  test('monitor shows links as they change', async () => {
    const [program = '', ...words] = inside('monitor', 'rt-link', '--group', 'link', '--json', '--count', '2')
    const monitor = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    monitor.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    await once(monitor.stderr, 'data')
    run('call', 'rt-link', 'newlink', '{"ifname":"watched","linkinfo":{"kind":"bridge"}}', '--flag', 'create')
    run('call', 'rt-link', 'dellink', '{"ifname":"watched"}')
    expect((await once(monitor, 'close'))[0]).toBe(0)
    const events = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(events[0]).toMatchObject({
      family: 'rt-link',
      operation: expect.stringMatching(/^newlink/),
      values: { ifname: 'watched' },
    })
  })

  test('monitor on a terminal ends by Ctrl-C', () => {
    const { output, status } = onTerminal(inside('monitor', 'route'), [{ wait: 'Ctrl-C ends it' }, { send: CTRL_C }])
    expect(output).toContain('watching rt-link, rt-addr')
    expect(status).toBe(0)
  })
})
