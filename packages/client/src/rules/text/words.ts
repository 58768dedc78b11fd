/** nft's words for the properties that rules match, and what they say besides. */
import { type Field, fields } from '../fields/fields.ts'
import type { PropertyName, RuleProtocol } from '../properties.ts'

/** What some words stand for. */
export interface WordMeaning {
  readonly name: PropertyName
  readonly field: Field | undefined
  /** packets that have this are of that IP version */
  readonly version: 4 | 6 | undefined
  /** and of that protocol */
  readonly protocol: RuleProtocol | undefined
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

const version: WordMeaning = { name: 'version', field: undefined, version: undefined, protocol: undefined }

const all: ReadonlyMap<string, WordMeaning> = new Map([
  ...fields.flatMap(meaningsOf),
  ...portMeanings(),
  ...(['meta nfproto', 'meta protocol'] as const).map((words): [string, WordMeaning] => [words, version]),
])

/** What words mean, by themselves: nft has some with `meta` and without. */
export const meanings: ReadonlyMap<string, WordMeaning> = new Map(
  [...all].flatMap(([words, meaning]): [string, WordMeaning][] => {
    if (/^[io]if(name|group)$/.test(words))
      return [
        [words, meaning],
        [`meta ${words}`, meaning],
      ]
    if (/^meta (skuid|skgid|mark|cgroup)$/.test(words))
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
