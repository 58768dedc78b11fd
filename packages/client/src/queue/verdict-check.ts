/** Checks of verdicts and their changes, once per packet. Valid input passes without an allocation. */
import { Verdict, type VerdictChanges } from '@ringlink/codec'
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
      // NF_QUEUE_NR: the queue in the upper half, the bypass flag above the kind. NF_DROP_ERR: an errno in the upper half.
      if (typeof verdict !== 'number' || verdict >>> 0 !== verdict) return false
      return (verdict & 0x7fff) === Verdict.Queue || (verdict & 0xffff) === Verdict.Drop
  }
}

/**
 * Throws `OptionError` for changes that a verdict cannot make to a packet of `etherType`: code `ARGUMENT` or
 * `VALUE_RANGE`; also for a payload too short for its IP header, which the kernel would drop silently.
 */
export function checkChanges(changes: VerdictChanges, etherType: number): void {
  if (typeof changes !== 'object') refuse(changes, etherType)
  for (const key in changes) {
    const value = changes[key as keyof VerdictChanges]
    if (value === undefined) continue
    if (key === 'mark' || key === 'priority') {
      if (typeof value === 'number' && value >>> 0 === value) continue
    } else if (key === 'payload' && value instanceof Uint8Array && value.length >= leastPayload(value, etherType)) {
      continue
    }
    refuse(changes, etherType)
    return
  }
  if (changes === null) refuse(changes, etherType)
}

/** The slow path, which makes the errors. */
function refuse(changes: VerdictChanges, etherType: number): void {
  const { payload } = readOptions('answer packet', changesSchema, changes)
  if (payload === undefined) return
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
