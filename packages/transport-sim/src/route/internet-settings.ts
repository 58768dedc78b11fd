/**
 * IFLA_AF_SPEC: the settings of IPv4 and IPv6 of a device. They are the defaults of a new network namespace, in which
 * three of IPv6 are 0: accept_dad, dad_transmits and router_solicitations. Addresses are valid at once, and nobody asks
 * for routers.
 */
import type { AfSpecAttributes } from '@ringlink/families/rt-link'
import type { Device } from './device.ts'

/** IPV4_DEVCONF_*, by number - 1: those that are not 0 */
const internetValues: Readonly<Record<number, number>> = {
  3: 1,
  4: 1,
  5: 1,
  6: 1,
  8: 1,
  26: 10000,
  27: 1000,
  32: 1,
}
/** IPV4_DEVCONF_NOXFRM and NOPOLICY, which the loopback device has */
const LOOPBACK_ONLY = [14, 15] as const
const INTERNET_COUNT = 33

/** DEVCONF_*: those that are not 0 */
const internet6Values: Readonly<Record<number, number>> = {
  1: 64,
  3: 1,
  4: 1,
  5: 1,
  8: 4000,
  9: 1000,
  11: 604800,
  12: 86400,
  13: 3,
  14: 600,
  15: 16,
  17: 1,
  18: 1,
  19: 1,
  20: 60000,
  30: 10000,
  31: 1000,
  32: 1,
  35: 1,
  38: 1,
  43: 3600000,
  46: 1,
  52: 1024,
  54: 65535,
  55: 0xffffffff,
  56: 1,
}
/**
 * DEVCONF_DAD_TRANSMITS is 1, and RTR_SOLICITS, USE_TEMPADDR and ACCEPT_DAD are -1 on the loopback device, which is
 * older than the settings.
 */
const loopbackValues: Readonly<Record<number, number>> = { 6: 1, 7: 0xffffffff, 10: 0xffffffff, 27: 0xffffffff }
const INTERNET6_COUNT = 60
/** DEVCONF_MTU6 */
const MTU6 = 2
const IF_READY = 0x80000000
/** base_reachable_time_ms; the kernel varies it at random */
const REACHABLE_TIME = 30_000

export function addressFamilies(device: Device, now: number): AfSpecAttributes {
  const isLoopback = device.kind === 'loopback'
  const conf = listOf(INTERNET_COUNT, internetValues)
  if (isLoopback) for (const number of LOOPBACK_ONLY) conf[number] = 1
  const conf6 = listOf(INTERNET6_COUNT, { ...internet6Values, ...(isLoopback ? loopbackValues : undefined) })
  conf6[MTU6] = device.internet6Mtu
  return {
    inet: { conf },
    inet6: {
      flags: device.isInternet6Ready ? IF_READY : 0,
      // Hundredths of seconds, as the kernel's times of this kind.
      cacheinfo: {
        maxReasmLen: 65535,
        tstamp: Math.floor(now / 10) >>> 0,
        reachableTime: REACHABLE_TIME,
        retransTime: 1000,
      },
      conf: conf6,
      // The first element is the number of them.
      stats: counters(38),
      icmp6stats: counters(7),
      token: new Uint8Array(16),
      addrGenMode: 0,
    },
  }
}

function counters(count: number): bigint[] {
  return Array.from({ length: count }, (_, index) => (index === 0 ? BigInt(count) : 0n))
}

function listOf(count: number, values: Readonly<Record<number, number>>): number[] {
  return Array.from({ length: count }, (_, number) => values[number] ?? 0)
}
