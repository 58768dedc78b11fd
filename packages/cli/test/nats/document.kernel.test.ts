/** The lines of the command in docs/fleet.md, as they are written there: on a host, and anywhere else. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { kernelTests, kernelUnavailable, Namespace } from '@ringlink/test-support/namespace'
import { openSocket } from '@ringlink/transport-socket'
import { openConntrack } from 'ringlink'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serverTests, serverUnavailable } from '../../../transport-nats/test/support/server.ts'
import { type CommandFolder, makeCommandFolder } from '../support/command-folder.ts'

const document = readFileSync(new URL('../../../../docs/fleet.md', import.meta.url), 'utf8')
const lines = [...document.matchAll(/```sh\n([\s\S]*?)```/g)]
  .flatMap(([, block = '']) => block.split('\n'))
  .filter((line) => line.startsWith('ringlink '))

/** A line that runs until it is stopped, and what it has printed. */
class Running {
  text = ''
  readonly #child
  readonly #closed: Promise<unknown>
  #hasEnded = false
  #wake: () => void = () => {}

  constructor(words: readonly string[], env: NodeJS.ProcessEnv) {
    const [program = '', ...rest] = words
    this.#child = spawn(program, rest, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    this.#closed = once(this.#child, 'close').then(() => {
      this.#hasEnded = true
      this.#wake()
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.text += chunk
        this.#wake()
      })
    }
  }

  /** Resolves once it has printed that; rejects if it ends before. */
  async prints(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.text)) {
      if (this.#hasEnded) throw new Error(`it has ended: ${this.text}`)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** As Ctrl-C does: to the whole group. Resolves to all that it has printed. */
  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<string> {
    const { pid, exitCode, signalCode } = this.#child
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, signal)
    return this.ends()
  }

  /** Resolves to all that it has printed, once it has ended by itself. */
  async ends(): Promise<string> {
    await this.#closed
    return this.text
  }
}

test('the document has a line for each end of both commands', () => {
  const ends = lines.map((line) => /^ringlink (log|conntrack watch) .*--(to|from) /.exec(line)?.slice(1))
  expect(ends).toEqual([
    ['log', 'to'],
    ['log', 'from'],
    ['conntrack watch', 'to'],
    ['conntrack watch', 'from'],
  ])
})

const unavailable = serverUnavailable ?? kernelUnavailable

describe.skipIf(unavailable)(kernelTests(serverTests('the lines of docs/fleet.md')), () => {
  let command: CommandFolder
  let namespace: Namespace
  let server: Running
  const running: Running[] = []

  /** Starts a line in the namespace, where `nats.example` is this machine. */
  function start(line: string): Running {
    const inside = ['nsenter', `--net=${namespace.path}`, 'unshare', '-m', 'bash', '-c']
    const hosts = join(command.folder, 'hosts')
    const started = new Running([...inside, `mount --bind ${hosts} /etc/hosts && exec bash -c "$0"`, line], command.env)
    running.push(started)
    return started
  }

  beforeAll(async () => {
    command = makeCommandFolder()
    namespace = await Namespace.open()
    writeFileSync(join(command.folder, 'hosts'), '127.0.0.1 localhost nats.example\n')
    const config = join(command.folder, 'server.conf')
    writeFileSync(config, `jetstream { store_dir: "${command.folder}/data", max_mem: 1G, max_file: 16G }\n`)
    server = start(`exec setpriv --pdeathsig KILL nats-server -c ${config}`)
    await server.prints(/Server is ready/)
  })
  afterAll(async () => {
    await Promise.all(running.map((line) => line.stop('SIGKILL')))
    await namespace.close()
    command[Symbol.dispose]()
  })

  test('publish what a host logs, and print it anywhere', async () => {
    const [to = '', from = ''] = lines
    const host = start(to)
    await host.prints(/publishing packets to the stream LOGS/)
    await start('for i in {1..200}; do echo x > /dev/udp/127.0.0.1/9; done').ends()
    expect(await host.stop()).toMatch(/\b200\b/)
    const anywhere = start(from)
    await anywhere.prints(/(.*"event":"packet".*\n){200}/)
    const packets = (await anywhere.stop())
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
      .filter(({ event }) => event === 'packet')
    expect(packets.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 200 }, (_, index) => index))
  })

  test('publish new connections of a host, and show them anywhere', async () => {
    const [, , to = '', from = ''] = lines
    const host = start(to)
    await host.prints(/to the stream CONNECTIONS/)
    await using conntrack = await openConntrack({
      transport: (needs) => openSocket({ ...needs, networkNamespace: namespace.path }),
    })
    for (let sourcePort = 1; sourcePort <= 3; sourcePort++) {
      const addresses = { sourceAddress: '10.0.0.1', destinationAddress: '10.0.0.2' }
      await conntrack.create({
        original: { ...addresses, protocol: 'udp', sourcePort, destinationPort: 53 },
        timeout: 5e5,
      })
    }
    await host.stop()
    const anywhere = start(from)
    await anywhere.prints(/sport=3\b/)
    const text = await anywhere.stop()
    expect(text.match(/\[NEW\]/g)?.length).toBe(3)
    expect(text).toMatch(/hosts +\w+ +lost datagrams +dropped\n\S+ +3 +0 +0/)
  })
})
