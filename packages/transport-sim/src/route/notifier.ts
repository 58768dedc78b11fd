import type { KernelRequest } from '../netlink/request.ts'
import { deliver, writeBytes } from '../netlink/sockets.ts'

/** Sends `message` to the members of a group of rtnetlink, except the socket of port `except`. */
export type RouteMulticast = (group: number, message: Uint8Array, except: number) => void

/** RTNLGRP_* */
export const RouteGroup = {
  /** RTNLGRP_LINK */
  Link: 1,
  /** RTNLGRP_NEIGH */
  Neighbour: 3,
  /** RTNLGRP_IPV4_IFADDR */
  Ipv4Address: 5,
  /** RTNLGRP_IPV4_ROUTE */
  Ipv4Route: 7,
  /** RTNLGRP_IPV6_IFADDR */
  Ipv6Address: 9,
  /** RTNLGRP_IPV6_ROUTE */
  Ipv6Route: 11,
} as const

const NLM_F_ECHO = 0x8

/** Sends notifications to groups, and to the sender of a request that asks for an echo. */
export class Notifier {
  readonly #multicast: RouteMulticast

  constructor(multicast: RouteMulticast) {
    this.#multicast = multicast
  }

  /** `cause`: the request that caused it, whose sender is named in the header by some subsystems. */
  send(group: number, message: Uint8Array, cause?: KernelRequest): void {
    const echoed = cause !== undefined && (cause.flags & NLM_F_ECHO) !== 0 ? cause.socket : undefined
    this.#multicast(group, message, echoed?.portId ?? 0)
    if (echoed !== undefined) deliver(echoed, message.length, writeBytes(message), 0, 0)
  }
}
