import { readFileSync } from 'node:fs'
import { Hook, Protocol } from '@ringlink/codec'
import { Namespace } from '@ringlink/test-support/namespace'
import type { Transport } from '@ringlink/transport'
import {
  Checksum,
  fillPartialChecksum,
  type LinuxVersion,
  type NfTablesOptions,
  type PacketMeta,
  type PacketOwner,
  SimKernel,
} from '@ringlink/transport-sim'
import { openSocket } from '@ringlink/transport-socket'
import { datagram, destinationPort } from './machine.ts'
import { nfPorts } from './nftables-script.ts'

/** A kernel under test without any rules. */
export interface NfMachine extends AsyncDisposable {
  open(groups: readonly number[]): Promise<Transport>
  /** Sends datagrams to a port of 127.0.0.1, `text` with %d replaced by the running number and padded to `size`. */
  traffic(port: number, count: number, size: number, text: string): Promise<void>
  /** Texts that have arrived so far, by port. */
  delivered(): Promise<Record<number, string[]>>
}

const OPTIONS = { protocol: Protocol.Netfilter, frameSize: 70_000, batchSize: 16 } as const

/** The hooks that a datagram over the loopback device passes, in order. */
const way: Readonly<Record<number, number>> = {
  [Hook.Output]: Hook.Postrouting,
  [Hook.Postrouting]: Hook.Prerouting,
  [Hook.Prerouting]: Hook.Input,
}

/** The simulated one, with the loopback device between its hooks. */
export class NfSimMachine implements NfMachine {
  readonly kernel: SimKernel
  #delivered: Record<number, string[]> = noTexts()
  #owner = { userId: 0, groupId: 0, closed: false }

  constructor(nfTables: NfTablesOptions = {}, linux?: LinuxVersion) {
    this.kernel = new SimKernel({ seed: 1, linux, nfTables })
    this.kernel.onDelivered(({ bytes, hook, mark, priority }) => {
      const next = way[hook]
      if (next === undefined) this.#delivered[destinationPort(bytes)]?.push(textOf(bytes))
      else this.kernel.inject(bytes, { ...metaAt(next, this.#owner), mark, priority })
    })
  }

  async open(groups: readonly number[]): Promise<Transport> {
    return this.kernel.open({ ...OPTIONS, groups })
  }

  async traffic(port: number, count: number, size: number, text: string): Promise<void> {
    // Every call of the namespace's sender has a socket of its own, which it closes in the end.
    const owner = { userId: 0, groupId: 0, closed: false }
    this.#owner = owner
    for (let number = 0; number < count; number++) {
      const packet = datagram(port, text.replace('%d', String(number)).padEnd(size, '.'))
      fillPartialChecksum(packet)
      this.kernel.inject(packet, metaAt(Hook.Output, owner))
    }
    owner.closed = true
  }

  async delivered(): Promise<Record<number, string[]>> {
    return this.#delivered
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** The loopback device takes a packet from its socket. */
function metaAt(hook: number, owner: PacketOwner): PacketMeta {
  return { hook, checksum: Checksum.Partial, owner: hook === Hook.Prerouting || hook === Hook.Input ? null : owner }
}

/** The real one, in a network namespace of its own. */
export class NfRealMachine implements NfMachine {
  #namespace: Namespace

  private constructor(namespace: Namespace) {
    this.#namespace = namespace
  }

  static async make(): Promise<NfRealMachine> {
    const namespace = await Namespace.open()
    for (const port of nfPorts) await namespace.listen(port, '0.0.0.0')
    return new NfRealMachine(namespace)
  }

  open(groups: readonly number[]): Promise<Transport> {
    return openSocket({ ...OPTIONS, groups, networkNamespace: this.#namespace.path })
  }

  async traffic(port: number, count: number, size: number, text: string): Promise<void> {
    await this.#namespace.send({ port, count, size, text })
  }

  async delivered(): Promise<Record<number, string[]>> {
    // Sent packets are in a socket, unless they still wait in the backlog of a processor.
    while (backlog() > 0) await new Promise((resolve) => setImmediate(resolve))
    const texts = noTexts()
    for (const port of nfPorts) texts[port] = (await this.#namespace.received(port)).payloads
    return texts
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespace.close()
  }
}

function noTexts(): Record<number, string[]> {
  return Object.fromEntries(nfPorts.map((port) => [port, []]))
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes.subarray(28))
}

/** Packets that wait to be received, on all processors: column 10 of softnet_stat. */
function backlog(): number {
  const lines = readFileSync('/proc/net/softnet_stat', 'utf8').trim().split('\n')
  return lines.reduce((sum, line) => sum + Number.parseInt(line.split(/\s+/)[10] ?? '0', 16), 0)
}
