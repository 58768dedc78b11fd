import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The NATS server of the demo, whose files stay while it is dead. */
export class DemoServer implements AsyncDisposable {
  readonly #folder: string
  readonly #config: string
  #child: ChildProcess | undefined

  private constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'ringlink-fleet-'))
    this.#config = join(this.#folder, 'server.conf')
    writeFileSync(
      this.#config,
      `listen: "127.0.0.1:4222"\njetstream { store_dir: "${this.#folder}", max_file: 8G, max_mem: 1G }\n`,
    )
  }

  /** Throws a sentence on what to install if there is none. */
  static async open(): Promise<DemoServer> {
    const server = new DemoServer()
    await server.start()
    return server
  }

  async start(): Promise<void> {
    const child = spawn('nats-server', ['-c', this.#config], { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child = child
    await new Promise<void>((resolve, reject) => {
      let log = ''
      child.once('error', () =>
        reject(new MissingServer('nats-server is missing; on Debian: apt-get install nats-server')),
      )
      child.once('exit', (code) => reject(new Error(`nats-server ended (${code}): ${log}`)))
      child.stderr.on('data', (chunk: Buffer) => {
        log += chunk
        if (log.includes('Server is ready')) resolve()
      })
    })
  }

  /** Ends it without any chance to save. */
  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined) return
    child.removeAllListeners('exit')
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** This machine lacks the server: exit code 3. */
export class MissingServer extends Error {}
