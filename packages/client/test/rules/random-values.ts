/** Random values of the properties of packets, that rules may have together. */
import type { ConnectionState, FirewallRule, NumberRange, RuleFamily, RuleProperties } from '@ringlink/client'
import fc from 'fast-check'

export const PROTOCOLS = ['tcp', 'udp', 'icmp', 'icmpv6', 6, 17, 1, 58, 132] as const
export const PORT_PROTOCOLS = ['tcp', 'udp', 6, 17] as const
export const STATES = ['new', 'established', 'related', 'invalid', 'untracked'] as const
export const DEVICES = ['lo', 'eth0', 'eth10'] as const
export const PORTS = [0, 1, 22, 53, 54, 255, 256, 65534, 65535] as const
export const MARKS = [0, 1, 5, 0x15, 0x80000000, 0xffffffff] as const
export const USERS = [0, 1000, 0xfffffffe] as const
export const ADDRESSES = {
  4: ['0.0.0.0', '10.0.0.1', '10.0.0.2', '10.0.1.1', '138.0.0.1', '255.255.255.255'],
  6: ['::1', '2001:db8::1', '2001:db8::2', '2001:db8:1::1', 'a001:db8::1', 'fe80::1'],
} as const
const LENGTHS = { 4: [0, 1, 7, 8, 23, 24, 31, 32], 6: [0, 1, 31, 32, 47, 48, 127, 128] } as const
export const INTERNET = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const

/** A value, left out as often as not. */
export function maybe<Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.option(value, { nil: undefined, freq: 2 })
}

function oneOrSeveral<Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | Value[]> {
  return fc.oneof(value, fc.uniqueArray(value, { minLength: 1, maxLength: 4, selector: (it) => JSON.stringify(it) }))
}

/** One or several of which no two have a number in common. */
function apart<Value>(
  value: fc.Arbitrary<Value>,
  rangeOf: (value: Value) => readonly [bigint | number, bigint | number],
): fc.Arbitrary<Value | Value[]> {
  const isApart = (first: Value, second: Value) => {
    const [a, b] = [rangeOf(first), rangeOf(second)]
    return a[1] < b[0] || b[1] < a[0]
  }
  const several = fc
    .array(value, { minLength: 1, maxLength: 5 })
    .map((list) => list.filter((it, at) => list.slice(0, at).every((other) => isApart(it, other))))
  return fc.oneof(value, several)
}

const numberEnds = (value: number | NumberRange) =>
  typeof value === 'number' ? ([value, value] as const) : ([value.from, value.to] as const)

/** Numbers and ranges of them. */
function numbersOf(...values: readonly number[]): fc.Arbitrary<NonNullable<RuleProperties['ttl']>> {
  const number = fc.constantFrom(...values)
  return apart<number | NumberRange>(fc.oneof(number, rangeOf(number)), numberEnds)
}

function rangeOf(numbers: fc.Arbitrary<number>): fc.Arbitrary<NumberRange> {
  return fc.tuple(numbers, numbers).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }))
}

/** An address or a network; the bits after the prefix are 0, as they must be. */
function networkOf(version: 4 | 6): fc.Arbitrary<string> {
  const address = fc.constantFrom<string>(...ADDRESSES[version])
  return fc.oneof(
    address,
    fc.tuple(address, fc.constantFrom<number>(...LENGTHS[version])).map(([text, length]) => {
      const bits = version === 4 ? 32 : 128
      const rest = BigInt(bits - length)
      return `${addressText((addressNumber(text) >> rest) << rest, version)}/${length}`
    }),
  )
}

/** The first and last address of an address or network. */
function addressEnds(text: string): readonly [bigint, bigint] {
  const [base = '', length] = text.split('/')
  const bits = base.includes(':') ? 128 : 32
  const first = addressNumber(base)
  return [first, first + (1n << BigInt(bits - Number(length ?? bits))) - 1n]
}

/** Names of devices as numbers of their letters. */
function nameEnds(name: string): readonly [bigint, bigint] {
  const isPrefix = name.endsWith('*')
  const text = isPrefix ? name.slice(0, -1) : name
  const number = (fill: string) => BigInt(`0x${Buffer.from(text).toString('hex').padEnd(32, fill)}`)
  return [number('0'), isPrefix ? number('f') : number('0')]
}

/** An address as a number. */
export function addressNumber(text: string): bigint {
  if (!text.includes(':')) return text.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n)
  const [head = '', tail] = text.split('::')
  const words = (part: string) => (part === '' ? [] : part.split(':'))
  const [first, last] = [words(head), words(tail ?? '')]
  const middle = new Array<string>(8 - first.length - last.length).fill('0')
  return [...first, ...middle, ...last].reduce((value, word) => (value << 16n) | BigInt(`0x${word}`), 0n)
}

function addressText(value: bigint, version: 4 | 6): string {
  const parts = version === 4 ? 4 : 8
  const size = version === 4 ? 8n : 16n
  const numbers = Array.from(
    { length: parts },
    (_, i) => (value >> (BigInt(parts - 1 - i) * size)) & ((1n << size) - 1n),
  )
  return version === 4 ? numbers.join('.') : numbers.map((word) => word.toString(16)).join(':')
}

export interface Place {
  readonly family: RuleFamily
  readonly hook: FirewallRule['hook']
  readonly version: 4 | 6
  readonly isTracked: boolean
  readonly hasPorts: boolean
  /** what `match.protocol` will be */
  readonly protocol: RuleProperties['protocol']
}

export const LENGTHS_OF_PACKETS = [28, 29, 40, 52, 60, 1500] as const
export const TIMES_TO_LIVE = [0, 1, 64, 255] as const
export const CODE_POINTS = [0, 8, 46, 63] as const
export const MESSAGE_TYPES = [0, 8, 128, 135, 255] as const
export const MESSAGE_CODES = [0, 1, 3] as const
export const TCP_FLAGS = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg'] as const
export const HARDWARE_ADDRESSES = ['00:00:00:00:00:00', '02:00:00:00:00:01', '02:00:00:00:00:02'] as const

const tcpFlags = fc.oneof(
  oneOrSeveral(fc.constantFrom(...TCP_FLAGS)),
  fc
    .uniqueArray(fc.constantFrom(...TCP_FLAGS), { minLength: 1, maxLength: 4 })
    .chain((mask) => fc.record({ mask: fc.constant(mask), flags: fc.subarray(mask) })),
)

/** Properties that make sense together with `place`. */
export function properties(place: Place): fc.Arbitrary<RuleProperties> {
  const { family, hook, version, isTracked, hasPorts, protocol } = place
  const never = fc.constant(undefined)
  const isArp = family === 'arp'
  const isInternet = family === 'ip' || family === 'ip6' || family === 'inet'
  const name = oneOrSeveral(fc.constantFrom<string>(...DEVICES))
  const names = fc.oneof(name, apart(fc.constantFrom<string>(...DEVICES, 'eth*', 'eth1*', 'l*'), nameEnds))
  const addresses = apart(networkOf(version), addressEnds)
  const cut = (value: number, mask: number) => ({ value: (value & mask) >>> 0, mask })
  const bits = fc.tuple(fc.constantFrom(...MARKS), fc.constantFrom(1, 0xf0, 0x80000001, 0xffffffff))
  const marks = fc.oneof(
    numbersOf(...MARKS),
    bits.map(([value, mask]) => cut(value, mask)),
  )
  const hasInput = hook !== 'output' && hook !== 'egress'
  const hasOutput = hook !== 'prerouting' && hook !== 'input' && hook !== 'ingress'
  const hasHeader = isInternet ? hook === 'prerouting' || hook === 'input' || hook === 'forward' : false
  const when = <Value>(condition: boolean, value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
    condition ? maybe(value) : never
  const isMessage = protocol === 'icmp' || protocol === 'icmpv6' || protocol === 1 || protocol === 58
  return fc
    .record({
      sourcePort: when(hasPorts, numbersOf(...PORTS)),
      destinationPort: when(hasPorts, numbersOf(...PORTS)),
      sourceAddress: when(!isArp, addresses),
      destinationAddress: when(!isArp, addresses),
      icmpType: when(isMessage, numbersOf(...MESSAGE_TYPES)),
      icmpCode: when(isMessage, numbersOf(...MESSAGE_CODES)),
      tcpFlags: when(protocol === 'tcp' || protocol === 6, tcpFlags),
      packetLength: when(isInternet, numbersOf(...LENGTHS_OF_PACKETS)),
      ttl: when(isInternet && version === 4, numbersOf(...TIMES_TO_LIVE)),
      hopLimit: when(isInternet && version === 6, numbersOf(...TIMES_TO_LIVE)),
      dscp: when(isInternet, numbersOf(...CODE_POINTS)),
      fragment: when(isInternet, fc.boolean()),
      sourceHardwareAddress: when(hasHeader, oneOrSeveral(fc.constantFrom(...HARDWARE_ADDRESSES))),
      inputInterface: when(hasInput, names),
      outputInterface: when(hasOutput, names),
      mark: maybe(marks),
      ctState: when(isTracked, oneOrSeveral(fc.constantFrom<ConnectionState>(...STATES))),
      userId: when(isInternet, numbersOf(...USERS)),
      groupId: when(isInternet, numbersOf(...USERS)),
    })
    .chain((all) =>
      fc.subarray(Object.entries(all), { maxLength: 3 }).map((some) => withoutUndefined(Object.fromEntries(some))),
    )
}

/** The same object without members that are undefined, at any depth. */
export function withoutUndefined<Value>(value: Value): Value {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(members.map(([key, member]) => [key, withoutUndefined(member)])) as Value
}
