import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect } from '@nats-io/transport-node'

/**
 * Why tests with a real server cannot run here; `undefined` when they can. In CI that is a failure where it could be
 * installed.
 */
export const serverUnavailable: string | undefined = findServer()

function findServer(): string | undefined {
  const { error } = spawnSync('nats-server', ['--version'])
  if (error === undefined) return undefined
  const reason = 'nats-server is missing; on Debian: apt-get install nats-server'
  const isInstallable = process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).error === undefined
  if (process.env.CI !== undefined && isInstallable) throw new Error(`in CI scripts/setup.mjs installs it: ${reason}`)
  return reason
}

/** The name of a group of tests: it says why they are skipped, when they are. */
export function serverTests(name: string): string {
  return serverUnavailable === undefined ? name : `${name} (skipped: ${serverUnavailable})`
}

/** A nats-server with JetStream, whose files and port stay when it is stopped and started again. */
export class TestServer implements AsyncDisposable {
  readonly port: number
  readonly folder: string
  readonly #config: string
  #process: ChildProcess | undefined

  private constructor(port: number, config: string) {
    this.port = port
    this.folder = mkdtempSync(join(tmpdir(), 'ringlink-nats-'))
    this.#config = config
  }

  /** @param config lines of its configuration besides port and JetStream */
  static async open(config = ''): Promise<TestServer> {
    const server = new TestServer(await freePort(), config)
    await server.start()
    return server
  }

  get address(): string {
    return `nats://127.0.0.1:${this.port}`
  }

  /** Starts it, and waits until JetStream answers. */
  async start(): Promise<void> {
    const file = join(this.folder, 'server.conf')
    const jetstream = `jetstream { store_dir: "${this.folder}/data", max_mem: 16G, max_file: 16G }`
    writeFileSync(file, `listen: "127.0.0.1:${this.port}"\n${jetstream}\n${this.#config}\n`)
    // It ends with this thread, also when a test that hangs is ended with it.
    const command = ['--pdeathsig', 'KILL', 'nats-server', '-c', file]
    const child = spawn('setpriv', command, { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#process = child
    await new Promise<void>((resolve, reject) => {
      let log = ''
      child.stderr.on('data', (chunk: Buffer) => {
        log += chunk
        if (log.includes('Server is ready')) resolve()
      })
      child.once('exit', (code, signal) => reject(new Error(`nats-server ended (${code ?? signal}): ${log}`)))
    })
  }

  /** Ends it, by default without any chance to save. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child === undefined) return
    child.removeAllListeners('exit')
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await exited
  }

  /** A connection of a test's own, with its JetStream. */
  connect(options: ConnectionOptions = {}) {
    return connect({ servers: this.address, ...options })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
