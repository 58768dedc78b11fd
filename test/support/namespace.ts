import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type FirewallRule, type InstallOptions, installRules, type RuleMatch, type Rules } from '@ringlink/client'
import { openSocket } from '@ringlink/transport-socket'
import { setLoopback } from './loopback.ts'

const agent = fileURLToPath(new URL('./agent.mjs', import.meta.url))

/** The name of a group of kernel tests: it says why they are skipped, when they are. */
export function kernelTests(name: string): string {
  return kernelUnavailable === undefined ? name : `${name} (skipped: ${kernelUnavailable})`
}

/** A network namespace of a test's own, with loopback up, and a process in it that makes traffic. */
export class Namespace implements AsyncDisposable {
  /** what a transport is opened in */
  readonly path: string
  readonly pid: number
  #child: ChildProcess
  #next = 1
  #rules: Rules[] = []
  #answers = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()

  private constructor(child: ChildProcess) {
    this.#child = child
    this.pid = child.pid as number
    this.path = `/proc/${this.pid}/ns/net`
    child.on('message', (message) => {
      const { id, value, error } = message as { id: number; value?: unknown; error?: string }
      const answer = this.#answers.get(id)
      this.#answers.delete(id)
      if (error !== undefined) answer?.reject(new Error(error))
      else answer?.resolve(value)
    })
    child.on('exit', (code, signal) => {
      for (const { reject } of this.#answers.values())
        reject(new Error(`the namespace's process ended: ${code ?? signal}`))
    })
  }

  /** Makes one. */
  static async open(): Promise<Namespace> {
    // unshare replaces itself by node, so the child's id is that of the process inside.
    const child = spawn('unshare', ['-n', process.execPath, agent], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const namespace = new Namespace(child)
    await new Promise<void>((resolve, reject) => {
      namespace.#answers.set(0, { resolve: () => resolve(), reject })
      child.once('error', reject)
    })
    await namespace.setLoopback(true)
    return namespace
  }

  /** Runs a command in it; its output. */
  run(...command: string[]): Promise<string> {
    return this.#ask('run', { command }) as Promise<string>
  }

  /** Brings its loopback device up or down, with another MTU where one is given. */
  setLoopback(isUp: boolean, mtu?: number): Promise<void> {
    return setLoopback(this.path, isUp, mtu)
  }

  /** Installs rules in it that end with it. */
  async install(
    rules: readonly (FirewallRule | string)[],
    options: Omit<InstallOptions, 'transport'> = {},
  ): Promise<Rules> {
    const transport: InstallOptions['transport'] = (needs) => openSocket({ ...needs, networkNamespace: this.path })
    const installed = await installRules(rules, { ...options, transport })
    this.#rules.push(installed)
    return installed
  }

  /** Queues packets that are sent inside it to queue `number`. */
  queueOutput(number: number, match: RuleMatch): Promise<Rules> {
    return this.install([{ hook: 'output', match, queue: number }])
  }

  /** Listens on a UDP port, with a receive buffer of 4 MiB, or as much as the kernel allows. */
  listen(port: number, address?: string, receiveBufferSize?: number): Promise<unknown> {
    return this.#ask('listen', { port, address, receiveBufferSize })
  }

  /**
   * What has arrived at a UDP port that it listens on, whether or not there was room for it, with the first 256
   * payloads.
   */
  received(port: number): Promise<{ count: number; payloads: string[] }> {
    return this.#ask('received', { port }) as Promise<{ count: number; payloads: string[] }>
  }

  /** Resolves when `count` datagrams have arrived. */
  waitFor(port: number, count: number): Promise<unknown> {
    return this.#ask('waitFor', { port, count })
  }

  /**
   * Sends datagrams; resolves when the kernel has taken all, which is after their rules have run. From several sockets
   * where the kernel grants a small send buffer, because what waits in a queue stays in it.
   */
  send(parameters: {
    port: number
    address?: string
    count?: number
    size?: number
    text?: string
    sendBufferSize?: number
  }): Promise<{ failed: number }> {
    return this.#ask('send', parameters) as Promise<{ failed: number }>
  }

  serve(port: number): Promise<unknown> {
    return this.#ask('serve', { port })
  }

  served(port: number): Promise<number> {
    return this.#ask('served', { port }) as Promise<number>
  }

  connect(parameters: { port: number; bytes?: number }): Promise<unknown> {
    return this.#ask('connect', parameters)
  }

  /** Ends its process; the kernel takes the namespace down with it. */
  async close(): Promise<void> {
    // Their sockets would keep the namespace.
    for (const rules of this.#rules.splice(0)) await rules.close()
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.disconnect()
    await exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #ask(action: string, parameters: Record<string, unknown>): Promise<unknown> {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { resolve, reject })
      this.#child.send({ id, action, parameters })
    })
  }
}

/** How this kernel queues: by its own expression, or by the xtables target. Known where it does. */
export let kernelQueueStatement: Rules['queueStatement'] | undefined

/** Why tests on the real kernel cannot run here; `undefined` when they can. In CI that is a failure, not a skip. */
export const kernelUnavailable: string | undefined = await probe()

async function probe(): Promise<string | undefined> {
  const reason = await missing()
  if (reason !== undefined && process.env.CI !== undefined)
    throw new Error(`in CI the kernel tests must run: ${reason}`)
  return reason
}

async function missing(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `${process.platform} is not Linux`
  const unshare = spawnSync('unshare', ['-n', 'true'])
  if (unshare.status !== 0) return 'this machine forbids network namespaces (try npm test, which uses a user namespace)'
  await using namespace = await Namespace.open()
  try {
    const rules = await namespace.queueOutput(0, {})
    kernelQueueStatement = rules.queueStatement
    return undefined
  } catch (error) {
    return `no rule that queues can be made: ${(error as Error).message}`
  }
}
