import type { OptionPlace } from '@ringlink/codec/options'
import { listed } from './filter.ts'
import type { ConnectionFilter } from './types.ts'
import { connectionProtocols, protocolNumber, statesOf, stateWords, versionOf } from './words.ts'

/** Refuses combinations that no connection has. */
export function checkPossible(given: ConnectionFilter, place: OptionPlace): void {
  const number = given.protocol === undefined ? undefined : protocolNumber(given.protocol)
  const version = number === connectionProtocols.icmp ? 4 : number === connectionProtocols.icmpv6 ? 6 : undefined
  const addresses = [given, given.reply ?? {}].flatMap((part) => [part.sourceAddress, part.destinationAddress])
  const others = [
    given.family === undefined ? undefined : given.family === 'ip' ? 4 : 6,
    ...addresses.map((it) => it && versionOf(it)),
  ]
  if (version !== undefined && others.some((other) => other !== undefined && other !== '' && other !== version))
    throw place.member('protocol').conflict(`goes with IPv${version} alone, got ${given.protocol}`)
  const states: readonly string[] | undefined = number === undefined ? stateWords : statesOf(number)
  for (const word of listed(given.state)) {
    if (states === undefined)
      throw place.member('state').conflict(`needs a protocol that has states, tcp, sctp or dccp, got ${given.protocol}`)
    if (!states.includes(word))
      throw place.member('state').conflict(`must be one that ${given.protocol} has, got ${word}`)
  }
  const unset = listed(given.notStatus)
  const both = listed(given.status).find((word) => unset.includes(word))
  if (both !== undefined) throw place.member('notStatus').conflict(`excludes ${both}, which status asks for`)
}
