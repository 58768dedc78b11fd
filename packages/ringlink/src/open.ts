/** Opens queues, logs and rules on the transport that suits this machine. */
import {
  type FirewallRule,
  type InstallOptions as InstallOptionsOn,
  installRules as installRulesOn,
  type Log,
  type LogOptions as LogOptionsOn,
  openLog as openLogOn,
  openQueue as openQueueOn,
  type Queue,
  type QueueOptions as QueueOptionsOn,
  type Rules,
} from '@ringlink/client'
import { isNetlinkError } from '@ringlink/codec'
import { boolean, OptionPlace, object, type Schema, typeOfValue } from '@ringlink/codec/options'
import type { OpenTransport, Transport, TransportNeeds } from '@ringlink/transport'
import { openRing } from '@ringlink/transport-mmap'
import { openSocket, type SocketOptions, socketMembers } from '@ringlink/transport-socket'

/**
 * Whether {@link openTransport} takes a ring where there is one and nothing was said: as measurements have it
 * (docs/performance.md).
 */
export const PREFER_RING = true

/** Where the transport is opened, and which it is. */
export interface TransportChoice {
  /** network namespace: a path or an open descriptor of one */
  readonly networkNamespace?: SocketOptions['networkNamespace']
  /**
   * true: memory that the kernel fills, or code `RING_UNSUPPORTED`. false: a plain socket. Left out: the first where it works and
   * can be set up, the second elsewhere ({@link PREFER_RING})
   */
  readonly ring?: boolean | undefined
}

/** How a queue is opened; the transport may be left out. */
export interface QueueOptions extends Omit<QueueOptionsOn, 'transport'>, TransportChoice {
  /** an open transport, or what opens one; default {@link openTransport} */
  readonly transport?: QueueOptionsOn['transport'] | undefined
}

/**
 * Opens the fastest transport that this machine has, or the one that was chosen; its `capabilities.kind` says which. Rejects
 * with code `SYSTEM`, `ARGUMENT`, or `RING_UNSUPPORTED` ({@link RingUnsupportedError}) where a ring was asked for and none works.
 */
export async function openTransport(given: TransportNeeds & TransportChoice): Promise<Transport> {
  const { ring, networkNamespace, others } = splitChoice('open transport', given)
  const options = { ...others, networkNamespace }
  if (!(ring ?? PREFER_RING)) return openSocket(options)
  try {
    return await openRing(options)
  } catch (error) {
    if (ring === true || !isNetlinkError(error, 'RING_UNSUPPORTED')) throw error
    return openSocket(options)
  }
}

/** How a log is opened; the transport may be left out. */
export interface LogOptions extends Omit<LogOptionsOn, 'transport'>, TransportChoice {
  /** an open transport, or what opens one; default {@link openTransport} */
  readonly transport?: LogOptionsOn['transport'] | undefined
}

/** How rules are installed; the transport may be left out. */
export interface InstallOptions extends Omit<InstallOptionsOn, 'transport'> {
  /** what opens the socket that the rules live as long as; default a plain one */
  readonly transport?: InstallOptionsOn['transport'] | undefined
  /** network namespace, for the default transport: a path or an open descriptor of one */
  readonly networkNamespace?: SocketOptions['networkNamespace']
}

/** Installs rules; see `installRules` of `@ringlink/client` for the codes that it rejects with. */
export async function installRules(rules: readonly FirewallRule[], given: InstallOptions = {}): Promise<Rules> {
  const { ring, networkNamespace, others } = splitChoice<InstallOptions & TransportChoice>('install rules', given)
  if (ring !== undefined)
    throw new OptionPlace('install rules').unknownKey('ring', ': rules live as long as a plain socket')
  const { transport, ...options } = others
  return installRulesOn(rules, { ...options, transport: transport ?? socketOpener(networkNamespace) })
}

/** Takes a queue; see `openQueue` of `@ringlink/client` for the codes that it rejects with. */
export async function openQueue(given: QueueOptions): Promise<Queue> {
  const { ring, networkNamespace, others } = splitChoice('open queue', given)
  const { transport, ...options } = others
  return openQueueOn(
    transport === undefined
      ? { ruleTransport: socketOpener(networkNamespace), ...options, transport: opener({ networkNamespace, ring }) }
      : { ...options, transport },
  )
}

/** Takes log groups; see `openLog` of `@ringlink/client` for the codes that it rejects with. */
export async function openLog(given: LogOptions): Promise<Log> {
  const { ring, networkNamespace, others } = splitChoice('open log', given)
  const { transport, ...options } = others
  return openLogOn(
    transport === undefined
      ? { ruleTransport: socketOpener(networkNamespace), ...options, transport: opener({ networkNamespace, ring }) }
      : { ...options, transport },
  )
}

const choice: Schema<TransportChoice> = object<TransportChoice>({
  networkNamespace: socketMembers.networkNamespace,
  ring: boolean,
})

/** The choice of a transport among options, checked; the others are checked by whoever takes them. Throws `OptionError`. */
function splitChoice<Options extends TransportChoice>(operation: string, given: Options) {
  const place = new OptionPlace(operation)
  if (given === undefined) throw place.missing('an object')
  if (typeOfValue(given) !== 'object') throw place.wrongType('an object', given)
  const { networkNamespace, ring, ...others } = given
  return { ...choice.read({ networkNamespace, ring }, place), others }
}

/** A table that a plain socket owns goes at once with it, whatever a ring still has in flight. */
function socketOpener(networkNamespace: SocketOptions['networkNamespace']): OpenTransport {
  return (needs) => openSocket({ ...needs, networkNamespace })
}

function opener(choice: TransportChoice): OpenTransport {
  return (needs) => openTransport({ ...needs, ...choice })
}
