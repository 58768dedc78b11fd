/** Checks of verdicts and their changes, once per packet. Valid input passes without an allocation. */
import { Family, type QueuePacketView, Verdict, type VerdictChanges } from '@ringlink/codec'
import {
  boolean,
  bytes,
  describeValue,
  instance,
  integer,
  type Members,
  OptionPlace,
  object,
  readArgument,
  readOptions,
  type Schema,
} from '@ringlink/codec/options'
import { WITHOUT_CONNECTION } from '../conntrack/verdict.ts'
import { etherTypeOf } from '../headers.ts'

const WORD = 0xffffffff
const nestedAttributes = instance<never>('an object of attributes', () => true)

const changesMembers: Members<VerdictChanges> = {
  mark: integer(0, WORD),
  priority: integer(0, WORD),
  payload: bytes,
  // Their attributes are checked when they are written.
  conntrack: nestedAttributes,
  expectation: nestedAttributes,
  vlan: nestedAttributes,
  linkLayerHeader: bytes,
}
const changesSchema: Schema<VerdictChanges> = object<VerdictChanges>(changesMembers)

const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_IPV6 = 0x86dd
const IPV4_HEADER = 20
const IPV6_HEADER = 40

/** Throws code `VALUE_RANGE` for a value that is not a verdict that user space can give (uapi/linux/netfilter.h). */
export function checkVerdict(verdict: number): void {
  if (isVerdict(verdict)) return
  const expected = 'a verdict: Verdict.Accept, Drop, Repeat or Stop, or what queueVerdict() returns'
  const place = new OptionPlace('answer packet', 'verdict')
  throw place.error('VALUE_RANGE', `must be ${expected}, got ${describeValue(verdict)}`)
}

function isVerdict(verdict: number): boolean {
  switch (verdict) {
    case Verdict.Accept:
    case Verdict.Drop:
    case Verdict.Repeat:
    case Verdict.Stop:
      return true
    default:
      // NF_QUEUE_NR: the queue in the upper half, the bypass flag above the kind. NF_DROP_ERR: an errno in the upper
      // half.
      if (typeof verdict !== 'number' || verdict >>> 0 !== verdict) return false
      return (verdict & 0x7fff) === Verdict.Queue || (verdict & 0xffff) === Verdict.Drop
  }
}

/**
 * Throws `OptionError` for changes that a verdict cannot make to a packet: code `ARGUMENT` or `VALUE_RANGE`; also for
 * those that the kernel would ignore, and a payload too short for its IP header, which the kernel would drop silently.
 */
export function checkChanges(changes: VerdictChanges, packet: QueuePacketView): void {
  if (typeof changes !== 'object') refuse(changes, packet)
  for (const key in changes) {
    const value = changes[key as keyof VerdictChanges]
    if (value === undefined) continue
    if (key === 'mark' || key === 'priority') {
      if (typeof value === 'number' && value >>> 0 === value) continue
    } else if (
      key === 'payload' &&
      value instanceof Uint8Array &&
      value.length >= leastPayload(value, etherTypeOf(packet.protocol, packet.family))
    ) {
      continue
    }
    refuse(changes, packet)
    return
  }
  if (changes === null) refuse(changes, packet)
}

/** The slow path, which makes the errors. */
function refuse(changes: VerdictChanges, packet: QueuePacketView): void {
  const checked = readOptions('answer packet', changesSchema, changes)
  refuseIgnored(checked, packet)
  if (checked.payload !== undefined) refuseShort(checked.payload, etherTypeOf(packet.protocol, packet.family))
}

/** Throws for changes that the kernel takes of other packets only, and ignores for this one. */
function refuseIgnored(
  { conntrack, expectation, vlan, linkLayerHeader }: VerdictChanges,
  packet: QueuePacketView,
): void {
  const place = (key: string) => new OptionPlace('answer packet', key)
  if ((conntrack ?? expectation) !== undefined && packet.conntrackInformation === undefined)
    throw place(conntrack === undefined ? 'expectation' : 'conntrack').conflict(WITHOUT_CONNECTION)
  if (expectation !== undefined && conntrack === undefined)
    throw place('expectation').conflict('would have no effect without conntrack: give that too, {} at least')
  const bridged = Object.entries({ vlan, linkLayerHeader }).find(([, value]) => value !== undefined)
  if (bridged !== undefined && packet.family !== Family.Bridge)
    throw place(bridged[0]).conflict(
      `would have no effect: the kernel takes it in family bridge only, got ${packet.family}`,
    )
  if (vlan !== undefined && (vlan.protocol === undefined || vlan.tag === undefined))
    throw place('vlan')
      .member(vlan.tag === undefined ? 'tag' : 'protocol')
      .missing('a number, as the other one is')
  if (linkLayerHeader === undefined) return
  const own = packet.linkLayerHeader()?.length ?? 0
  if (linkLayerHeader.length !== own)
    throw place('linkLayerHeader').error(
      'VALUE_RANGE',
      `must be as long as the packet's, ${own} bytes, got ${linkLayerHeader.length}`,
    )
}

function refuseShort(payload: Uint8Array, etherType: number): void {
  const least = leastPayload(payload, etherType)
  if (payload.length >= least) return
  const place = new OptionPlace('answer packet', 'payload')
  const header = etherType === ETHERTYPE_IPV4 || etherType === ETHERTYPE_IPV6 ? 'its IP header' : 'anything'
  throw place.error('VALUE_RANGE', `must have ${header}, at least ${least} bytes, got ${payload.length}`)
}

/** The minimum bytes of a payload that replaces a packet of `etherType`: the kernel drops a shorter one. */
function leastPayload(payload: Uint8Array, etherType: number): number {
  if (etherType === ETHERTYPE_IPV6) return IPV6_HEADER
  if (etherType !== ETHERTYPE_IPV4) return 1
  const first = payload.length > 0 ? (payload[0] as number) : 0
  return first >> 4 === 4 ? Math.max(IPV4_HEADER, (first & 0xf) * 4) : IPV4_HEADER
}

const queueNumber = integer(0, 0xffff)

/** The number of the queue to pass a packet to. Throws `OptionError`. */
export function checkQueueNumber(given: number): number {
  if (given >>> 0 === given && given <= 0xffff) return given
  return readArgument('requeue packet', 'queueNumber', queueNumber, given)
}

/** Whether to bypass that queue. Throws `OptionError`. */
export function checkBypass(given: boolean | undefined): boolean {
  if (given === undefined || typeof given === 'boolean') return given === true
  return boolean.read(given, new OptionPlace('requeue packet', 'bypass'))
}

/** Throws for any argument of `drop`, an errno in particular. */
export function refuseDropOptions(given: unknown): never {
  const why = 'the kernel cannot report it to the sender, whose send has already returned'
  throw new OptionPlace('drop packet', 'options').conflict(`cannot be given, got ${describeValue(given)}: ${why}`)
}
