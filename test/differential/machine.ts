import { Protocol } from '../../packages/codec/src/index.ts'
import type { Transport } from '../../packages/transport/src/index.ts'
import {
  Checksum,
  destinationPort,
  fillChecksum,
  fillHeaderChecksum,
  fillPartialChecksum,
  IpProtocol,
  SimKernel,
} from '../../packages/transport-sim/src/index.ts'
import { openSocket } from '../../packages/transport-socket/src/index.ts'
import { Namespace } from '../support/namespace.ts'
import { ports, type Step } from './script.ts'

type OpenStep = Extract<Step, { do: 'open' }>

/** A kernel under test, real or simulated, with the rules of {@link ports}. */
export interface Machine extends AsyncDisposable {
  open(step: OpenStep): Promise<Transport>
  /** Sends datagrams, `text` with %d replaced by the running number and padded to `size`. */
  traffic(port: number, count: number, size: number, text: string): Promise<void>
  /** Texts that have arrived so far, by port, sorted. */
  delivered(): Promise<Record<number, string[]>>
}

const FRAME_SIZE = 70_000
const allPorts = Object.values(ports)

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
  readonly kernel: SimKernel = new SimKernel({ seed: 1 })
  #delivered: Record<number, string[]> = emptyDelivery()

  constructor() {
    const rule = (destinationPort: number, queue: number, extra = {}) =>
      this.kernel.addRule({ hook: 3, match: { protocol: IpProtocol.Udp, destinationPort }, queue, ...extra })
    rule(ports.first, 0)
    rule(ports.second, 1)
    rule(ports.bypass, 0, { bypass: true })
    rule(ports.marked, 1, { mark: 7 })
    this.kernel.onDelivered(({ bytes }) => {
      this.#delivered[destinationPort(bytes)]?.push(new TextDecoder('latin1').decode(bytes.subarray(28)))
    })
  }

  async open(step: OpenStep): Promise<Transport> {
    return this.kernel.open(transportOptions(step))
  }

  async traffic(port: number, count: number, size: number, text: string): Promise<void> {
    // Every call of the namespace's sender has a socket of its own, which it closes in the end.
    const owner = { userId: 0, groupId: 0, closed: false }
    for (let number = 0; number < count; number++) {
      const packet = datagram(port, text.replace('%d', String(number)).padEnd(size, '.'))
      fillPartialChecksum(packet)
      this.kernel.inject(packet, { checksum: Checksum.Partial, owner })
    }
    owner.closed = true
  }

  async delivered(): Promise<Record<number, string[]>> {
    return sorted(this.#delivered)
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** The real one, in a network namespace of its own. */
export class RealMachine implements Machine {
  #namespace: Namespace
  #fences = 0

  private constructor(namespace: Namespace) {
    this.#namespace = namespace
  }

  static async make(): Promise<RealMachine> {
    const namespace = await Namespace.open()
    const rule = (port: number, words: string) => `-A OUTPUT -d 127.0.0.1/32 -p udp --dport ${port} -j ${words}`
    const rules = [
      '*mangle',
      rule(ports.first, 'NFQUEUE --queue-num 0'),
      rule(ports.second, 'NFQUEUE --queue-num 1'),
      rule(ports.bypass, 'NFQUEUE --queue-num 0 --queue-bypass'),
      rule(ports.marked, 'MARK --set-mark 7'),
      rule(ports.marked, 'NFQUEUE --queue-num 1'),
      'COMMIT',
    ]
    await namespace.run('sh', '-c', `printf '%s\\n' ${rules.map((line) => `'${line}'`).join(' ')} | iptables-restore`)
    for (const port of allPorts) await namespace.listen(port, '0.0.0.0')
    return new RealMachine(namespace)
  }

  open(step: OpenStep): Promise<Transport> {
    return openSocket({ ...transportOptions(step), networkNamespace: this.#namespace.path })
  }

  async traffic(port: number, count: number, size: number, text: string): Promise<void> {
    await this.#namespace.send({ port, count, size, text })
  }

  /** A packet that no rule catches comes last to each port, so what came before it is all there. */
  async delivered(): Promise<Record<number, string[]>> {
    const fence = `fence ${++this.#fences}`
    const texts = emptyDelivery()
    for (const port of allPorts) {
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

function emptyDelivery(): Record<number, string[]> {
  return Object.fromEntries(allPorts.map((port) => [port, []]))
}

function sorted(texts: Record<number, string[]>): Record<number, string[]> {
  return Object.fromEntries(Object.entries(texts).map(([port, list]) => [port, [...list].sort()]))
}
