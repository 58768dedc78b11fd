/** The commands with a real server: one publishes made-up packets, others show them. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serverTests, serverUnavailable, TestServer } from '../../../transport-nats/test/support/server.ts'
import { type BuiltCommand, buildCommand } from '../support/bundle.ts'

/** Runs the command until its end. */
async function run(
  command: BuiltCommand,
  words: readonly string[],
): Promise<{ code: number; lines: string[]; errors: string }> {
  const child = spawn(process.execPath, [command.path, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const [code] = await once(child, 'close')
  return { code, lines: output.split('\n').filter((line) => line !== ''), errors }
}

describe.skipIf(serverUnavailable !== undefined)(serverTests('ringlink log --to and --from'), () => {
  let server: TestServer
  let command: BuiltCommand
  beforeAll(async () => {
    command = buildCommand()
    server = await TestServer.open()
  })
  afterAll(async () => {
    command[Symbol.dispose]()
    await server[Symbol.asyncDispose]()
  })

  test('publish and show every packet, with a line for each host', async () => {
    const url = `${server.address}/LOGS`
    const simulated = ['log', '--group', '5', '--transport', 'sim', '--timeout', '20', '--count', '20', '--json']
    for (const host of ['web1', 'web2']) {
      const published = await run(command, [...simulated, '--to', url, '--host-name', host, '--create-stream', '50M'])
      expect(published.errors).toBe('')
      const summary = JSON.parse(published.lines.at(-1) ?? '')
      expect(summary).toMatchObject({ event: 'summary', stream: 'LOGS', dropped: 0, unconfirmed: 0, lost: 0 })
      expect(summary.packets).toBeGreaterThanOrEqual(20)
      expect(summary.stored).toBe(summary.packets)
    }
    const shown = await run(command, ['log', '--from', url, '--count', '30', '--json', '--stats'])
    const events = shown.lines.map((line) => JSON.parse(line))
    expect(shown.errors).toBe('')
    const packets = events.filter(({ event }) => event === 'packet')
    expect(new Set(packets.map(({ host }) => host))).toEqual(new Set(['web1', 'web2']))
    expect(packets.length).toBe(30)
    expect(packets[0]).toMatchObject({ host: 'web1', group: 5, sequence: 0, prefix: 'simulated 5: ' })
    expect(events.at(-1)).toMatchObject({ event: 'summary', lost: 0, hosts: [{ host: 'web1' }, { host: 'web2' }] })
    const text = await run(command, ['log', '--from', url, '--count', '30', '--stats'])
    expect(text.lines.join('\n')).toMatch(/hosts +packets +lost datagrams +dropped\nweb1 +\d+ +0 +0\nweb2 +\d+ +0 +0/)
  })

  test('say what is wrong with a stream', async () => {
    const missing = await run(command, ['log', '--from', `${server.address}/NONE`])
    expect(missing).toMatchObject({ code: 1, lines: [] })
    expect(missing.errors).toContain(
      'ringlink log: open nats: cannot consume the stream NONE: stream not found (create it',
    )
    const nobody = spawnSync(process.execPath, [command.path, 'conntrack', 'watch', '--from', 'nats://127.0.0.1:1/S'], {
      encoding: 'utf8',
    })
    expect([nobody.status, nobody.stderr]).toEqual([1, expect.stringContaining('cannot connect to 127.0.0.1:1')])
  })
})
