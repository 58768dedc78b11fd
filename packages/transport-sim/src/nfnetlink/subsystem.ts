/** The registration of an nfnetlink subsystem: its message types, by the lower byte of `nlmsg_type`. */
import type { MessagePolicy } from '../netlink/attribute-policy.ts'
import type { AttributeTable } from '../netlink/policy.ts'
import type { KernelRequest } from '../netlink/request.ts'

/** ENOTSUPP: a kernel-internal errno that some subsystems return to user space. */
export const ENOTSUPP = 524

/** One message type of a subsystem. */
export interface SubsystemMessage {
  readonly policy: MessagePolicy
  /** 0 or a negative errno */
  readonly call: (request: KernelRequest, attributes: AttributeTable) => number
}

/** A message type that goes from the kernel to user space only. */
export const unsupportedMessage: SubsystemMessage = { policy: [], call: () => -ENOTSUPP }
