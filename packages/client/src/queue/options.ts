import { CopyMode, DEFAULT_QUEUE_LENGTH, MAXIMUM_COPY_RANGE, type QueueConfig, QueueFlag } from '@ringlink/codec'
import { OptionPlace } from '@ringlink/codec/options'
import type { OpenTransport, Transport, TransportNeeds } from '@ringlink/transport'
import type { QueueRule } from '../rules/options.ts'
import type { RuleSets } from '../rules/sets/types.ts'

/** Settings that can change while a queue is open. Those left out stay as they are. */
export interface QueueSettings {
  /**
   * bytes of each packet to copy, starting at its network header; 0: none, only its metadata. Default 65531, which
   * copies everything, as do 65532 to 65535 for the kernel and for other programs
   */
  readonly copyRange?: number | undefined
  /**
   * packets that the kernel queues before it drops (or, with failOpen, accepts) further ones; default 1024, at most
   * 65536
   */
  readonly maxLength?: number | undefined
  /** accept packets that do not fit into the queue */
  readonly failOpen?: boolean | undefined
  /** packets carry their connection: `conntrack()`, `conntrackInformation` */
  readonly conntrack?: boolean | undefined
  /**
   * do not segment large TCP packets (GSO): several times faster. Checksums of packets that this machine sends are then
   * partial (`packet.isChecksumPartial`): `accept({ edit: {} })` completes them; a `payload` that you supply must carry
   * complete ones
   */
  readonly segmentationOffload?: boolean | undefined
  /** packets of local sockets carry `userId` and `groupId` */
  readonly userAndGroup?: boolean | undefined
  /** packets carry `securityContext()` */
  readonly securityContext?: boolean | undefined
}

/** When equal verdicts are sent as a batch verdict, see {@link QueueOptions.verdictBatching}. */
export type VerdictBatching = 'auto' | 'always' | 'never' | number

/** Options of `openQueue`. */
export interface QueueOptions extends QueueSettings {
  /** queue number that the firewall rule names, 0 to 65535 */
  readonly number: number
  /**
   * an open transport (the queue closes it), or a function that opens one: `openSocket`, a simulated kernel's `open`
   */
  readonly transport: Transport | OpenTransport
  /**
   * the rule, or rules, that feed the queue: installed when it is taken, removed before it is closed, as `onExit` of it
   * says
   */
  readonly rule?: QueueRule | string | readonly (QueueRule | string)[] | undefined
  /**
   * what opens the socket that the rule lives as long as; default `transport`, where that opens transports. Best a
   * plain socket
   */
  readonly ruleTransport?: OpenTransport | undefined
  /** sets that the rules look packets up in, by their names; `rules.set(name)` changes them */
  readonly sets?: RuleSets | undefined
  /** verdict of packets that have none at the end of their batch, on an exception and on close; default 'drop' */
  readonly unanswered?: 'accept' | 'drop' | undefined
  /**
   * when equal verdicts of a receive batch are sent as one batch verdict (NFQNL_MSG_VERDICT_BATCH): 'auto' (the
   * default) while packets come faster than they are answered, 'always', 'never', or a number: always, each for at most
   * so many packets. A batch verdict is never used where it would also answer a packet that waits for another verdict,
   * so packets get the same verdicts in each mode
   */
  readonly verdictBatching?: VerdictBatching | undefined
  /**
   * size in bytes of the socket's receive buffer, in the kernel's accounting; default enough for `maxLength` packets
   */
  readonly receiveBufferSize?: number | undefined
  /** milliseconds to wait for the kernel's answer to a request; default 5000 */
  readonly requestTimeout?: number | undefined
  /** aborts opening: `openQueue` rejects with the signal's reason, and nothing is left open or installed */
  readonly signal?: AbortSignal | undefined
}

/** Upper bound in bytes for all attributes except the payload and the security context. */
const ATTRIBUTES_LENGTH = 1024
const SECURITY_CONTEXT_LENGTH = 4096
/** Bytes that the kernel accounts for a queued packet of at most one MTU; measured. */
const BUFFER_PER_PACKET = 2304
const LARGEST_BUFFER = 1 << 30

const flags: readonly [keyof QueueSettings, number][] = [
  ['failOpen', QueueFlag.FailOpen],
  ['conntrack', QueueFlag.Conntrack],
  ['segmentationOffload', QueueFlag.SegmentationOffload],
  ['userAndGroup', QueueFlag.UserAndGroup],
  ['securityContext', QueueFlag.SecurityContext],
]

/** The number of bytes that the kernel copies for `copyRange`. */
export function grantedCopyRange(copyRange: number = MAXIMUM_COPY_RANGE): number {
  return Math.min(copyRange, MAXIMUM_COPY_RANGE)
}

/** The options among `settings` that need kernel support, with the queue flags that they set. */
export function flagOptions(settings: QueueSettings): readonly (readonly [keyof QueueSettings, number])[] {
  return flags.filter(([name]) => settings[name] === true)
}

/** What a queue with these options needs of a transport. */
export function queueTransportNeeds(
  options: Omit<QueueOptions, 'transport' | 'number'>,
  protocol: number,
): TransportNeeds {
  const copyRange = grantedCopyRange(options.copyRange)
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

/** Room for the largest changed packet and for the other verdicts of its batch. */
const OUTBOX_SIZE = 128 * 1024

/** The config attributes for settings; options left out have none. */
export function queueConfig(settings: QueueSettings): QueueConfig {
  const config: QueueConfig = {}
  const { copyRange, maxLength } = settings
  if (copyRange !== undefined) {
    const copyMode = copyRange === 0 ? CopyMode.Meta : CopyMode.Packet
    config.parameters = { copyRange: grantedCopyRange(copyRange), copyMode }
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
export function checkFrameSize({ copyRange }: QueueSettings, transport: Transport, operation: string): void {
  const { frameSize } = transport.capabilities
  const most = frameSize - ATTRIBUTES_LENGTH
  if (copyRange === undefined || grantedCopyRange(copyRange) <= most) return
  const problem = `cannot be ${copyRange}: frames of ${frameSize} bytes hold ${most}; open the queue with the larger one`
  throw new OptionPlace(operation, 'copyRange').conflict(problem)
}
