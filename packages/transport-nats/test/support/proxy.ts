import { connect, createServer, type Server, type Socket } from 'node:net'

/** From the client to the server, or back. */
export type Direction = 'requests' | 'answers'

/**
 * A connection to a server that can break at a chosen byte: what contains a text is swallowed, and both sides are cut
 * off. Who connects after that waits until it is restored.
 */
export class TestProxy implements AsyncDisposable {
  readonly #server: Server
  readonly #to: number
  readonly #sockets = new Set<Socket>()
  // Those that wait.
  #clients: Socket[] = []
  #isBroken = false
  #break: { readonly direction: Direction; readonly text: string; left: number; onBreak(): void } | undefined

  private constructor(to: number) {
    this.#to = to
    this.#server = createServer((client) => this.#accept(client))
  }

  static async open(to: number): Promise<TestProxy> {
    const proxy = new TestProxy(to)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get address(): string {
    const { port } = this.#server.address() as { port: number }
    return `nats://127.0.0.1:${port}`
  }

  /** Breaks at the `nth` part of the stream with a text. Resolves then. */
  breakAt(direction: Direction, text: string, nth = 1): Promise<void> {
    return new Promise((resolve) => {
      this.#break = { direction, text, left: nth, onBreak: resolve }
    })
  }

  restore(): void {
    this.#isBroken = false
    for (const client of this.#clients.splice(0)) this.#accept(client)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(client: Socket): void {
    if (this.#isBroken) {
      this.#clients.push(client)
      return
    }
    const server = connect(this.#to, '127.0.0.1')
    this.#join(client, server, 'requests')
    this.#join(server, client, 'answers')
  }

  #join(from: Socket, to: Socket, direction: Direction): void {
    this.#sockets.add(from)
    from.on('data', (bytes) => {
      if (this.#isBreak(direction, bytes)) this.#cut()
      else to.write(bytes)
    })
    from.on('error', () => {})
    from.on('close', () => {
      this.#sockets.delete(from)
      to.destroy()
    })
  }

  #isBreak(direction: Direction, bytes: Buffer): boolean {
    const planned = this.#break
    if (planned?.direction !== direction || !bytes.includes(planned.text) || --planned.left > 0) return false
    this.#break = undefined
    this.#isBroken = true
    planned.onBreak()
    return true
  }

  #cut(): void {
    for (const socket of [...this.#sockets, ...this.#clients.splice(0)]) socket.destroy()
  }
}
