/** `ringlink call` and `ringlink monitor` in a namespace of their own. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BuiltCommand, buildCommand } from '../support/bundle.ts'
import { CTRL_C, onTerminal } from '../support/terminal.ts'

/** A capture with one message to NETLINK_ROUTE, as nlmon gives it: LINKTYPE_NETLINK and its header of 16 bytes. */
function captureOf(digits: string): Buffer {
  const message = Buffer.from(digits.replaceAll(' ', ''), 'hex')
  const head = Buffer.alloc(24)
  head.writeUInt32LE(0xa1b2c3d4, 0)
  head.writeUInt16LE(2, 4)
  head.writeUInt16LE(4, 6)
  head.writeUInt32LE(65_535, 16)
  head.writeUInt32LE(253, 20)
  const packet = Buffer.alloc(16)
  packet.writeUInt32LE(16 + message.length, 8)
  packet.writeUInt32LE(16 + message.length, 12)
  const link = Buffer.alloc(16)
  link.writeUInt16BE(824, 2)
  return Buffer.concat([head, packet, link, message])
}

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

  test('inspect names generic families by the running kernel, and what nlmon captured', () => {
    const [found] = run('call', 'nlctrl', 'getfamily', '{"family-name":"ethtool"}').rows.map((row) => JSON.parse(row))
    const id = Number(found.familyId).toString(16).padStart(2, '0')
    // ETHTOOL_MSG_LINKSTATE_GET of lo
    const header = '0c000180' + '07000200' + '6c6f0000'
    const request = `20000000 ${id}000100 01000000 00000000 06010000 ${header}`
    const named = run('inspect', '--protocol', 'generic', request)
    expect(named.stderr).toBe('')
    expect(named.rows.join('\n')).toMatch(/ETHTOOL_MSG_LINKSTATE_GET[\s\S]*ETHTOOL_A_HEADER_DEV_NAME +"lo"/)
    const folder = mkdtempSync(join(tmpdir(), 'ringlink-'))
    try {
      const path = join(folder, 'nlmon.pcap')
      writeFileSync(path, captureOf('2000000012000103 01000000 00000000 00000000 00000000 00000000 00000000'))
      const shown = run('inspect', path)
      expect(shown.stderr).toBe('')
      expect(shown.rows.join('\n')).toMatch(/RTM_GETLINK/)
      expect(shown.rows.join('\n')).toMatch(/ index +0/)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('sockets, kernel events and audit, which are described by hand', () => {
    const request = { header: { family: 2, protocol: 6, states: 4_294_967_295 } }
    const sockets = run('call', 'inet_diag', 'get', JSON.stringify(request), '--dump')
    expect(sockets.stderr).toBe('')
    expect(run('call', 'uevent', '--list').rows.join('\n')).toMatch(/kernel +group/)
    expect(run('call', 'audit', '--list').rows.join('\n')).toMatch(/listRules +dump +AUDIT_LIST_RULES/)
  })

  test('monitor shows events of kernel objects', async () => {
    const [program = '', ...words] = inside('monitor', 'uevent', '--json', '--count', '1')
    const monitor = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    monitor.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    await once(monitor.stderr, 'data')
    run('call', 'rt-link', 'newlink', '{"ifname":"seen","linkinfo":{"kind":"bridge"}}', '--flag', 'create')
    expect((await once(monitor, 'close'))[0]).toBe(0)
    expect(JSON.parse(text.split('\n')[0] ?? '')).toMatchObject({
      family: 'uevent',
      operation: 'event',
      values: { action: 'add', properties: { SUBSYSTEM: 'net', INTERFACE: 'seen' } },
    })
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
