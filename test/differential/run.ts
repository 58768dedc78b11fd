import {
  ControlType,
  DecodeError,
  MESSAGE_HEADER_LENGTH,
  Memory,
  MessageFlag,
  QueueMessage,
  QueuePacketView,
  queueConfigAttributes,
  writeNfnetlinkMessage,
  writeVerdict,
} from '../../packages/codec/src/index.ts'
import type { Transport } from '../../packages/transport/src/index.ts'
import { datagram, type Machine } from './machine.ts'
import { ports, type ScriptVerdict, type SocketName, type Step } from './script.ts'

/** Runs a script on a machine; one line or several for each step, with nothing in them that may differ between kernels. */
export async function run(machine: Machine, script: readonly Step[]): Promise<string[]> {
  const runner = new Runner(machine)
  try {
    for (const [index, step] of script.entries()) await runner.step(index, step)
    return runner.lines
  } finally {
    await runner.close()
  }
}

class Runner {
  readonly lines: string[] = []
  #machine: Machine
  #sockets = new Map<SocketName, Transport>()
  // The last id that was read, by queue: scripts name packets relative to it.
  #lastIds = new Map<number, number>()
  #sequence = 0

  constructor(machine: Machine) {
    this.#machine = machine
  }

  async step(index: number, step: Step): Promise<void> {
    const name = `${index} ${step.do}`
    switch (step.do) {
      case 'open':
        await this.#sockets.get(step.socket)?.close()
        this.#sockets.set(step.socket, await this.#machine.open(step))
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
    if (step.do === 'read') this.#read(name, socket, step.batches)
    else if (step.do === 'counters') this.#counters(name, socket)
    else if (step.do === 'config') send(socket, [this.#config(step)])
    else if (step.do === 'raw') send(socket, [this.#raw(step)])
    else
      send(
        socket,
        step.verdicts.map((verdict) => this.#verdict(verdict)),
      )
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.values()) await socket.close()
  }

  #read(name: string, socket: Transport, batches = Number.POSITIVE_INFINITY): void {
    for (let count = 0; count < batches; count++) {
      const batch = socket.poll()
      if (batch === undefined) break
      if (batch.lost > 0) this.lines.push(`${name}: lost ${batch.lost}`)
      for (let i = 0; i < batch.length; i++) {
        const bytes = batch.memory.copy(batch.offset(i), batch.byteLength(i))
        this.lines.push(`${name}: ${this.#describe(bytes)}`)
      }
      batch.release()
    }
    this.lines.push(`${name}: ${socket.stats.lost} lost in all`)
  }

  #describe(bytes: Uint8Array): string {
    const memory = Memory.from(bytes)
    const type = memory.u16[2]
    if (type !== QueueMessage.Packet) return `${type === ControlType.Error ? 'error' : type} ${hexWithoutPort(bytes)}`
    const packet = new QueuePacketView().wrap(memory, 0, bytes.length)
    this.#lastIds.set(packet.queueNumber, packet.id)
    const { family, queueNumber, id, protocol, hook, mark, outputDevice, fullLength, packetInformation } = packet
    const text = new TextDecoder('latin1').decode(packet.payload().subarray(28))
    const known = { family, queueNumber, id, protocol, hook, mark, outputDevice, fullLength, packetInformation }
    return `packet of ${bytes.length} ${JSON.stringify({ ...known, priority: packet.priority })} ${layout(bytes)} ${text}`
  }

  #counters(name: string, socket: Transport): void {
    const lines = socket.readProcNet('netfilter/nfnetlink_queue').trim().split('\n')
    // The second column is the port id of the owner.
    for (const line of lines) this.lines.push(`${name}: ${line.trim().split(/\s+/).toSpliced(1, 1).join(' ')}`)
  }

  #config({ queue, config, acknowledge = true }: Extract<Step, { do: 'config' }>): Uint8Array {
    const memory = new Memory(512)
    const length = writeNfnetlinkMessage(memory, 0, 512, queueConfigAttributes, {
      type: QueueMessage.Config,
      flags: requestFlags(acknowledge),
      sequence: ++this.#sequence,
      resourceId: queue,
      attributes: config,
    })
    return memory.copy(0, length)
  }

  #verdict(script: ScriptVerdict): Uint8Array {
    const { queue, back, verdict, batch = false, mark, priority, text, zeros, acknowledge = false } = script
    const memory = new Memory(70_000)
    const id = ((this.#lastIds.get(queue) ?? 0) - back) >>> 0
    const payload =
      text !== undefined ? datagram(ports.first, text) : zeros === undefined ? undefined : new Uint8Array(zeros)
    const type = batch ? QueueMessage.VerdictBatch : QueueMessage.Verdict
    const changes = { mark, priority, payload }
    const length = writeVerdict(memory, 0, 70_000, type, queue, { verdict: verdict >>> 0, id }, changes)
    memory.u16[3] = requestFlags(acknowledge)
    memory.u32[2] = ++this.#sequence
    return memory.copy(0, length)
  }

  #raw({ type, flags, body, cut }: Extract<Step, { do: 'raw' }>): Uint8Array {
    const bytes = new Uint8Array(MESSAGE_HEADER_LENGTH + body.length)
    const view = new DataView(bytes.buffer)
    view.setUint32(0, bytes.length, true)
    view.setUint16(4, type, true)
    view.setUint16(6, flags, true)
    view.setUint32(8, ++this.#sequence, true)
    bytes.set(body, MESSAGE_HEADER_LENGTH)
    return bytes.subarray(0, cut)
  }
}

function requestFlags(acknowledge: boolean): number {
  return MessageFlag.Request | (acknowledge ? MessageFlag.Acknowledge : 0)
}

/** The messages of one send lie one behind the other, each padded to four. */
function send({ outbox }: Transport, messages: readonly Uint8Array[]): void {
  for (const bytes of messages) {
    if (bytes.length === 0) continue
    const offset = outbox.reserve(bytes.length)
    outbox.memory.u8.set(bytes, offset)
    outbox.commit(bytes.length)
  }
  outbox.flush()
}

function hexWithoutPort(bytes: Uint8Array): string {
  const copy = bytes.slice()
  copy.fill(0, 12, 16)
  return Buffer.from(copy).toString('hex')
}

/** Number and length of each attribute, in their order. */
function layout(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer)
  const parts: string[] = []
  for (let at = 20; at + 4 <= bytes.length; ) {
    const length = view.getUint16(at, true)
    if (length < 4) throw new DecodeError('ATTRIBUTE_LENGTH', 'packet', { offset: at, need: 4, have: length })
    parts.push(`${view.getUint16(at + 2, true)}/${length}`)
    at += (length + 3) & ~3
  }
  return parts.join(' ')
}
