import {
  AttributeIterator,
  ControlType,
  DecodeError,
  type DecodeErrorCode,
  DoneView,
  ErrorView,
  MESSAGE_HEADER_LENGTH,
  type Memory,
  MessageFlag,
  MessageIterator,
  type MessageView,
  MINIMUM_MESSAGE_TYPE,
  Protocol,
} from '@ringlink/codec'
import { describeMessage } from '@ringlink/codec/internal'
import type { FrameBatch, Transport } from '@ringlink/transport'
import type { Exchange, ReplyProblem } from './exchange.ts'
import { kernelError } from './kernel-error.ts'

/** An error that answers no request. */
export interface StrayError {
  readonly requestType: number
  readonly sequence: number
  readonly errno: number
}

/** Maximum number of exchanges kept although no caller waits for them, so that late answers are recognised. */
const MOST_ABANDONED = 16
/** Offsets of `nlmsg_type`, `nlmsg_flags`, `nlmsg_seq` and `nlmsg_pid`. */
const TYPE = 4
const FLAGS = 6
const SEQUENCE = 8
const PORT_ID = 12
/** Offset of the number in an Error or Done message. */
const ERRNO = MESSAGE_HEADER_LENGTH
/** The largest errno of the kernel (`MAX_ERRNO`). */
const MAXIMUM_ERRNO = 4095
/** Protocols whose datagrams answer no request, and need not be messages, or have a type that is one. */
const RAW_PROTOCOLS: ReadonlySet<number> = new Set([Protocol.KernelObjectEvent, Protocol.Iscsi, Protocol.ScsiTransport])
/** AUDIT_FIRST_USER_MSG: messages of audit from this type on are records, which answer no request. */
const FIRST_AUDIT_RECORD = 1100

/**
 * Finds the answers to requests among the received messages: an answer has the sequence number of a request and the
 * port id of this socket.
 */
export class Replies {
  /**
   * types of messages that are sent without a request for an acknowledgement: an error for one of these answers no
   * request
   */
  unacknowledged: ReadonlySet<number> = new Set()
  /** errors that answered no request, since the receiver last took them */
  stray: StrayError[] = []
  readonly #transport: Pick<Transport, 'portId'>
  readonly #protocol: number
  readonly #exchanges: Map<number, Exchange> = new Map()
  // Exchanges that ended in the batch that is being sorted, or that have new rows.
  readonly #touched: Set<Exchange> = new Set()
  #live = 0
  // The dump whose rows are left in their frames.
  #borrower: Exchange | undefined
  readonly #messages = new MessageIterator()
  readonly #attributes = new AttributeIterator()
  readonly #error = new ErrorView()
  readonly #done = new DoneView()

  constructor(transport: Pick<Transport, 'portId'>, protocol: number) {
    this.#transport = transport
    this.#protocol = protocol
  }

  /** exchanges that a caller waits for */
  get live(): number {
    return this.#live
  }

  has(sequence: number): boolean {
    return this.#exchanges.has(sequence)
  }

  /** Whether a receive is needed: a caller waits for an answer. */
  get hungry(): boolean {
    if (this.#live === 0) return false
    for (const { hungry, abandoned } of this.#exchanges.values()) if (hungry && !abandoned) return true
    return false
  }

  /** The exchanges that a caller waits for. */
  open(): Exchange[] {
    return [...this.#exchanges.values()].filter(({ abandoned }) => !abandoned)
  }

  add(exchange: Exchange): void {
    // Dumps take turns, so there is one at a time.
    if (exchange.borrowed !== undefined) this.#borrower = exchange
    this.#exchanges.set(exchange.sent.sequence, exchange)
    this.#live++
  }

  /** Marks that no caller waits for `exchange` any more. If it has not ended, later answers to it are discarded. */
  remove(exchange: Exchange): void {
    if (exchange.abandoned || this.#exchanges.get(exchange.sent.sequence) !== exchange) return
    this.#live--
    exchange.abandoned = true
    exchange.takeRows()
    if (exchange.ended) this.#exchanges.delete(exchange.sent.sequence)
    else this.#forgetOldest()
  }

  /** Undoes {@link abandon}: a caller waits for `exchange` again. */
  keep(exchange: Exchange): void {
    exchange.abandoned = false
    this.add(exchange)
  }

  /** Whether rows in `batch` are read in place: it is released with them. */
  isBorrowed(batch: FrameBatch): boolean {
    return this.#borrower?.borrowed?.liesIn(batch) === true
  }

  /** Passes answers to their requests. Returns true when the batch holds anything else. */
  sort(batch: FrameBatch): boolean {
    let others = false
    for (let i = 0; i < batch.length; i++) if (this.#sortFrame(batch, i)) others = true
    // The rest belongs to another reader, which releases the batch.
    if (others) this.#borrower?.copyBorrowed(batch)
    // Only now, because an answer may come out of order within a batch, after the message that ends it.
    if (this.#touched.size > 0) this.#settle()
    return others
  }

  #settle(): void {
    for (const exchange of this.#touched) {
      if (exchange.abandoned) {
        exchange.takeRows()
        if (exchange.ended) this.#exchanges.delete(exchange.sent.sequence)
      } else exchange.notify()
    }
    this.#touched.clear()
  }

  #forgetOldest(): void {
    if (this.#exchanges.size - this.#live <= MOST_ABANDONED) return
    for (const [sequence, { abandoned }] of this.#exchanges) {
      if (!abandoned) continue
      this.#exchanges.delete(sequence)
      return
    }
  }

  #sortFrame(batch: FrameBatch, index: number): boolean {
    const { memory } = batch
    const offset = batch.offset(index)
    const size = batch.byteLength(index)
    const isCut = batch.fullLength(index) > size
    if (size === 0) {
      if (isCut) this.#blame(undefined, { code: 'TRUNCATED' })
      return true
    }
    if (RAW_PROTOCOLS.has(this.#protocol) || this.#isRecord(memory, offset, size)) return true
    if (this.#live === 0 && size >= MESSAGE_HEADER_LENGTH) {
      // Messages that the kernel sends unasked have sequence number 0, so packets and log records need no further look.
      const type = memory.u16[(offset + TYPE) >> 1] as number
      const isNumbered = this.#exchanges.size > 0 && memory.u32[(offset + SEQUENCE) >> 2] !== 0
      if (type >= MINIMUM_MESSAGE_TYPE && !isNumbered) return true
    }
    return this.#sortMessages(batch, offset, offset + size, batch.groups(index), isCut)
  }

  /**
   * Records of audit to its daemon have the length of their payload in `nlmsg_len`, so such a datagram does not parse
   * as messages.
   */
  #isRecord({ u16 }: Memory, offset: number, size: number): boolean {
    if (this.#protocol !== Protocol.Audit || size < MESSAGE_HEADER_LENGTH) return false
    return (u16[(offset + TYPE) >> 1] as number) >= FIRST_AUDIT_RECORD
  }

  #sortMessages(batch: FrameBatch, start: number, end: number, groups: number, isCut: boolean): boolean {
    const { memory } = batch
    const messages = this.#messages
    let others = false
    // The exchange that the frame belongs to: the kernel fills a datagram for one request.
    let owner: Exchange | undefined
    let problem: ReplyProblem | undefined
    let isWhole = !isCut
    for (let from: number | undefined = start; from !== undefined && from < end; ) {
      messages.wrap(memory, from, end - from)
      while (messages.next()) {
        const exchange = this.#find(memory, messages.view.offset, groups)
        if (!this.#sortMessage(messages.view, exchange, groups, batch)) others = true
        owner ??= exchange
      }
      if (messages.problem === undefined) break
      const { position } = messages
      const exchange = end - position < MESSAGE_HEADER_LENGTH ? undefined : this.#find(memory, position, groups)
      if (exchange !== undefined && this.#sortDamagedControl(memory, position, end, exchange)) isWhole = true
      else problem ??= messageProblem(messages.problem, memory, position, end, isCut)
      owner ??= exchange
      from = this.#findNext(memory, position + 4, end)
    }
    if (owner === undefined) {
      if (problem === undefined) return others
      // Nothing says which exchange it belongs to, so it may belong to any that is waiting.
      const isNameless = end - start < MESSAGE_HEADER_LENGTH
      if (isNameless || this.#isLostRow(memory, messages.position, end, groups)) this.#blame(undefined, problem)
      return true
    }
    if (problem !== undefined) this.#blame(owner, problem)
    else if (!isWhole) this.#blame(owner, { code: 'TRUNCATED' })
    // A datagram for one request that holds anything else was damaged: a row with a wrong sequence number is not
    // recognised.
    else if (others && groups === 0) this.#blame(owner, { code: 'MALFORMED' })
    return others
  }

  /**
   * Uses the errno of an Error or Done message whose length is wrong or that is cut short. Returns false when part of
   * the answer is lost with it.
   */
  #sortDamagedControl(memory: Memory, position: number, end: number, exchange: Exchange): boolean {
    const type = memory.u16[(position + TYPE) >> 1] as number
    if (type !== ControlType.Error && type !== ControlType.Done) return false
    this.#touched.add(exchange)
    const errno = end - position < ERRNO + 4 ? undefined : (memory.i32[(position + ERRNO) >> 2] as number)
    if (errno !== undefined && errno < 0 && errno >= -MAXIMUM_ERRNO) {
      exchange.refuse(kernelError(this.#protocol, exchange.sent, -errno, undefined))
      return true
    }
    if (type === ControlType.Error && errno === 0) {
      exchange.acknowledge()
      return true
    }
    if (type === ControlType.Done) exchange.finish(false)
    else exchange.end()
    return false
  }

  /** Notes that part of an answer is missing: of `exchange`, or of every waiting one if that is `undefined`. */
  #blame(exchange: Exchange | undefined, problem: ReplyProblem): void {
    if (exchange !== undefined) exchange.noteProblem(problem)
    else for (const each of this.#exchanges.values()) if (!each.ended) each.noteProblem(problem)
  }

  /**
   * Where the next message for us begins after a damaged one: its header has one of our sequence numbers and our port
   * id.
   */
  #findNext({ u32 }: Memory, from: number, end: number): number | undefined {
    const { portId } = this.#transport
    for (let at = from; at + MESSAGE_HEADER_LENGTH <= end; at += 4) {
      if (u32[(at + PORT_ID) >> 2] === portId && this.#exchanges.has(u32[(at + SEQUENCE) >> 2] as number)) return at
    }
    return undefined
  }

  /**
   * The exchange that the message at `offset` answers. Some families (audit) leave out the port id when they send to
   * one socket. A message that was sent to a group is a notification, unless the request asked for its echo.
   */
  #find(memory: Memory, offset: number, groups: number): Exchange | undefined {
    const exchange = this.#exchanges.get(memory.u32[(offset + SEQUENCE) >> 2] as number)
    if (exchange === undefined) return undefined
    const portId = memory.u32[(offset + PORT_ID) >> 2]
    if (portId === this.#transport.portId) return groups === 0 || exchange.isEchoed ? exchange : undefined
    return portId === 0 && groups === 0 ? exchange : undefined
  }

  /** Returns false when the message is not ours. */
  #sortMessage(view: MessageView, exchange: Exchange | undefined, groups: number, batch: FrameBatch): boolean {
    const { type } = view
    if (type === ControlType.Error) this.#onError(view, exchange)
    else if (type === ControlType.Done) this.#onDone(view, exchange)
    else if (type >= MINIMUM_MESSAGE_TYPE) {
      if (exchange === undefined) {
        if (this.#isLostRow(view.memory, view.offset, view.offset + view.length, groups))
          this.#blame(undefined, { code: 'MALFORMED' })
        return false
      }
      this.#onRow(view, exchange, batch)
    }
    return true
  }

  /**
   * Whether a message that answers no request is a row of a dump sent to this socket alone: then its sequence number is
   * damaged.
   */
  #isLostRow({ u16, u32 }: Memory, offset: number, end: number, groups: number): boolean {
    if (this.#live === 0 || groups !== 0 || end - offset < MESSAGE_HEADER_LENGTH) return false
    return ((u16[(offset + FLAGS) >> 1] as number) & MessageFlag.Multipart) !== 0 && u32[(offset + SEQUENCE) >> 2] !== 0
  }

  #onRow(view: MessageView, exchange: Exchange, batch: FrameBatch): void {
    this.#touched.add(exchange)
    const cause = exchange.abandoned ? undefined : this.#rowProblem(view)
    if (cause === undefined) exchange.addRow(view, batch)
    else exchange.noteProblem({ code: 'MALFORMED', cause })
  }

  #onError(view: MessageView, exchange: Exchange | undefined): void {
    const { memory, offset, length } = view
    if (length < MESSAGE_HEADER_LENGTH + 4 + MESSAGE_HEADER_LENGTH) {
      if (exchange === undefined) return
      if (!this.#sortDamagedControl(memory, offset, offset + length, exchange)) {
        exchange.noteProblem(messageProblem('SHORT_HEADER', memory, offset, offset + length, false))
      }
      return
    }
    const error = this.#error.wrap(view)
    const { errno, requestType } = error
    if (exchange === undefined || this.unacknowledged.has(requestType)) {
      if (errno !== 0) this.stray.push({ requestType, sequence: view.sequence, errno })
      return
    }
    this.#touched.add(exchange)
    if (errno === 0) exchange.acknowledge()
    else exchange.refuse(kernelError(this.#protocol, exchange.sent, errno, error.availableAck()))
  }

  #onDone(view: MessageView, exchange: Exchange | undefined): void {
    if (exchange === undefined) return
    this.#touched.add(exchange)
    const { memory, offset, length } = view
    // The end of a dump carries a number, except that of a list of audit rules.
    const isBare = this.#protocol === Protocol.Audit && length === MESSAGE_HEADER_LENGTH
    if (length < ERRNO + 4 && (view.flags & MessageFlag.Multipart) !== 0 && !isBare) {
      exchange.noteProblem(messageProblem('SHORT_HEADER', memory, offset, offset + length, false))
    }
    const done = this.#done.wrap(view)
    if (done.errno !== 0) exchange.refuse(kernelError(this.#protocol, exchange.sent, done.errno, done.availableAck()))
    else exchange.finish((view.flags & MessageFlag.DumpInterrupted) !== 0)
  }

  /**
   * Why a row cannot be what the kernel sent: its attributes do not fill it, or one has type 0, which no attribute has.
   */
  #rowProblem({ memory, offset, type, length }: MessageView): DecodeError | undefined {
    const description = describeMessage(this.#protocol, type)
    if (description === undefined) return undefined
    const start = MESSAGE_HEADER_LENGTH + description.headerLength
    if (length <= start) return undefined
    const end = offset + length
    const { kernelName } = description
    // Without a closure: this runs for each row of a dump, and allocates nothing for a good one.
    const attributes = this.#attributes.wrap(memory, offset + start, length - start)
    while (attributes.next()) {
      const { view } = attributes
      if (view.type === 0) return rowError('ATTRIBUTE_LENGTH', kernelName, view.offset, 0, end)
    }
    const { problem, position } = attributes
    return problem && rowError(problem, kernelName, position, memory.u16[position >> 1] ?? 0, end)
  }
}

function rowError(code: DecodeErrorCode, what: string, offset: number, need: number, end: number): DecodeError {
  return new DecodeError(code, what, { offset, need, have: end - offset })
}

function messageProblem(
  code: DecodeErrorCode,
  memory: Memory,
  offset: number,
  end: number,
  isCut: boolean,
): ReplyProblem {
  if (isCut) return { code: 'TRUNCATED' }
  const need = code === 'SHORT_HEADER' ? MESSAGE_HEADER_LENGTH : (memory.u32[offset >> 2] as number)
  return {
    code: 'MALFORMED',
    cause: new DecodeError(code, 'message of an answer', { offset, need, have: end - offset }),
  }
}
