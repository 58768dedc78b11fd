/** What the handlers of rtnetlink have in common. */
import { Errno } from '@ringlink/codec'
import type { ParsedAttributes } from '../netlink/parsed-attributes.ts'
import type { KernelRequest } from '../netlink/request.ts'

/** Refuses a request with the text of the extended ack. */
export function refuse({ details }: KernelRequest, errno: number, message?: string, attribute?: number): number {
  if (message !== undefined) details.message = message
  if (attribute !== undefined) details.badAttribute = attribute
  return -errno
}

/** What the simulator says where it does not know what Linux would do. */
export const NOT_MODELLED = 'the simulated kernel does not model this'

/** Refuses what is not modelled: EOPNOTSUPP, at the attribute at fault. */
export function refuseUnknown(request: KernelRequest, attribute?: number): number {
  return refuse(request, Errno.EOPNOTSUPP, NOT_MODELLED, attribute)
}

/** The first attribute that is not among the `modelled`; -1: none. Relative to the request. */
export function unmodelled(request: KernelRequest, found: ParsedAttributes, modelled: ReadonlySet<number>): number {
  for (const number of found.numbers) if (!modelled.has(number)) return found.at(number) - 4 - request.offset
  return -1
}
