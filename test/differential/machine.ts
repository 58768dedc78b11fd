import type { FirewallRule } from '@ringlink/client'
import { Hook, Memory, Protocol } from '@ringlink/codec'
import { IpProtocol, PacketView } from '@ringlink/packet'
import { Namespace } from '@ringlink/test-support/namespace'
import type { FrameBatch, Transport } from '@ringlink/transport'
import {
  Checksum,
  fillChecksum,
  fillHeaderChecksum,
  fillPartialChecksum,
  type RuleLog,
  SimKernel,
  type SimKernelOptions,
} from '@ringlink/transport-sim'
import { openSocket } from '@ringlink/transport-socket'
import type { PortRule, PortRules, Step } from './script.ts'

/** The port that a packet goes to; -1 if it has none. */
export function destinationPort(bytes: Uint8Array): number {
  return new PacketView().wrapNetwork(Memory.from(bytes), 0, bytes.length).destinationPort ?? -1
}

type OpenStep = Extract<Step, { do: 'open' }>

/** A kernel under test, real or simulated, with a rule or several for each port of a script. */
export interface Machine extends AsyncDisposable {
  open(step: OpenStep): Promise<Transport>
  /** Waits for the next batch of a socket to which a timer of the kernel will send something. */
  next(socket: Transport): Promise<FrameBatch>
  /** Sends datagrams, `text` with %d replaced by the running number and padded to `size`. */
  traffic(port: number, count: number, size: number, text: string): Promise<void>
  /** Texts that have arrived so far, by port, sorted. */
  delivered(): Promise<Record<number, string[]>>
}

const FRAME_SIZE = 70_000

function transportOptions({ receiveBufferSize, noOverrunErrors, cappedAck, extendedAck }: OpenStep) {
  return {
    protocol: Protocol.Netfilter,
    frameSize: FRAME_SIZE,
    batchSize: 16,
    receiveBufferSize,
    noOverrunErrors,
    cappedAck,
    extendedAck,
  }
}

/** A UDP datagram over IPv4 between two ports of 127.0.0.1, complete. */
export function datagram(port: number, text: string): Uint8Array {
  const payload = new TextEncoder().encode(text)
  const bytes = new Uint8Array(28 + payload.length)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, 0x4500)
  view.setUint16(2, bytes.length)
  view.setUint16(6, 0x4000)
  view.setUint16(8, 0x4000 | IpProtocol.Udp)
  view.setUint32(12, 0x7f000001)
  view.setUint32(16, 0x7f000001)
  view.setUint16(20, 40000)
  view.setUint16(22, port)
  view.setUint16(24, 8 + payload.length)
  bytes.set(payload, 28)
  fillHeaderChecksum(bytes)
  fillChecksum(bytes)
  return bytes
}

/** The simulated one. */
export class SimMachine implements Machine {
  readonly kernel: SimKernel
  #rules: PortRules
  #delivered: Record<number, string[]>

  constructor(rules: PortRules, options: SimKernelOptions) {
    this.kernel = new SimKernel({ seed: 1, ...options })
    this.#rules = rules
    this.#delivered = emptyDelivery(rules)
    for (const [port, rule] of portRules(rules)) this.#addRules(port, rule)
    this.kernel.onDelivered(({ bytes }) => {
      this.#delivered[destinationPort(bytes)]?.push(new TextDecoder('latin1').decode(bytes.subarray(28)))
    })
  }

  async open(step: OpenStep): Promise<Transport> {
    return this.kernel.open(transportOptions(step))
  }

  async next(socket: Transport): Promise<FrameBatch> {
    const { clock } = this.kernel
    for (let batch = socket.poll(); ; batch = socket.poll()) {
      if (batch !== undefined) return batch
      if (clock.nextDue === undefined) throw new Error('nothing that is due sends anything')
      clock.runNext()
    }
  }

  async traffic(port: number, count: number, size: number, text: string): Promise<void> {
    const hook = this.#rules[port]?.hook
    // Every call of the namespace's sender has a socket of its own, which it closes in the end.
    const owner = { userId: 0, groupId: 0, closed: false }
    // The loopback device takes a packet from its socket, so on the way in it has no owner.
    const meta = { hook, checksum: Checksum.Partial, owner: hook === Hook.Input ? null : owner }
    for (let number = 0; number < count; number++) {
      const packet = datagram(port, text.replace('%d', String(number)).padEnd(size, '.'))
      fillPartialChecksum(packet)
      this.kernel.inject(packet, meta)
    }
    owner.closed = true
  }

  async delivered(): Promise<Record<number, string[]>> {
    return sorted(this.#delivered)
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #addRules(destinationPort: number, { hook = Hook.Output, mark, logs = [], queue, bypass }: PortRule): void {
    const common = { hook, match: { protocol: IpProtocol.Udp, destinationPort } }
    if (mark !== undefined) this.kernel.addRule({ ...common, mark })
    for (const log of logs) this.kernel.addRule({ ...common, log })
    if (queue !== undefined) this.kernel.addRule({ ...common, queue, bypass })
  }
}

/** The real one, in a network namespace of its own. */
export class RealMachine implements Machine {
  #namespace: Namespace
  #rules: PortRules
  #fences = 0

  private constructor(namespace: Namespace, rules: PortRules) {
    this.#namespace = namespace
    this.#rules = rules
  }

  static async make(rules: PortRules): Promise<RealMachine> {
    const namespace = await Namespace.open()
    await namespace.install(portRules(rules).flatMap(([port, rule]) => firewallRules(port, rule)))
    for (const [port] of portRules(rules)) await namespace.listen(port, '0.0.0.0')
    return new RealMachine(namespace, rules)
  }

  open(step: OpenStep): Promise<Transport> {
    return openSocket({ ...transportOptions(step), networkNamespace: this.#namespace.path })
  }

  next(socket: Transport): Promise<FrameBatch> {
    return socket.receive()
  }

  async traffic(port: number, count: number, size: number, text: string): Promise<void> {
    await this.#namespace.send({ port, count, size, text })
  }

  /** A packet that no rule catches comes last to each port, so what came before it is all there. */
  async delivered(): Promise<Record<number, string[]>> {
    const fence = `fence ${++this.#fences}`
    const texts = emptyDelivery(this.#rules)
    for (const [port] of portRules(this.#rules)) {
      await this.#namespace.send({ port, address: '127.0.0.2', text: fence })
      let received = await this.#namespace.received(port)
      while (!received.payloads.includes(fence)) {
        if (received.count >= 256) throw new Error(`more packets were delivered to port ${port} than are kept`)
        received = await this.#namespace.received(port)
      }
      texts[port] = received.payloads.filter((payload) => !payload.startsWith('fence '))
    }
    return sorted(texts)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespace.close()
  }
}

function portRules(rules: PortRules): [number, PortRule][] {
  return Object.entries(rules).map(([port, rule]) => [Number(port), rule])
}

/** A port's rules, in the order in which a packet meets them. */
function firewallRules(port: number, { hook = Hook.Output, mark, logs = [], queue, bypass }: PortRule): FirewallRule[] {
  const at = {
    hook: hook === Hook.Input ? 'input' : 'output',
    priority: 'mangle',
    match: { destinationAddress: '127.0.0.1', protocol: 'udp', destinationPort: port },
  } as const
  const rules: FirewallRule[] = logs.map((log) => ({ ...at, log: logOf(log) }))
  if (mark !== undefined) rules.unshift({ ...at, setMark: mark })
  if (queue !== undefined) rules.push({ ...at, queue, bypass })
  return rules
}

function logOf({ group, prefix, copyLength, threshold }: RuleLog): FirewallRule['log'] {
  return { group, prefix, copyRange: copyLength, threshold }
}

function emptyDelivery(rules: PortRules): Record<number, string[]> {
  return Object.fromEntries(portRules(rules).map(([port]) => [port, []]))
}

function sorted(texts: Record<number, string[]>): Record<number, string[]> {
  return Object.fromEntries(Object.entries(texts).map(([port, list]) => [port, [...list].sort()]))
}
