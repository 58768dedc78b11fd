/** Opens queues, logs and rules on the best transport of this machine. */
import {
  type Conntrack,
  type ConntrackOptions as ConntrackOptionsOn,
  type FamilyOptions as FamilyOptionsOn,
  type FirewallRule,
  type InstallOptions as InstallOptionsOn,
  installRules as installRulesOn,
  type Log,
  type LogOptions as LogOptionsOn,
  type NetlinkFamily,
  openConntrack as openConntrackOn,
  openFamily as openFamilyOn,
  openLog as openLogOn,
  openQueue as openQueueOn,
  type Queue,
  type QueueOptions as QueueOptionsOn,
  type Rules,
} from '@ringlink/client'
import { type FamilyDescription, isNetlinkError } from '@ringlink/codec'
import { boolean, type Members, OptionPlace, object, type Schema, typeOfValue } from '@ringlink/codec/options'
import type { OpenTransport, Transport, TransportNeeds } from '@ringlink/transport'
import { openRing } from '@ringlink/transport-mmap'
import { openSocket, type SocketOptions, socketMembers } from '@ringlink/transport-socket'

/**
 * Whether {@link openTransport} prefers a ring by default, according to measurements (docs/performance.md).
 */
export const PREFER_RING = true

/** Where the transport is opened, and which kind. */
export interface TransportChoice {
  /** network namespace: a path or an open descriptor of one */
  readonly networkNamespace?: SocketOptions['networkNamespace']
  /**
   * true: memory that the kernel fills, or code `RING_UNSUPPORTED`. false: a plain socket. Left out: a ring if one
   * works and can be set up, otherwise a socket ({@link PREFER_RING})
   */
  readonly ring?: boolean | undefined
}

/** Options of `openQueue`; the transport may be left out. */
export interface QueueOptions extends Omit<QueueOptionsOn, 'transport'>, TransportChoice {
  /** an open transport, or a function that opens one; default {@link openTransport} */
  readonly transport?: QueueOptionsOn['transport'] | undefined
}

/**
 * Opens the fastest transport of this machine, or the requested one; its `capabilities.kind` says which. Rejects with
 * code `SYSTEM`, `ARGUMENT`, or `RING_UNSUPPORTED` ({@link RingUnsupportedError}) if a ring was requested and none
 * works.
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

/** How connection tracking is opened; the transport may be left out. */
export interface ConntrackOptions extends Omit<ConntrackOptionsOn, 'transport'>, TransportChoice {
  /**
   * an open transport, or what opens one; default {@link openTransport} with a plain socket, which lists as fast as a
   * ring
   */
  readonly transport?: ConntrackOptionsOn['transport'] | undefined
}

/** Options of `openLog`; the transport may be left out. */
export interface LogOptions extends Omit<LogOptionsOn, 'transport'>, TransportChoice {
  /** an open transport, or a function that opens one; default {@link openTransport} */
  readonly transport?: LogOptionsOn['transport'] | undefined
}

/** Options of `installRules`; the transport may be left out. */
export interface InstallOptions extends Omit<InstallOptionsOn, 'transport'> {
  /** opens the socket that owns the rules: they live as long as it does; default a plain one */
  readonly transport?: InstallOptionsOn['transport'] | undefined
  /** network namespace, for the default transport: a path or an open descriptor of one */
  readonly networkNamespace?: SocketOptions['networkNamespace']
}

/** Installs rules; see `installRules` of `@ringlink/client` for the codes that it rejects with. */
export async function installRules(
  rules: readonly (FirewallRule | string)[],
  given: InstallOptions = {},
): Promise<Rules> {
  const { ring, networkNamespace, others } = splitChoice<InstallOptions & TransportChoice>('install rules', given)
  if (ring !== undefined)
    throw new OptionPlace('install rules').unknownKey('ring', ': rules live as long as a plain socket')
  const { transport, ...options } = others
  return installRulesOn(rules, { ...options, transport: transport ?? socketOpener(networkNamespace) })
}

/** Opens a queue; see `openQueue` of `@ringlink/client` for the codes that it rejects with. */
export async function openQueue(given: QueueOptions): Promise<Queue> {
  return openQueueOn(withQueueTransport(given))
}

/** The options of a queue with a transport, by default the one of this machine. Throws `OptionError`. */
export function withQueueTransport(given: QueueOptions): QueueOptionsOn {
  const { ring, networkNamespace, others } = splitChoice('open queue', given)
  const { transport, ...options } = others
  return transport === undefined
    ? { ruleTransport: socketOpener(networkNamespace), ...options, transport: opener({ networkNamespace, ring }) }
    : { ...options, transport }
}

/** Opens log groups; see `openLog` of `@ringlink/client` for the codes that it rejects with. */
export async function openLog(given: LogOptions): Promise<Log> {
  const { ring, networkNamespace, others } = splitChoice('open log', given)
  const { transport, ...options } = others
  return openLogOn(
    transport === undefined
      ? { ruleTransport: socketOpener(networkNamespace), ...options, transport: opener({ networkNamespace, ring }) }
      : { ...options, transport },
  )
}

/** Opens connection tracking; see `openConntrack` of `@ringlink/client` for the codes that it rejects with. */
export async function openConntrack(given: ConntrackOptions = {}): Promise<Conntrack> {
  const { ring = false, networkNamespace, others } = splitChoice('open conntrack', given)
  const { transport, ...options } = others
  return openConntrackOn({ ...options, transport: transport ?? opener({ networkNamespace, ring }) })
}

/** How a family is opened; the transport may be left out. */
export interface FamilyOptions extends Omit<FamilyOptionsOn, 'transport'> {
  /** an open transport, or what opens one; default a plain socket */
  readonly transport?: FamilyOptionsOn['transport'] | undefined
  /** network namespace, for the default transport: a path or an open descriptor of one */
  readonly networkNamespace?: SocketOptions['networkNamespace']
}

/**
 * Opens a netlink family, a module of `@ringlink/families`; see `openFamily` of `@ringlink/client` for the codes that
 * it rejects with.
 */
export async function openFamily<Description extends FamilyDescription>(
  family: Description,
  given: FamilyOptions = {},
): Promise<NetlinkFamily<Description>> {
  const { ring, networkNamespace, others } = splitChoice<FamilyOptions & TransportChoice>('open family', given)
  if (ring !== undefined) throw new OptionPlace('open family').unknownKey('ring', ': families use a plain socket')
  const { transport, ...options } = others
  return openFamilyOn(family, { ...options, transport: transport ?? socketOpener(networkNamespace) })
}

/** The members of {@link TransportChoice}: for options that add some. */
export const choiceMembers: Members<TransportChoice> = {
  networkNamespace: socketMembers.networkNamespace,
  ring: boolean,
}
const choice: Schema<TransportChoice> = object<TransportChoice>(choiceMembers)

/** The checked transport options; the functions that use the others check them. Throws `OptionError`. */
function splitChoice<Options extends TransportChoice>(operation: string, given: Options) {
  const place = new OptionPlace(operation)
  if (given === undefined) throw place.missing('an object')
  if (typeOfValue(given) !== 'object') throw place.wrongType('an object', given)
  const { networkNamespace, ring, ...others } = given
  return { ...choice.read({ networkNamespace, ring }, place), others }
}

/** A table that a plain socket owns is removed with it at once, even if a ring still has requests in flight. */
function socketOpener(networkNamespace: SocketOptions['networkNamespace']): OpenTransport {
  return (needs) => openSocket({ ...needs, networkNamespace })
}

function opener(choice: TransportChoice): OpenTransport {
  return (needs) => openTransport({ ...needs, ...choice })
}
