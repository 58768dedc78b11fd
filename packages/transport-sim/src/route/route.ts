/** One route of IPv4 or IPv6, with one next hop, and its messages. */
import type { MessageHeader } from '@ringlink/codec'
import {
  type RouteAttributes,
  type RtmsgStruct,
  RtmType,
  routeAttributes,
  rtmsgLayout,
} from '@ringlink/families/rt-route'
import { tableMessage } from '../netlink/table-message.ts'
import type { Device } from './device.ts'
import { structBytes } from './struct-bytes.ts'

export const RTM_NEWROUTE = 24
export const RTM_DELROUTE = 25
export const IPV4 = 2
export const IPV6 = 10

/** RT_TABLE_* */
export const RouteTableNumber = { Compat: 252, Main: 254, Local: 255 } as const
/** RT_SCOPE_* */
export const Scope = { Universe: 0, Site: 200, Link: 253, Host: 254, Nowhere: 255 } as const
/** RTPROT_KERNEL */
export const KERNEL = 2
const RTNH_F_LINKDOWN = 16

export interface Route {
  readonly family: typeof IPV4 | typeof IPV6
  readonly dst: Uint8Array
  readonly dstLen: number
  readonly table: number
  readonly protocol: number
  readonly scope: number
  readonly type: number
  readonly priority: number
  readonly gateway?: Uint8Array | undefined
  readonly prefsrc?: Uint8Array | undefined
  /** where packets go; routes that only refuse have none in IPv4 */
  readonly device: Device | undefined
  /** when it is over, in milliseconds; `undefined`: never */
  expiry?: number | undefined
}

/** `rtm_flags`: whether the device has lost its carrier. What is local does not depend on that. */
function flagsOf({ type, device }: Route): number {
  return device?.isLinkDown === true && type !== RtmType.Local ? RTNH_F_LINKDOWN : 0
}

/** A message about a route; `flags` of the header say what became of it. */
export function routeMessage(header: MessageHeader, route: Route, now: number): Uint8Array {
  const { family, dst, dstLen, table, protocol, scope, type, device } = route
  const fields: RtmsgStruct = {
    family,
    dstLen,
    srcLen: 0,
    tos: 0,
    table: table < 256 ? table : RouteTableNumber.Compat,
    protocol,
    scope,
    type: type as RtmsgStruct['type'],
    flags: flagsOf(route),
  }
  const known = { table, dst: dstLen === 0 ? undefined : dst }
  const values: RouteAttributes =
    family === IPV4
      ? {
          ...known,
          priority: route.priority === 0 ? undefined : route.priority,
          prefsrc: route.prefsrc,
          gateway: route.gateway,
          oif: device?.index,
        }
      : {
          ...known,
          priority: route.priority,
          gateway: route.gateway,
          oif: device?.index,
          cacheinfo: { clntref: 0, lastuse: 0, expires: ticksUntil(route.expiry, now), error: 0, used: 0 },
          pref: 0,
        }
  return tableMessage(header, structBytes(rtmsgLayout, fields), routeAttributes, values)
}

/** Hundredths of seconds until a time, with a sign; 0: never. */
function ticksUntil(time: number | undefined, now: number): number {
  return time === undefined ? 0 : Math.trunc((time - now) / 10) >>> 0
}
