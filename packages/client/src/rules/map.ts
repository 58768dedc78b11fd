/** What a map has for a packet, as expressions. */
import type { Expression } from '@ringlink/codec'
import type { Facts } from './fields/fields.ts'
import { REGISTER } from './fields/load.ts'
import type { MapLookUp } from './options.ts'
import type { SetProperty } from './properties.ts'
import { listOf } from './set.ts'
import { loadKey } from './sets/load-key.ts'
import type { RuleSets, SetOptions } from './sets/types.ts'

/** Loads into `register` what the map has; a packet that it does not have ends the rule. */
export function loadFromMap(
  { map, by }: MapLookUp,
  facts: Facts,
  named: RuleSets,
  register: number = REGISTER,
): Expression[] {
  return [
    ...loadKey(listOf<SetProperty>(by), facts, named[map] as SetOptions),
    { name: 'lookup', data: { set: map, sourceRegister: REGISTER, destinationRegister: register } },
  ]
}
