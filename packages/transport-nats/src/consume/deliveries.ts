import { createInbox, type Msg, type NatsConnection, type Subscription } from '@nats-io/transport-node'
import { expandBody, hasCompression } from '../compression.ts'
import { checkFrames, HOST_BYTE_ORDER, messageId, type ReadEnvelope, readEnvelope } from '../envelope.ts'
import { NatsError } from '../errors.ts'
import { explain, type JetStreamServer } from '../server.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { Claims } from './claims.ts'
import { Delivery, parseReply, type Reply } from './delivery.ts'
import { Payloads } from './payloads.ts'

/** Milliseconds after which the server answers a pull that it could not serve. */
const PULL_EXPIRES = 10_000
/** Milliseconds after which a pull counts as lost. */
const PULL_LOST = PULL_EXPIRES + 5000
/** Milliseconds before the next pull, after the server refused one. */
const PULL_WAIT = 250
/** Milliseconds for which a message is left to consumers that can read it. */
const REFUSED_WAIT = 30_000
/**
 * Milliseconds before a break whose acknowledgements a killed server may have forgotten; it writes them ten times a
 * second.
 */
const FORGOTTEN = 5000
const NANOSECONDS = 1_000_000
const OPERATION = 'receive'
const NO_RESPONDERS = 503
const REQUEST_EXPIRED = 408
const CONFLICT = 409

/** What happens to the messages of a consumer. */
export interface DeliveryHandlers {
  /** there is something in {@link Deliveries.next} */
  arrived(): void
  /** a message cannot be read; it was refused or terminated */
  unreadable(error: NatsError): void
  /** nothing will come any more */
  failed(error: NatsError): void
}

/** How messages are fetched. */
export interface DeliveryOptions {
  readonly prefetch: number
  readonly acknowledgeTimeout: number
  readonly exclusive: boolean
}

/** The messages of a consumer of a stream: fetched ahead as far as there is room, in the order of their arrival. */
export class Deliveries {
  readonly acknowledgements: Acknowledgements
  /** messages that came from the server, and how many of them it had delivered before */
  received = 0
  redelivered = 0
  /** messages that came again and were not given out again */
  duplicates = 0
  unreadable = 0
  readonly #connection: NatsConnection
  readonly #server: JetStreamServer
  readonly #place: { readonly stream: string; readonly consumer: string }
  readonly #prefetch: number
  readonly #acknowledgeTimeout: number
  readonly #claims: Claims | undefined
  readonly #handlers: DeliveryHandlers
  readonly #payloads: Payloads
  readonly #inbox: string
  readonly #subscription: Subscription
  readonly #extension: NodeJS.Timeout
  // Messages that were not given out completely, and all that are not acknowledged, by id.
  #queue: Delivery[] = []
  readonly #live = new Map<string, Delivery>()
  // Of those, the ones whose last frame was released, until that is stored.
  readonly #ending = new Map<Delivery, Promise<void>>()
  // Messages that pulls on the server may still bring.
  #requested = 0
  // No pulls, because the server refused one.
  #pause: object | undefined
  #pullTimer: NodeJS.Timeout | undefined
  #lostTimer: NodeJS.Timeout | undefined
  #isClosed = false
  #isConnected = true
  #drained: Promise<void> = Promise.resolve()

  constructor(
    server: JetStreamServer,
    place: { readonly stream: string; readonly consumer: string },
    { prefetch, acknowledgeTimeout, exclusive }: DeliveryOptions,
    handlers: DeliveryHandlers,
  ) {
    this.#server = server
    this.#connection = server.connection
    this.#place = place
    this.#prefetch = prefetch
    this.#acknowledgeTimeout = acknowledgeTimeout
    if (exclusive) this.#claims = new Claims(server, place.stream, place.consumer, acknowledgeTimeout)
    this.#handlers = handlers
    this.#payloads = new Payloads(server.connection, prefetch)
    this.acknowledgements = new Acknowledgements(server.connection)
    this.#inbox = createInbox()
    this.#subscription = this.#connection.subscribe(this.#inbox, {
      callback: (error, message) => this.#take(error, message),
    })
    this.#extension = setInterval(() => this.#extend(), acknowledgeTimeout / 3)
    this.#extension.unref()
    void this.#follow()
    this.#pull()
  }

  /** frames that came from the server and were not given out */
  get buffered(): number {
    return this.#queue.reduce((sum, delivery) => sum + (delivery.reader === undefined ? 0 : delivery.frames), 0)
  }

  /** The message to give out next, if it has come and is expanded. */
  next(): Delivery | undefined {
    const delivery = this.#queue[0]
    return delivery?.reader === undefined ? undefined : delivery
  }

  /** All frames of the next message were given out. */
  shift(): void {
    const delivery = this.#queue.shift()
    if (delivery !== undefined) {
      this.#payloads.recycle(delivery.payload)
      this.release(delivery)
    }
    this.#pull()
  }

  /** A user of a message has ended; after the last one it is acknowledged. */
  release(delivery: Delivery): void {
    if (--delivery.users > 0 || this.#isClosed) return
    if (this.#claims === undefined) this.#acknowledge(delivery)
    else this.#ending.set(delivery, this.#endClaim(this.#claims, delivery))
  }

  /** The server may forget an acknowledgement, but not that the message was processed. */
  async #endClaim(claims: Claims, delivery: Delivery): Promise<void> {
    await claims.end(delivery.id)
    this.#ending.delete(delivery)
    if (!this.#connection.isClosed()) this.#acknowledge(delivery)
  }

  #acknowledge(delivery: Delivery): void {
    this.#live.delete(delivery.id)
    this.acknowledgements.acknowledge(delivery)
  }

  /** Returns what was not acknowledged to the server, and ends. */
  close(): void {
    this.#isClosed = true
    clearTimeout(this.#pullTimer)
    clearTimeout(this.#lostTimer)
    clearInterval(this.#extension)
    for (const delivery of this.#live.values()) {
      if (!this.#ending.has(delivery)) this.acknowledgements.refuse(delivery.reply.subject)
    }
    this.#live.clear()
    this.#queue = []
    this.#drained = this.#connection.isClosed() ? Promise.resolve() : this.#subscription.drain()
  }

  /**
   * After {@link close}: waits for up to `timeout` milliseconds until the server has got everything back, and all
   * acknowledgements.
   */
  async finish(timeout: number): Promise<void> {
    if (!this.#isConnected) return
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeout)
    })
    const finished = this.#drained
      .then(() => Promise.all(this.#ending.values()))
      .then(() => this.acknowledgements.settled())
      .then(() => this.#connection.flush())
    await Promise.race([finished, late]).catch(() => {})
    clearTimeout(timer)
  }

  #take(error: Error | null, message: Msg): void {
    if (this.#isClosed) {
      if (error === null && (message.headers?.code ?? 0) === 0 && message.reply !== undefined) {
        this.acknowledgements.refuse(message.reply)
      }
      return
    }
    if (error !== null) {
      this.#handlers.failed(explain(OPERATION, error, 'the server sends no messages'))
      return
    }
    const code = message.headers?.code ?? 0
    if (code > 0) {
      this.#takeStatus(code, message)
      return
    }
    this.#requested = Math.max(0, this.#requested - 1)
    this.received++
    const reply = parseReply(message.reply ?? '')
    if (reply !== undefined) this.#admit(message.data, reply)
    this.#pull()
  }

  #admit(data: Uint8Array, reply: Reply): void {
    if (reply.deliveries > 1) this.redelivered++
    let envelope: ReadEnvelope
    try {
      envelope = readEnvelope(data)
      checkReadable(envelope)
    } catch (error) {
      this.#refuse(error, reply)
      return
    }
    const id = messageId(envelope)
    const known = this.#live.get(id)
    if (known !== undefined || this.acknowledgements.has(id)) {
      this.duplicates++
      if (known === undefined) this.acknowledgements.acknowledge({ id, reply })
      else known.reply = reply
      return
    }
    const delivery = new Delivery(envelope, reply, data)
    this.#live.set(id, delivery)
    this.#queue.push(delivery)
    const body = data.subarray(envelope.bodyOffset)
    if (this.#claims !== undefined) void this.#claim(this.#claims, delivery, body)
    else this.#expand(delivery, body)
  }

  async #claim(claims: Claims, delivery: Delivery, body: Uint8Array): Promise<void> {
    const claim = await claims.claim(delivery.id)
    if (claim === 'mine') {
      this.#expand(delivery, body)
      return
    }
    if (this.#isClosed) return
    this.#remove(delivery)
    if (claim === 'done') this.acknowledgements.acknowledge(delivery)
    // It comes again if the program that has it dies.
    else this.acknowledgements.refuse(delivery.reply.subject, this.#acknowledgeTimeout)
  }

  #expand(delivery: Delivery, body: Uint8Array): void {
    if (delivery.envelope.compression === 'none') this.#open(delivery, body)
    else void this.#expandLater(delivery, body)
  }

  async #expandLater(delivery: Delivery, body: Uint8Array): Promise<void> {
    const { compression, bodyLength } = delivery.envelope
    try {
      this.#open(delivery, await expandBody(compression, body, bodyLength))
    } catch (error) {
      this.#discard(delivery, error)
    }
  }

  #open(delivery: Delivery, body: Uint8Array): void {
    try {
      checkFrames(body, delivery.frames)
    } catch (error) {
      this.#discard(delivery, error)
      return
    }
    delivery.open(body)
    if (!this.#isClosed && this.#queue[0]?.reader !== undefined) this.#handlers.arrived()
  }

  #discard(delivery: Delivery, error: unknown): void {
    if (this.#isClosed) return
    this.#remove(delivery)
    this.#refuse(error, delivery.reply)
  }

  /** A message that came is not for this program. */
  #remove(delivery: Delivery): void {
    this.#live.delete(delivery.id)
    this.#queue.splice(this.#queue.indexOf(delivery), 1)
    if (this.next() !== undefined) this.#handlers.arrived()
    this.#pull()
  }

  /** What nobody can read ends here; what another consumer may be able to read goes back. */
  #refuse(error: unknown, { subject }: Reply): void {
    if (!(error instanceof NatsError)) throw error
    this.unreadable++
    if (error.code === 'ENVELOPE_FOREIGN') this.acknowledgements.terminate(subject)
    else this.acknowledgements.refuse(subject, REFUSED_WAIT)
    this.#handlers.unreadable(error)
  }

  /** A message of the server itself about a pull. */
  #takeStatus(code: number, { headers }: Msg): void {
    if (code !== REQUEST_EXPIRED && code !== CONFLICT && code !== NO_RESPONDERS) return
    const left = Number(headers?.get('Nats-Pending-Messages') ?? '')
    this.#requested = left > 0 ? Math.max(0, this.#requested - left) : 0
    if (code === REQUEST_EXPIRED) this.#pull()
    else void this.#check()
  }

  /** The server refused a pull: the consumer or the stream may be gone, or the server just starts. */
  async #check(): Promise<void> {
    if (this.#pause !== undefined) return
    const pause = {}
    this.#pause = pause
    const { stream, consumer } = this.#place
    try {
      await this.#server.manager.consumers.info(stream, consumer)
    } catch (error) {
      const explained = explain(OPERATION, error, `the consumer ${consumer} of the stream ${stream} sends nothing`)
      if (!this.#isClosed && explained.code !== 'NATS_UNREACHABLE') {
        this.#handlers.failed(explained)
        return
      }
    }
    // A connection that replaces this one does not wait for its answers.
    if (this.#isClosed || this.#pause !== pause) return
    this.#pullTimer = setTimeout(() => {
      this.#pause = undefined
      this.#pull()
    }, PULL_WAIT)
  }

  /** Asks for messages, as many as there is room for, unless nearly all of them were requested. */
  #pull(): void {
    const missing = this.#prefetch - this.#queue.length - this.#requested
    if (this.#isClosed || this.#pause !== undefined || missing < Math.ceil(this.#prefetch / 2)) return
    const { stream, consumer } = this.#place
    this.#requested += missing
    this.#payloads.attach()
    const request = JSON.stringify({ batch: missing, expires: PULL_EXPIRES * NANOSECONDS })
    this.#connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, request, { reply: this.#inbox })
    clearTimeout(this.#lostTimer)
    this.#lostTimer = setTimeout(() => this.#pullAgain(), PULL_LOST)
    this.#lostTimer.unref()
  }

  #pullAgain(): void {
    this.#requested = 0
    this.#pull()
  }

  #extend(): void {
    for (const { reply } of this.#live.values()) this.acknowledgements.extend(reply.subject)
  }

  /** Follows the state of the connection, until it is closed. */
  async #follow(): Promise<void> {
    let brokenAt = 0
    for await (const { type } of this.#connection.status()) {
      if (type === 'disconnect') {
        this.#isConnected = false
        brokenAt = performance.now()
      }
      if (type !== 'reconnect') continue
      this.#isConnected = true
      this.#claims?.repeat()
      this.acknowledgements.repeat()
      if (this.#isClosed) continue
      // A server that was killed has forgotten acknowledgements that it had confirmed.
      this.acknowledgements.remind(brokenAt - FORGOTTEN, this.#acknowledgeTimeout)
      clearTimeout(this.#pullTimer)
      this.#pause = undefined
      this.#pullAgain()
    }
  }
}

/** Throws codes `ENVELOPE_VERSION` and `BYTE_ORDER` for messages that other consumers may be able to read. */
export function checkReadable({
  compression,
  byteOrder,
  protocol,
}: Pick<ReadEnvelope, 'compression' | 'byteOrder' | 'protocol'>): void {
  if (!hasCompression(compression)) {
    throw new NatsError('ENVELOPE_VERSION', 'read message', 'its body is compressed by zstd, which needs Node.js 22.15')
  }
  if (byteOrder === HOST_BYTE_ORDER || protocol === NETFILTER) return
  throw new NatsError(
    'BYTE_ORDER',
    'read message',
    `frames of a ${byteOrder}-endian host must be of netlink protocol ${NETFILTER} (netfilter), got ${protocol}`,
  )
}

/** NETLINK_NETFILTER: the only protocol whose messages can be converted without their tables. */
const NETFILTER = 12
