import {
  ControlType,
  ErrorView,
  Memory,
  Message,
  MessageIterator,
  type MessageView,
  NfTablesMessage,
  Protocol,
  QueueMessage,
  readNfnetlinkAttributes,
  writeVerdict,
} from '@ringlink/codec'
import { describeMessage } from '@ringlink/codec/internal'
import type { Transport } from '@ringlink/transport'
import { describeFrame } from './describe.ts'
import type { NfMachine } from './nftables-machine.ts'
import type { NfMessage, NfSocketName, NfStep } from './nftables-script.ts'
import { sendRaw } from './raw-message.ts'
import { runSteps } from './run-steps.ts'

const chainTypes: readonly string[] = ['filter', 'nat', 'route']
const QUEUE_FILE = 'netfilter/nfnetlink_queue'

/** Attributes that Linux 6.1 has before others: flags of a table before its uses and handle, a chain's handle. */
const orders: readonly (readonly [older: RegExp, newer: string])[] = [
  [/^(\d+ read: NFT_MSG_NEWTABLE .*)("flags":\d+),("use":\d+,"handle":"\d+n")/, '$1$3,$2'],
  [/^(\d+ read: NFT_MSG_NEWCHAIN .*)("handle":"\d+n"),("name":"[^"]*")/, '$1$3,$2'],
]

/** A line with attributes in the order of newer kernels: no program may rely on one. */
export function inNewOrder(line: string): string {
  return orders.reduce((text, [older, newer]) => text.replace(older, newer), line)
}

/**
 * Answers in which Linux 6.1 tells an offset and later kernels do not (a rule that makes a loop), or later kernels do
 * and it does not (a set that is missing): the errno is the same.
 */
const otherOffsets: readonly RegExp[] = [
  /^(\d+ read: error 31 for \d+ type 2566) .*$/,
  /^(\d+ read: error 2 for \d+ type (?:2570|2572|2573)) .*$/,
]

/** The lines of a kernel that is as old as that, or is compared with one, without those offsets. */
export function withoutOffsets(lines: readonly string[]): string[] {
  return lines.map((line) => otherOffsets.reduce((text, pattern) => text.replace(pattern, '$1'), line))
}

/** Runs a script; a line or several for each step, with nothing in them that may differ between kernels. */
export function runNf(machine: NfMachine, script: readonly NfStep[]): Promise<string[]> {
  return runSteps(new NfRunner(machine), script)
}

class NfRunner {
  readonly lines: string[] = []
  #machine: NfMachine
  #sockets = new Map<NfSocketName, Transport>()
  #sequence = 0
  // Ids of packets that were read and have no verdict, by queue.
  #waiting = new Map<number, number[]>()

  constructor(machine: NfMachine) {
    this.#machine = machine
  }

  async step(index: number, step: NfStep): Promise<void> {
    const name = `${index} ${step.do}`
    switch (step.do) {
      case 'open':
        await this.#sockets.get(step.socket)?.close()
        this.#sockets.set(step.socket, await this.#machine.open(step.groups ?? []))
        return
      case 'close':
        await this.#sockets.get(step.socket)?.close()
        this.#sockets.delete(step.socket)
        return
      case 'traffic':
        await this.#machine.traffic(step.port, step.count, step.size, `${index}-%d`)
        return
      case 'delivered':
        this.lines.push(`${name}: ${JSON.stringify(await this.#machine.delivered())}`)
        return
    }
    const socket = this.#sockets.get(step.socket)
    if (socket === undefined) return
    if (step.do === 'send') this.#send(name, socket, step.messages)
    else if (step.do === 'read') this.#read(name, socket)
    else if (step.do === 'verdicts') this.#answer(socket, step.queue, step.verdicts)
    else this.#counters(name, socket)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.values()) await socket.close()
  }

  #send(name: string, socket: Transport, messages: readonly NfMessage[]): void {
    this.#sequence = sendRaw(socket, messages, this.#sequence)
    this.lines.push(`${name}: up to ${this.#sequence}`)
  }

  #read(name: string, socket: Transport): void {
    for (let frames = socket.poll(); frames !== undefined; frames = socket.poll()) {
      for (let i = 0; i < frames.length; i++) {
        this.#showFrame(name, frames.memory.copy(frames.offset(i), frames.byteLength(i)))
      }
      frames.release()
    }
    if (socket.stats.lost > 0) this.lines.push(`${name}: ${socket.stats.lost} lost`)
  }

  #showFrame(name: string, bytes: Uint8Array): void {
    const memory = Memory.from(bytes)
    const subsystem = (memory.u16[2] as number) >> 8
    if (subsystem === 3 || subsystem === 4) {
      const { text, queued } = describeFrame(bytes)
      this.lines.push(`${name}: ${text}`)
      if (queued === undefined) return
      const waiting = this.#waiting.get(queued.queue) ?? []
      this.#waiting.set(queued.queue, [...waiting, queued.id])
      return
    }
    const messages = new MessageIterator().wrap(memory, 0, bytes.length)
    while (messages.next()) this.lines.push(`${name}: ${this.#describe(messages.view)}`)
    if (messages.problem !== undefined) this.lines.push(`${name}: ${messages.problem}`)
  }

  #describe(view: MessageView): string {
    if (view.type === ControlType.Error) {
      const error = new ErrorView().wrap(view)
      return `error ${error.errno} for ${view.sequence} type ${error.requestType} ${this.#text(error.extendedAck())}`
    }
    if (view.type === ControlType.Done) return `done ${view.sequence} flags ${view.flags}`
    const description = describeMessage(Protocol.Netfilter, view.type)
    const copied = new Message(view.copy().bytes).view
    const family = copied.memory.u8[16]
    const generation = copied.memory.data.getUint16(18)
    const values = description === undefined ? {} : readNfnetlinkAttributes(copied, description.attributes)
    // The process that changed the rules, and how a set is kept (an address of the kernel's), have no texts of one
    // length.
    const isVague = view.type === NfTablesMessage.NewGeneration || view.type === NfTablesMessage.NewSet
    const length = isVague ? 0 : view.length
    return `${description?.kernelName} family ${family} of ${generation}, flags ${view.flags}, ${length} bytes: ${this.#text(values)}`
  }

  #text(values: unknown): string {
    return JSON.stringify(values, (key, value: unknown) => this.#comparable(key, value))
  }

  #comparable(key: string, value: unknown): unknown {
    if (key === 'owner') return [...this.#sockets].find(([, socket]) => socket.portId === value)?.[0] ?? 'closed'
    if (key === 'type' && typeof value === 'string' && !chainTypes.includes(value)) return undefined
    if (key === 'processId' || key === 'processName' || key === 'unknown') return undefined
    if (typeof value === 'bigint') return `${value}n`
    return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
  }

  #answer(socket: Transport, queue: number, verdicts: readonly number[]): void {
    const waiting = this.#waiting.get(queue) ?? []
    const { outbox } = socket
    for (const verdict of verdicts) {
      const id = waiting.shift()
      if (id === undefined) break
      const memory = new Memory(256)
      const length = writeVerdict(memory, 0, 256, QueueMessage.Verdict, queue, { verdict: verdict >>> 0, id }, {})
      memory.u32[2] = ++this.#sequence
      const offset = outbox.reserve(length)
      outbox.memory.u8.set(memory.copy(0, length), offset)
      outbox.commit(length)
    }
    outbox.flush()
  }

  #counters(name: string, socket: Transport): void {
    for (const line of socket.readProcNet(QUEUE_FILE).split('\n')) {
      // The second column is the port id of the owner.
      if (line !== '') this.lines.push(`${name}: ${line.trim().split(/\s+/).toSpliced(1, 1).join(' ')}`)
    }
  }
}
