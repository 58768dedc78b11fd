import {
  CopyMode,
  Family,
  Hook,
  Memory,
  MessageFlag,
  Protocol,
  QueueCommand,
  QueueMessage,
  QueuePacketView,
  queueConfigAttributes,
  Verdict,
  writeNfnetlinkMessage,
  writeVerdict,
} from '@ringlink/codec'
import { Namespace } from '@ringlink/test-support/namespace'
import type { Transport } from '@ringlink/transport'
import { type ConntrackOptions, type LinuxVersion, type NfTablesOptions, SimKernel } from '@ringlink/transport-sim'
import { openSocket } from '@ringlink/transport-socket'
import type { CtSettings } from './conntrack-script.ts'

/** A kernel under test that tracks what it sends. */
export interface CtMachine extends AsyncDisposable {
  open(groups: readonly number[], receiveBufferSize: number | undefined): Promise<Transport>
  /** Sends packets, each as it is: they pass Output and Postrouting, and end there. */
  inject(packets: readonly Uint8Array[]): Promise<void>
  wait(milliseconds: number): Promise<void>
}

const OPTIONS = { protocol: Protocol.Netfilter, frameSize: 70_000, batchSize: 16 } as const

function simulated(settings: CtSettings): ConntrackOptions {
  const events = (['off', 'on', 'auto'] as const)[settings.nf_conntrack_events ?? 2]
  const flag = (value: number | undefined) => (value === undefined ? undefined : value === 1)
  return {
    events,
    accounting: flag(settings.nf_conntrack_acct),
    timestamps: flag(settings.nf_conntrack_timestamp),
    tcpLoose: flag(settings.nf_conntrack_tcp_loose),
    tcpBeLiberal: flag(settings.nf_conntrack_tcp_be_liberal),
    tcpIgnoreInvalidReset: flag(settings.nf_conntrack_tcp_ignore_invalid_rst),
    tcpMaximumRetransmissions: settings.nf_conntrack_tcp_max_retrans,
  }
}

/** What a simulated one does in another kernel's way. */
export interface CtKernel {
  readonly linux?: LinuxVersion | undefined
  readonly conntrack?: ConntrackOptions
  readonly nfTables?: NfTablesOptions
}

/** The simulated one. */
export class CtSimMachine implements CtMachine {
  readonly kernel: SimKernel

  constructor(settings: CtSettings = {}, { conntrack = {}, ...kernel }: CtKernel = {}) {
    const set = { ...conntrack, ...simulated(settings), track: 'always' } as const
    this.kernel = new SimKernel({ seed: 1, conntrack: set, ...kernel })
    this.kernel.onDelivered((packet) => {
      if (packet.hook === Hook.Output) {
        this.kernel.inject(packet.bytes, { hook: Hook.Postrouting, follows: packet })
      }
    })
  }

  async open(groups: readonly number[], receiveBufferSize: number | undefined): Promise<Transport> {
    return this.kernel.open({ ...OPTIONS, groups, receiveBufferSize })
  }

  async inject(packets: readonly Uint8Array[]): Promise<void> {
    for (const packet of packets) this.kernel.inject(packet, { hook: Hook.Output, continues: true })
  }

  async wait(milliseconds: number): Promise<void> {
    this.kernel.clock.advance(milliseconds)
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** The queue in which packets wait to be replaced by those of a script, and the port that they go to. */
const CARRIER = { queue: 4242, port: 9 } as const
const CARRIERS_AT_ONCE = 64

/**
 * The real one, in a network namespace of its own. A packet of a script takes the place of a datagram that waits in a
 * queue before connection tracking: a verdict may bring other bytes.
 */
export class CtRealMachine implements CtMachine {
  #namespace: Namespace
  #queue: Transport
  // Ids of datagrams that wait, by family.
  #carriers = new Map<number, number[]>([
    [Family.Ipv4, []],
    [Family.Ipv6, []],
  ])
  #sequence = 0

  private constructor(namespace: Namespace, queue: Transport) {
    this.#namespace = namespace
    this.#queue = queue
  }

  static async make(settings: CtSettings = {}): Promise<CtRealMachine> {
    const namespace = await Namespace.open()
    for (const [name, value] of Object.entries(settings)) {
      await namespace.run('sh', '-c', `echo ${value} > /proc/sys/net/netfilter/${name}`)
    }
    await namespace.run('ip', 'route', 'add', 'local', '10.0.0.0/8', 'dev', 'lo')
    await namespace.run('ip', '-6', 'route', 'add', 'local', 'fd00::/16', 'dev', 'lo')
    await namespace.install([
      {
        hook: 'output',
        priority: -400,
        match: { protocol: 'udp', destinationPort: CARRIER.port },
        queue: CARRIER.queue,
      },
      // What has passed Postrouting is not to arrive: nobody is there to answer it.
      { hook: 'prerouting', priority: -400, verdict: 'drop' },
    ])
    // A rule that looks at connections, and does nothing else, turns tracking on.
    await namespace.run('nft', 'add table inet track { chain c { ct state new counter; }; }')
    const queue = await openSocket({ ...OPTIONS, networkNamespace: namespace.path })
    const machine = new CtRealMachine(namespace, queue)
    machine.#bind()
    return machine
  }

  open(groups: readonly number[], receiveBufferSize: number | undefined): Promise<Transport> {
    return openSocket({ ...OPTIONS, groups, receiveBufferSize, networkNamespace: this.#namespace.path })
  }

  /** A setting of net.netfilter that is this machine's, not the namespace's. */
  async setting(name: string): Promise<number> {
    return Number(await this.#namespace.run('cat', `/proc/sys/net/netfilter/${name}`))
  }

  async inject(packets: readonly Uint8Array[]): Promise<void> {
    for (const packet of packets) {
      const family = (packet[0] as number) >> 4 === 6 ? Family.Ipv6 : Family.Ipv4
      const id = await this.#carrier(family)
      const memory = new Memory(packet.length + 256)
      const length = writeVerdict(
        memory,
        0,
        memory.byteLength,
        QueueMessage.Verdict,
        CARRIER.queue,
        { verdict: Verdict.Accept, id },
        { payload: packet },
      )
      memory.u32[2] = ++this.#sequence
      this.#send(memory.copy(0, length))
    }
  }

  async wait(milliseconds: number): Promise<void> {
    // The kernel's own time has to pass.
    await new Promise((resolve) => setTimeout(resolve, milliseconds))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue.close()
    await this.#namespace.close()
  }

  #bind(): void {
    const memory = new Memory(256)
    const length = writeNfnetlinkMessage(memory, 0, 256, queueConfigAttributes, {
      type: QueueMessage.Config,
      flags: MessageFlag.Request,
      sequence: ++this.#sequence,
      resourceId: CARRIER.queue,
      attributes: {
        command: { command: QueueCommand.Bind, family: 0 },
        parameters: { copyRange: 0, copyMode: CopyMode.Meta },
      },
    })
    this.#send(memory.copy(0, length))
  }

  #send(bytes: Uint8Array): void {
    const { outbox } = this.#queue
    const offset = outbox.reserve(bytes.length)
    outbox.memory.u8.set(bytes, offset)
    outbox.commit(bytes.length)
    outbox.flush()
  }

  async #carrier(family: number): Promise<number> {
    const waiting = this.#carriers.get(family) ?? []
    if (waiting.length === 0) {
      const address = family === Family.Ipv6 ? '::1' : '127.0.0.1'
      await this.#namespace.send({ port: CARRIER.port, address, count: CARRIERS_AT_ONCE, text: 'carrier' })
      for (let batch = this.#queue.poll(); batch !== undefined; batch = this.#queue.poll()) {
        for (let i = 0; i < batch.length; i++) {
          if (batch.memory.u16[(batch.offset(i) >> 1) + 2] !== QueueMessage.Packet)
            throw new Error('a carrier was refused')
          const view = new QueuePacketView().wrap(batch.memory, batch.offset(i), batch.byteLength(i))
          this.#carriers.get(view.family)?.push(view.id)
        }
        batch.release()
      }
    }
    const id = waiting.shift()
    if (id === undefined) throw new Error('no datagram waits to be replaced')
    return id
  }
}
