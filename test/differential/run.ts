import {
  LogMessage,
  logConfigAttributes,
  MESSAGE_HEADER_LENGTH,
  Memory,
  MessageFlag,
  QueueMessage,
  queueConfigAttributes,
  writeNfnetlinkMessage,
  writeVerdict,
} from '@ringlink/codec'
import type { FrameBatch, Transport } from '@ringlink/transport'
import { describeFrame } from './describe.ts'
import { datagram, type Machine } from './machine.ts'
import { runSteps } from './run-steps.ts'
import { ports, type ScriptVerdict, type SocketName, type Step } from './script.ts'

const QUEUE_FILE = 'netfilter/nfnetlink_queue'
const LOG_FILE = 'netfilter/nfnetlink_log'

/**
 * Runs a script on a machine; one line or several for each step, with nothing in them that may differ between kernels.
 */
export function run(machine: Machine, script: readonly Step[]): Promise<string[]> {
  return runSteps(new Runner(machine), script)
}

class Runner {
  readonly lines: string[] = []
  #machine: Machine
  #sockets = new Map<SocketName, Transport>()
  // The last id that was read, by queue: scripts name packets relative to it.
  #lastIds = new Map<number, number>()
  #sequence = 0
  // Messages lost, by socket and overrun.
  #overruns = new Map<Transport, number[]>()

  constructor(machine: Machine) {
    this.#machine = machine
  }

  async step(index: number, step: Step): Promise<void> {
    const name = `${index} ${step.do}`
    switch (step.do) {
      case 'open':
        await this.#sockets.get(step.socket)?.close()
        this.#sockets.set(step.socket, await this.#open(step))
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
    else if (step.do === 'expire') await this.#expire(name, socket, step.group)
    else if (step.do === 'counters') this.#counters(name, socket)
    else if (step.do === 'config') send(socket, [this.#config(step)])
    else if (step.do === 'log') send(socket, [this.#logConfig(step)])
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

  async #open(step: Extract<Step, { do: 'open' }>): Promise<Transport> {
    const socket = await this.#machine.open(step)
    const overruns: number[] = []
    socket.events.on('overrun', (messages) => overruns.push(messages))
    this.#overruns.set(socket, overruns)
    return socket
  }

  #read(name: string, socket: Transport, batches = Number.POSITIVE_INFINITY): void {
    for (let count = 0; count < batches; count++) {
      const batch = socket.poll()
      if (batch === undefined) break
      this.#show(name, batch)
    }
    this.lines.push(`${name}: ${socket.stats.lost} lost in all, each time ${this.#overruns.get(socket)?.join(' ')}`)
  }

  #show(name: string, batch: FrameBatch): void {
    if (batch.lost > 0) this.lines.push(`${name}: lost ${batch.lost}`)
    for (let i = 0; i < batch.length; i++) {
      const { text, queued } = describeFrame(batch.memory.copy(batch.offset(i), batch.byteLength(i)))
      if (queued !== undefined) this.#lastIds.set(queued.queue, queued.id)
      this.lines.push(`${name}: ${text}`)
    }
    batch.release()
  }

  /** On the real kernel the timer may have been faster: then there is nothing to wait for, and what it sent is read. */
  async #expire(name: string, socket: Transport, group: number): Promise<void> {
    const waits = () =>
      columns(socket, LOG_FILE).some(([number, portId, entries]) => {
        return Number(number) === group && Number(portId) === socket.portId && Number(entries) > 0
      })
    while (waits()) this.#show(name, await this.#machine.next(socket))
    this.#read(name, socket)
  }

  #counters(name: string, socket: Transport): void {
    for (const file of [QUEUE_FILE, LOG_FILE]) {
      // The second column is the port id of the owner.
      for (const line of columns(socket, file)) this.lines.push(`${name}: ${line.toSpliced(1, 1).join(' ')}`)
    }
  }

  #logConfig({ group, config, family = 0, acknowledge = true }: Extract<Step, { do: 'log' }>): Uint8Array {
    const memory = new Memory(512)
    const length = writeNfnetlinkMessage(memory, 0, 512, logConfigAttributes, {
      type: LogMessage.Config,
      flags: requestFlags(acknowledge),
      sequence: ++this.#sequence,
      family,
      resourceId: group,
      attributes: config,
    })
    return memory.copy(0, length)
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

/** The messages of one send are concatenated, each padded to four bytes. */
function send({ outbox }: Transport, messages: readonly Uint8Array[]): void {
  for (const bytes of messages) {
    if (bytes.length === 0) continue
    const offset = outbox.reserve(bytes.length)
    outbox.memory.u8.set(bytes, offset)
    outbox.commit(bytes.length)
  }
  outbox.flush()
}

/** The lines of a file of the kernel, by column. */
function columns(socket: Transport, file: string): string[][] {
  const lines = socket.readProcNet(file).split('\n')
  return lines.filter((line) => line !== '').map((line) => line.trim().split(/\s+/))
}
