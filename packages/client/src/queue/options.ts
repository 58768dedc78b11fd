import {
  CopyMode,
  DEFAULT_QUEUE_LENGTH,
  EncodeError,
  MAXIMUM_COPY_RANGE,
  type QueueConfig,
  QueueFlag,
} from '@ringlink/codec'
import { type OpenTransport, type Transport, TransportError, type TransportNeeds } from '@ringlink/transport'
import type { QueueRule } from '../rules/feed.ts'

/** What can be changed while a queue is open. What is left out stays as it is. */
export interface QueueSettings {
  /** bytes of each packet to copy, from its network header on; 0: none, only what is known about it; default all (65531) */
  readonly copyRange?: number | undefined
  /** packets that the kernel queues before it drops (or, with failOpen, accepts) further ones; default 1024, at most 65536 */
  readonly maxLength?: number | undefined
  /** accept packets that do not fit into the queue */
  readonly failOpen?: boolean | undefined
  /** packets carry their connection: `conntrack()`, `conntrackInformation` */
  readonly conntrack?: boolean | undefined
  /**
   * do not segment large TCP packets (GSO): several times faster. Checksums of packets that this machine sends are then partial
   * (`packet.isChecksumPartial`): `accept({ edit: {} })` completes them, a `payload` of your own must carry whole ones
   */
  readonly segmentationOffload?: boolean | undefined
  /** packets of local sockets carry `userId` and `groupId` */
  readonly userAndGroup?: boolean | undefined
  /** packets carry `securityContext()` */
  readonly securityContext?: boolean | undefined
}

/** When verdicts are folded, see {@link QueueOptions.verdictBatching}. */
export type VerdictBatching = 'auto' | 'always' | 'never' | number

/** How a queue is opened. */
export interface QueueOptions extends QueueSettings {
  /** 0 to 65535: the number that the firewall's rule names */
  readonly number: number
  /** an open transport (the queue closes it), or what opens one: `openSocket`, a simulated kernel's `open` */
  readonly transport: Transport | OpenTransport
  /** the rule, or rules, that feed the queue: installed when it is taken, removed before it is closed, as `onExit` of it says */
  readonly rule?: QueueRule | readonly QueueRule[] | undefined
  /** what opens the socket that the rule lives as long as; default `transport`, where that opens transports. Best a plain socket */
  readonly ruleTransport?: OpenTransport | undefined
  /** verdict of packets that have none at the end of their batch, on an exception and on close; default 'drop' */
  readonly unanswered?: 'accept' | 'drop' | undefined
  /**
   * when equal verdicts of a receive batch are sent as one batch verdict (NFQNL_MSG_VERDICT_BATCH): 'auto' (the default) while
   * packets come faster than they are answered, 'always', 'never', or a number: always, each for so many packets at the most. It
   * is never used where it would catch a packet that waits for another verdict; what the packets get is the same in any case
   */
  readonly verdictBatching?: VerdictBatching | undefined
  /** bytes of memory for packets on their way, in the kernel's accounting; default enough for maxLength */
  readonly receiveBufferSize?: number | undefined
  /** milliseconds to wait for the kernel's answer to a request; default 5000 */
  readonly requestTimeout?: number | undefined
}

/** Attributes around the payload: all of them together stay below this, but for a security context. */
const ATTRIBUTES_LENGTH = 1024
const SECURITY_CONTEXT_LENGTH = 4096
/** What the kernel accounts for a queued packet that is copied within one MTU; measured. */
const BUFFER_PER_PACKET = 2304
const LARGEST_BUFFER = 1 << 30

const flags: readonly [keyof QueueSettings, number][] = [
  ['failOpen', QueueFlag.FailOpen],
  ['conntrack', QueueFlag.Conntrack],
  ['segmentationOffload', QueueFlag.SegmentationOffload],
  ['userAndGroup', QueueFlag.UserAndGroup],
  ['securityContext', QueueFlag.SecurityContext],
]

/** Refuses settings out of bounds before anything is opened. Throws code `VALUE_RANGE`. */
export function checkQueueOptions(
  options: QueueSettings & Partial<Pick<QueueOptions, 'number' | 'unanswered' | 'verdictBatching'>>,
): void {
  const whole = (name: string, value: number | undefined, minimum: number, maximum: number) => {
    if (value !== undefined && !(Number.isInteger(value) && value >= minimum && value <= maximum)) {
      throw new EncodeError('VALUE_RANGE', `${name}: a whole number from ${minimum} to ${maximum} wanted, not ${value}`)
    }
  }
  whole('queue number', options.number, 0, 0xffff)
  whole('copyRange', options.copyRange, 0, MAXIMUM_COPY_RANGE)
  // The kernel grants 65536 at the most, whatever is asked; asking for more is allowed there, so it is here.
  whole('maxLength', options.maxLength, 1, 0xffffffff)
  if (options.unanswered !== undefined && options.unanswered !== 'accept' && options.unanswered !== 'drop') {
    throw new EncodeError('VALUE_RANGE', `unanswered: 'accept' or 'drop' wanted, not ${options.unanswered}`)
  }
  const { verdictBatching } = options
  if (typeof verdictBatching === 'number') whole('verdictBatching', verdictBatching, 1, 0xffffffff)
  else if (verdictBatching !== undefined && !['auto', 'always', 'never'].includes(verdictBatching)) {
    throw new EncodeError(
      'VALUE_RANGE',
      `verdictBatching: 'auto', 'always', 'never' or a number wanted, not ${verdictBatching}`,
    )
  }
}

/** What a transport must offer for a queue with these options. */
export function queueTransportNeeds(
  options: Omit<QueueOptions, 'transport' | 'number'>,
  protocol: number,
): TransportNeeds {
  const copyRange = options.copyRange ?? MAXIMUM_COPY_RANGE
  const frameSize = copyRange + ATTRIBUTES_LENGTH + (options.securityContext === true ? SECURITY_CONTEXT_LENGTH : 0)
  const perPacket = BUFFER_PER_PACKET + (options.segmentationOffload === true ? copyRange : 0)
  const buffer = (options.maxLength ?? DEFAULT_QUEUE_LENGTH) * perPacket
  return {
    protocol,
    frameSize,
    receiveBufferSize: options.receiveBufferSize ?? Math.min(buffer, LARGEST_BUFFER),
    outboxSize: OUTBOX_SIZE,
  }
}

/** The largest changed packet, and room for the other verdicts of its batch. */
const OUTBOX_SIZE = 128 * 1024

/** The config attributes for settings; those left out are not among them. */
export function queueConfig(settings: QueueSettings): QueueConfig {
  const config: QueueConfig = {}
  const { copyRange, maxLength } = settings
  if (copyRange !== undefined) {
    config.parameters = { copyRange, copyMode: copyRange === 0 ? CopyMode.Meta : CopyMode.Packet }
  }
  if (maxLength !== undefined) config.maximumLength = maxLength
  const given = flags.filter(([name]) => settings[name] !== undefined)
  if (given.length > 0) {
    config.mask = given.reduce((bits, [, bit]) => bits | bit, 0)
    config.flags = given.reduce((bits, [name, bit]) => (settings[name] === true ? bits | bit : bits), 0)
  }
  return config
}

/** Refuses a copy range that the transport's frames cannot hold. Throws code `ARGUMENT`. */
export function checkFrameSize(settings: QueueSettings, transport: Transport): void {
  const { frameSize } = transport.capabilities
  const most = frameSize - ATTRIBUTES_LENGTH
  if (settings.copyRange !== undefined && settings.copyRange > most) {
    throw new TransportError(
      'ARGUMENT',
      'configure',
      `copyRange ${settings.copyRange}: frames of ${frameSize} bytes hold ${most}; open the queue with the larger one`,
    )
  }
}
