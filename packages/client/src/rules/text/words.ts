/** nft's words for the properties that rules match, and what they say besides. */
import { type Field, fields, fieldsByName } from '../fields/fields.ts'
import type { PropertyName, RuleProtocol } from '../properties.ts'

/** What some words stand for. */
export interface WordMeaning {
  readonly name: PropertyName
  readonly field: Field | undefined
  /** packets that have this are of that IP version */
  readonly version: 4 | 6 | undefined
  /** and of that protocol */
  readonly protocol: RuleProtocol | undefined
  /** nft compares the number of the device */
  readonly isIndex?: true
}

const PORT_PROTOCOLS = ['tcp', 'udp', 'udplite', 'sctp', 'dccp'] as const
const protocolOfFirst: Readonly<Record<string, RuleProtocol>> = { tcp: 'tcp', icmp: 'icmp', icmpv6: 'icmpv6' }

function meaningsOf(field: Field): [string, WordMeaning][] {
  const { name } = field
  return field.words.map((words) => {
    const [first = ''] = words.split(' ')
    const isVersion6 = first === 'ip6' || first === 'icmpv6' || first === 'exthdr'
    const version = isVersion6 ? 6 : first === 'ip' || first === 'icmp' ? 4 : undefined
    return [words, { name, field, version, protocol: protocolOfFirst[first] }]
  })
}

function portMeanings(): [string, WordMeaning][] {
  return fields
    .filter(({ name }) => name === 'sourcePort' || name === 'destinationPort')
    .flatMap((field) =>
      PORT_PROTOCOLS.map((protocol): [string, WordMeaning] => [
        `${protocol} ${field.name === 'sourcePort' ? 'sport' : 'dport'}`,
        { name: field.name, field, version: undefined, protocol },
      ]),
    )
}

/** Other words of nft for the same properties, which `formatRule` does not use. */
function otherMeanings(): [string, WordMeaning][] {
  const plain = { version: undefined, protocol: undefined }
  const version: WordMeaning = { ...plain, name: 'version', field: undefined }
  const meaning = (name: PropertyName): WordMeaning => ({ ...plain, name, field: fieldsByName.get(name) })
  return [
    ['meta nfproto', version],
    ['meta protocol', version],
    ['ip version', { ...version, version: 4 }],
    ['ip6 version', { ...version, version: 6 }],
    // An IPv4 packet has no headers between this one and that of the transport.
    ['ip protocol', { ...meaning('protocol'), version: 4 }],
    ['iif', { ...meaning('inputInterface'), isIndex: true }],
    ['oif', { ...meaning('outputInterface'), isIndex: true }],
  ]
}

const all: ReadonlyMap<string, WordMeaning> = new Map([
  ...fields.flatMap(meaningsOf),
  ...portMeanings(),
  ...otherMeanings(),
])

/** What words mean, by themselves: nft has some with `meta` and without. */
export const meanings: ReadonlyMap<string, WordMeaning> = new Map(
  [...all].flatMap(([words, meaning]): [string, WordMeaning][] => {
    if (/^[io]if(name|group)?$/.test(words))
      return [
        [words, meaning],
        [`meta ${words}`, meaning],
      ]
    if (/^meta (skuid|skgid|mark|cgroup|hour|day|pkttype)$/.test(words))
      return [
        [words, meaning],
        [words.slice(5), meaning],
      ]
    return [[words, meaning]]
  }),
)

/** nft's names of priorities, and ours. */
export const priorityWords = {
  raw: 'raw',
  mangle: 'mangle',
  dstnat: 'destinationNat',
  filter: 'filter',
  security: 'security',
  srcnat: 'sourceNat',
  out: 'bridgeOut',
} as const
