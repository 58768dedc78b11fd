import {
  ControlType,
  ErrorView,
  Memory,
  MessageIterator,
  type MessageView,
  NfTablesMessage,
  Subsystem,
} from '@ringlink/codec'
import type { Transport } from '@ringlink/transport'
import type { CtMachine } from './conntrack-machine.ts'
import type { CtSocketName, CtStep } from './conntrack-script.ts'
import { sendRaw } from './raw-message.ts'
import { runSteps } from './run-steps.ts'

/** Runs a script; a line or several for each step, with nothing in them that may differ between kernels. */
export function runCt(machine: CtMachine, script: readonly CtStep[]): Promise<string[]> {
  return runSteps(new CtRunner(machine), script)
}

/**
 * The real kernel's lines with the ids that it has used again as if it had not. An id follows from where a connection
 * is kept and from its tuple, so that a connection may have that of one with its tuple that has ended; the simulated
 * kernel never uses one twice.
 */
export function withoutReusedIds(real: readonly string[], simulated: readonly string[]): string[] {
  return real.map((line, index) =>
    line.endsWith(ITS) && simulated[index] === line.replace(ITS, ANOTHER) ? line.replace(ITS, ANOTHER) : line,
  )
}

const ITS = ' with its id'
const ANOTHER = ' with another id'
const MULTIPART = 2
const CONNTRACK = 1
const EXPECTATION = 2
/** IPCTNL_MSG_CT_DELETE and IPCTNL_MSG_EXP_DELETE */
const ENDS: ReadonlySet<number> = new Set([0x102, 0x202])
/** Where an id is, by subsystem: CTA_ID, CTA_EXPECT_ID */
const idNumbers: Readonly<Record<number, number>> = { [CONNTRACK]: 12, [EXPECTATION]: 5 }
/** The name of the table of a script, as the first attribute; NFTA_TABLE_HANDLE */
const TABLE = '1=7400 '
const TABLE_HANDLE = 4
const STATISTICS: ReadonlySet<number> = new Set([0x103, 0x104])

class CtRunner {
  readonly lines: string[] = []
  #machine: CtMachine
  #sockets = new Map<CtSocketName, Transport>()
  #sequence = 0
  // Ids are secrets of each kernel, and used again: what counts is whether one stays the same while its connection
  // lives.
  #ids = new Map<string, string>()

  constructor(machine: CtMachine) {
    this.#machine = machine
  }

  async step(index: number, step: CtStep): Promise<void> {
    const name = `${index} ${step.do}`
    switch (step.do) {
      case 'open':
        await this.#sockets.get(step.socket)?.close()
        this.#sockets.set(step.socket, await this.#machine.open(step.groups ?? [], step.receiveBufferSize))
        return
      case 'close':
        await this.#sockets.get(step.socket)?.close()
        this.#sockets.delete(step.socket)
        return
      case 'inject':
        return this.#machine.inject(step.packets)
      case 'wait':
        return this.#machine.wait(step.milliseconds)
    }
    const socket = this.#sockets.get(step.socket)
    if (socket === undefined) return
    if (step.do === 'send') this.#sequence = sendRaw(socket, step.messages, this.#sequence)
    else this.#read(name, socket)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.values()) await socket.close()
  }

  #read(name: string, socket: Transport): void {
    const rows: string[] = []
    const flushRows = () => {
      // A table has its rows in an order of its own.
      for (const row of rows.splice(0).sort()) this.lines.push(`${name}: ${this.#numbered(row)}`)
    }
    for (let batch = socket.poll(); batch !== undefined; batch = socket.poll()) {
      if (batch.lost > 0) this.lines.push(`${name}: lost ${batch.lost}`)
      for (let i = 0; i < batch.length; i++) {
        const memory = Memory.from(batch.memory.copy(batch.offset(i), batch.byteLength(i)))
        const messages = new MessageIterator().wrap(memory, 0, memory.byteLength)
        while (messages.next()) {
          const text = describe(messages.view, socket.portId)
          if (text === undefined) continue
          const { type, flags } = messages.view
          if (((flags & MULTIPART) !== 0 && type !== ControlType.Done) || ENDS.has(type)) {
            rows.push(text)
            continue
          }
          flushRows()
          this.lines.push(`${name}: ${this.#numbered(text)}`)
        }
        if (messages.problem !== undefined) this.lines.push(`${name}: ${messages.problem}`)
      }
      batch.release()
    }
    flushRows()
    this.lines.push(`${name}: ${socket.stats.lost} lost in all`)
  }

  /** Says whether a connection has the id that it had before. */
  #numbered(text: string): string {
    const [what = '', who = '', id] = text.split(' id ')
    if (id === undefined) return what
    const known = this.#ids.get(who)
    this.#ids.set(who, id)
    if (what.startsWith('{"type":258') || what.startsWith('{"type":514')) this.#ids.delete(who)
    return `${what}${known === undefined ? ' with an id' : known === id ? ITS : ANOTHER}`
  }
}

function describe(view: MessageView, portId: number): string | undefined {
  const { type, flags, sequence } = view
  if (type === ControlType.Error) {
    const error = new ErrorView().wrap(view)
    const extended = JSON.stringify(error.extendedAck(), (_, value: unknown) =>
      typeof value === 'bigint' ? `${value}n` : value,
    )
    return `error ${error.errno} for ${view.sequence} type ${error.requestType} flags ${flags} ${extended}`
  }
  if (type === ControlType.Done) return `done ${sequence} flags ${flags}`
  const bytes = view.copy().bytes
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const header = { type, flags, sequence, family: data.getUint8(16), resource: data.getUint16(18) }
  const from = data.getUint32(12, true) === portId ? 'own' : data.getUint32(12, true) === 0 ? 'kernel' : 'other'
  // Processors share the work as they like.
  if (STATISTICS.has(type)) return header.resource === 0 ? `statistics ${JSON.stringify(header)}` : undefined
  const subsystem = type >> 8
  let id: string | undefined
  const hideId = (number: number, payload: string) => {
    // The real kernel has tables before those of a script.
    if (type === NfTablesMessage.NewTable && number === TABLE_HANDLE) return 'handle'
    if (number !== idNumbers[subsystem]) return undefined
    id = payload
    return 'id'
  }
  const text = tree(bytes, 20, bytes.length, hideId, subsystem)
  if (subsystem === Subsystem.NfTables) return text.startsWith(TABLE) ? `${type} ${inOrder(text)}` : undefined
  // Connections are known by their tuples and zone, expected ones by their tuple.
  const names = subsystem === CONNTRACK ? /^(1\{|2\{|18=)/ : /^2\{/
  const who = `${subsystem} ${topLevel(text)
    .filter((part) => names.test(part))
    .join(' ')}`
  return `${JSON.stringify(header)} ${from} ${text}${id === undefined ? '' : ` id ${who} id ${id}`}`
}

/** Attributes by number: tables and chains have them in another order before Linux 6.4, see nftables-run.ts. */
function inOrder(text: string): string {
  return topLevel(text)
    .sort((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10))
    .join(' ')
}

/** The attributes that are in no nest. */
function topLevel(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (const [index, character] of [...text].entries()) {
    if (character === '{') depth++
    if (character === '}') depth--
    if (character !== ' ' || depth > 0) continue
    parts.push(text.slice(start, index))
    start = index + 1
  }
  return [...parts, text.slice(start)]
}

/** Of times only tens count: the real kernel's time passes. */
function about(payload: string): string {
  return String(Math.ceil(Number.parseInt(payload, 16) / 10) * 10)
}

/** Attributes as text: numbers, bytes, and nests in braces. */
function tree(
  bytes: Uint8Array,
  start: number,
  end: number,
  replace: (number: number, payload: string) => string | undefined,
  subsystem: number,
): string {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const parts: string[] = []
  for (let at = start; at + 4 <= end; ) {
    const length = data.getUint16(at, true)
    const type = data.getUint16(at + 2, true)
    if (length < 4 || at + length > end) return `${parts.join(' ')} cut`
    const number = type & 0x3fff
    const payload = Buffer.from(bytes.subarray(at + 4, at + length)).toString('hex')
    if (subsystem === CONNTRACK && number === 20) parts.push(`20{${times(bytes, at + 4, at + length)}}`)
    else if ((type & 0x8000) !== 0) {
      parts.push(`${number}{${tree(bytes, at + 4, at + length, () => undefined, 0)}}`)
    } else if (subsystem === CONNTRACK && number === 7) parts.push(`7=${about(payload)}`)
    else if (subsystem === EXPECTATION && number === 4) parts.push(`4=${about(payload)}`)
    else if (subsystem === CONNTRACK && number === 27) parts.push('27=time')
    else parts.push(`${number}=${replace(number, payload) ?? payload}`)
    at += (length + 3) & ~3
  }
  return parts.join(' ')
}

/** Which times there are. */
function times(bytes: Uint8Array, start: number, end: number): string {
  return tree(bytes, start, end, () => 'time', 0)
}
