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
import { runSteps } from './run-steps.ts'

/** Runs a script; a line or several for each step, with nothing in them that may differ between kernels. */
export function runFamily(machine: FamilyMachine, script: readonly FamilyStep[]): Promise<string[]> {
  return runSteps(new FamilyRunner(machine), script)
}

const HEADER = 16

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
    for (let batch = transport.poll(); batch !== undefined; batch = transport.poll()) {
      for (let i = 0; i < batch.length; i++) {
        const memory = Memory.from(batch.memory.copy(batch.offset(i), batch.byteLength(i)))
        const messages = new MessageIterator().wrap(memory, 0, memory.byteLength)
        while (messages.next()) this.lines.push(`${name}: ${this.#describe(messages.view, transport, protocol)}`)
        if (messages.problem !== undefined) this.lines.push(`${name}: ${messages.problem}`)
      }
      batch.release()
    }
    if (transport.stats.lost > 0) this.lines.push(`${name}: ${transport.stats.lost} lost`)
  }

  #describe(view: MessageView, { portId }: Transport, protocol: number): string {
    const { type, flags, sequence } = view
    if (type === ControlType.Error) {
      const error = new ErrorView().wrap(view)
      return `error ${error.errno} for ${sequence} flags ${flags} ${text(error.extendedAck())}`
    }
    if (type === ControlType.Done) return `done ${sequence} flags ${flags} ${new DoneView().wrap(view).errno}`
    const from = view.portId === portId ? 'own' : view.portId === 0 ? 'kernel' : 'other'
    const described = protocol === Protocol.Generic ? this.#describeGeneric(view) : describeRoute(view)
    return `${from} ${sequence} ${described}`
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

/** Which of the attributes at the top have the flags of `nla_type`. */
function nestBits(memory: Memory, offset: number, length: number): string {
  const bits: number[] = []
  for (let at = offset + GENERIC_ATTRIBUTES; at + 4 <= offset + length; ) {
    bits.push((memory.u16[(at >> 1) + 1] as number) >> 14)
    at += ((memory.u16[at >> 1] as number) + 3) & ~3
  }
  return bits.join('')
}

function describeRoute(view: MessageView): string {
  return `type ${view.type}`
}

function text(values: unknown): string {
  return JSON.stringify(values, (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`
    return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
  })
}
