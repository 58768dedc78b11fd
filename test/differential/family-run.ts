import {
  ControlType,
  controllerAttributes,
  DoneView,
  ErrorView,
  GenericFamilyId,
  Memory,
  MessageIterator,
  type MessageView,
  Protocol,
  readAttributes,
} from '@ringlink/codec'
import { GENERIC_ATTRIBUTES } from '@ringlink/codec/internal'
import { devAttributes } from '@ringlink/families/netdev'
import type { Transport } from '@ringlink/transport'
import type { FamilyMachine } from './family-machine.ts'
import type { FamilyMessage, FamilySocket, FamilyStep } from './family-script.ts'
import { describeRoute } from './route-describe.ts'
import { runSteps } from './run-steps.ts'

/** Runs a script; a line or several for each step, with nothing in them that may differ between kernels. */
export function runFamily(machine: FamilyMachine, script: readonly FamilyStep[]): Promise<string[]> {
  return runSteps(new FamilyRunner(machine), script)
}

const HEADER = 16

interface Line {
  readonly text: string
  /** of the link that it is about; 0: none */
  readonly index: number
  readonly isNotification?: boolean
  /** of when a link came up its order depends */
  readonly isRacing?: boolean | undefined
}

class FamilyRunner {
  readonly lines: string[] = []
  readonly #machine: FamilyMachine
  readonly #sockets = new Map<FamilySocket, { readonly transport: Transport; readonly protocol: number }>()
  #sequence = 0

  constructor(machine: FamilyMachine) {
    this.#machine = machine
  }

  async step(index: number, step: FamilyStep): Promise<void> {
    const name = `${index} ${step.do}`
    switch (step.do) {
      case 'settle':
        return this.#machine.settle()
      case 'expire':
        return this.#machine.expire()
      case 'open': {
        await this.#sockets.get(step.socket)?.transport.close()
        const { protocol, groups = [], strictChecking = true } = step
        const transport = await this.#machine.open({ protocol, groups, strictChecking })
        this.#sockets.set(step.socket, { transport, protocol })
        return
      }
    }
    const socket = this.#sockets.get(step.socket)
    if (socket === undefined) return
    if (step.do === 'send') this.#send(socket.transport, step.messages)
    else this.#read(name, socket)
  }

  async close(): Promise<void> {
    for (const { transport } of this.#sockets.values()) await transport.close()
  }

  #send({ outbox }: Transport, messages: readonly FamilyMessage[]): void {
    const parts = messages.map(({ type, flags, body }) => {
      const bytes = new Uint8Array(HEADER + ((body.length + 3) & ~3))
      const view = new DataView(bytes.buffer)
      view.setUint32(0, HEADER + body.length, true)
      view.setUint16(4, typeof type === 'number' ? type : this.#machine.familyId(type), true)
      view.setUint16(6, flags, true)
      view.setUint32(8, ++this.#sequence, true)
      bytes.set(body, HEADER)
      return bytes
    })
    const whole = Buffer.concat(parts)
    const offset = outbox.reserve(whole.length)
    outbox.memory.u8.set(whole, offset)
    outbox.commit(whole.length)
    outbox.flush()
  }

  #read(name: string, { transport, protocol }: { transport: Transport; protocol: number }): void {
    const lines: Line[] = []
    for (let batch = transport.poll(); batch !== undefined; batch = transport.poll()) {
      for (let i = 0; i < batch.length; i++) {
        const memory = Memory.from(batch.memory.copy(batch.offset(i), batch.byteLength(i)))
        const messages = new MessageIterator().wrap(memory, 0, memory.byteLength)
        while (messages.next()) {
          const line = this.#describe(messages.view, transport, protocol)
          if (line !== undefined) lines.push(line)
        }
        if (messages.problem !== undefined) lines.push({ text: messages.problem, index: 0 })
      }
      batch.release()
    }
    // The states of links change at a time of the kernel's own, so the order of notifications counts for each link.
    if (lines.some(({ isNotification }) => isNotification)) lines.sort((one, other) => one.index - other.index)
    else sortRacing(lines)
    sortNeighbours(lines)
    for (const { text } of lines) this.lines.push(`${name}: ${text}`)
    if (transport.stats.lost > 0) this.lines.push(`${name}: ${transport.stats.lost} lost`)
  }

  #describe(view: MessageView, { portId }: Transport, protocol: number): Line | undefined {
    const { type, flags, sequence } = view
    if (type === ControlType.Error) {
      const error = new ErrorView().wrap(view)
      return { text: `error ${error.errno} for ${sequence} flags ${flags} ${text(error.extendedAck())}`, index: 0 }
    }
    if (type === ControlType.Done) {
      const done = new DoneView().wrap(view)
      return { text: `done ${sequence} flags ${flags} ${done.errno} ${text(done.extendedAck())}`, index: 0 }
    }
    const from = view.portId === portId ? 'own' : view.portId === 0 ? 'kernel' : 'other'
    if (protocol === Protocol.Generic) return { text: `${from} ${sequence} ${this.#describeGeneric(view)}`, index: 0 }
    const described = describeRoute(view)
    return (
      described && {
        text: `${from} ${sequence} ${described.text}`,
        index: described.index,
        isNotification: from !== 'own',
        isRacing: described.isRacing,
      }
    )
  }

  #describeGeneric({ memory, offset, length, type, flags }: MessageView): string {
    const command = memory.u8[offset + HEADER]
    const set = type === GenericFamilyId.Controller ? controllerAttributes : devAttributes
    const values = readAttributes(set, memory, offset + GENERIC_ATTRIBUTES, length - GENERIC_ATTRIBUTES)
    // netdev does not mark its rows as parts of a dump.
    const marks = type === GenericFamilyId.Controller ? `flags ${flags} nests ${nestBits(memory, offset, length)}` : ''
    const name = type === this.#machine.familyId('netdev') ? 'netdev' : type
    return `${name} command ${command} of ${length} bytes ${marks} ${text(values)}`
  }
}

/**
 * The kernel's own routes of IPv6 are as old as the states of their links: of those that differ only in the link, the
 * order does not count.
 */
function sortRacing(lines: Line[]): void {
  for (let start = 0; start < lines.length; start++) {
    const key = racingKey(lines[start])
    if (key === undefined) continue
    let end = start + 1
    while (end < lines.length && racingKey(lines[end]) === key) end++
    lines.splice(start, end - start, ...lines.slice(start, end).sort((one, other) => one.index - other.index))
    start = end - 1
  }
}

/**
 * Tables of neighbours have their entries in an order that follows from a secret of the kernel, in which they are also
 * removed together.
 */
function sortNeighbours(lines: Line[]): void {
  const isRow = (line: Line | undefined) =>
    line !== undefined &&
    ((line.text.includes(' newneigh ') && line.isNotification !== true) || line.text.startsWith('kernel 0 delneigh '))
  for (let start = 0; start < lines.length; start++) {
    let end = start
    while (end < lines.length && isRow(lines[end])) end++
    const rows = lines.slice(start, end)
    lines.splice(start, rows.length, ...rows.sort((one, other) => (one.text < other.text ? -1 : 1)))
    start = Math.max(start, end - 1)
  }
}

function racingKey(line: Line | undefined): string | undefined {
  return line?.isRacing === true ? line.text.replace(/"oif":\d+/, '').replace(/"flags":\d+/, '') : undefined
}

/** Which of the attributes at the top have the flags of `nla_type`. */
function nestBits(memory: Memory, offset: number, length: number): string {
  const bits: number[] = []
  for (let at = offset + GENERIC_ATTRIBUTES; at + 4 <= offset + length; ) {
    bits.push((memory.u16[(at >> 1) + 1] as number) >> 14)
    at += ((memory.u16[at >> 1] as number) + 3) & ~3
  }
  return bits.join('')
}

function text(values: unknown): string {
  return JSON.stringify(values, (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`
    return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
  })
}
