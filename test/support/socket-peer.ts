import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { kernelUnavailable, type Namespace } from './namespace.ts'

const compiler = process.env.CC ?? 'cc'

/** Why the peer of a socket is not available here. */
export const peerUnavailable: string | undefined =
  kernelUnavailable ?? (spawnSync(compiler, ['--version']).status === 0 ? undefined : 'there is no C compiler')

/** A port without a socket, to which messages to groups are also sent. */
const NOBODY = 0xfffffff0

/** A process in a namespace with its own netlink socket, which sends messages on command. */
export class SocketPeer implements AsyncDisposable {
  readonly portId: number
  #child: ChildProcessByStdio<Writable, Readable, null>
  #directory: string
  #answers: ((word: number) => void)[]

  private constructor(
    child: ChildProcessByStdio<Writable, Readable, null>,
    directory: string,
    answers: ((word: number) => void)[],
    portId: number,
  ) {
    this.#child = child
    this.#directory = directory
    this.#answers = answers
    this.portId = portId
  }

  static async open(namespace: Namespace, protocol: number): Promise<SocketPeer> {
    const directory = mkdtempSync(join(tmpdir(), 'ringlink-peer-'))
    const program = join(directory, 'peer')
    const source = fileURLToPath(new URL('socket-peer.c', import.meta.url))
    const { status, stderr } = spawnSync(compiler, ['-Wall', '-o', program, source], { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    const child = spawn('nsenter', [`--net=${namespace.path}`, program, String(protocol)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const answers: ((word: number) => void)[] = []
    const portId = new Promise<number>((resolve) => answers.push(resolve))
    let rest = Buffer.alloc(0)
    child.stdout.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      for (; rest.length >= 4; rest = rest.subarray(4)) answers.shift()?.(rest.readUInt32LE())
    })
    return new SocketPeer(child, directory, answers, await portId)
  }

  /** Sends to a port. Resolves once the kernel has put the message into the queue of that port. */
  async send(portId: number, message: Uint8Array): Promise<void> {
    const errno = await this.#request(portId, 0, message, 1, 0)
    if (errno !== 0) throw new Error(`the peer could not send: errno ${errno}`)
  }

  /** Sends to a port again and again; resolves when the first is sent. */
  async repeat(portId: number, message: Uint8Array, count: number, microseconds: number): Promise<void> {
    await this.#request(portId, 0, message, count, microseconds)
  }

  /** Sends to a group. */
  async sendToGroup(group: number, message: Uint8Array): Promise<void> {
    const errno = await this.#request(NOBODY, (1 << (group - 1)) >>> 0, message, 1, 0)
    if (errno !== 0) throw new Error(`the peer could not send: errno ${errno}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill()
    await exited
    rmSync(this.#directory, { recursive: true })
  }

  #request(portId: number, groups: number, message: Uint8Array, count: number, microseconds: number): Promise<number> {
    const header = Uint32Array.of(portId, groups, message.length, count, microseconds)
    return new Promise((resolve) => {
      this.#answers.push(resolve)
      this.#child.stdin.write(Buffer.concat([new Uint8Array(header.buffer), message]))
    })
  }
}
