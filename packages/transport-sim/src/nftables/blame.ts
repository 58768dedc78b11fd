import type { AttributeTable } from '../netlink/policy.ts'
import type { KernelRequest } from '../netlink/request.ts'

/** bytes of an attribute's header */
const HEADER = 4

/** The negative of `errno`, for a fault of attribute `number`; if that is present, the answer has its offset. */
export function blame(request: KernelRequest, attributes: AttributeTable, number: number, errno: number): number {
  if (attributes.has(number)) request.details.badAttribute = attributes.at(number) - HEADER - request.offset
  return -errno
}

/** The negative of `errno`, for a fault of the attribute whose header is at `position` of the memory. */
export function blameAt(request: KernelRequest, position: number, errno: number): number {
  request.details.badAttribute = position - request.offset
  return -errno
}
