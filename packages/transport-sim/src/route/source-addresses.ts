/**
 * Which of its own addresses the kernel sends from: `inet_select_addr` of IPv4, and RFC 6724 for IPv6 as
 * `ipv6_dev_get_saddr` has it.
 */
import { type Address, AddressFlag } from './address.ts'
import type { Device } from './device.ts'
import { covers, prefixOf, sameBytes } from './prefix.ts'
import { Scope } from './route.ts'

type AddressesOf = (device: Device) => readonly Address[]

/**
 * The address to send from through a device, to what is reached by `next` if it is given, of a scope that is not
 * narrower than `scope`. Else one of another device; `undefined`: there is none.
 */
export function selectAddress4(
  devices: readonly Device[],
  addressesOf: AddressesOf,
  device: Device,
  next: Uint8Array | undefined,
  scope: number,
): Uint8Array | undefined {
  const usable = addressesOf(device).filter((it) => (it.flags & AddressFlag.Secondary) === 0 && it.scope <= scope)
  const near = next && usable.find((it) => covers(prefixOf(it.address, it.prefixLength), it.prefixLength, next))
  const own = near ?? usable[0]
  if (own !== undefined) return own.local
  return devices
    .flatMap((it) => addressesOf(it).filter((other) => (other.flags & AddressFlag.Secondary) === 0))
    .find((it) => it.scope !== Scope.Link && it.scope <= scope)?.local
}

/** `__ipv6_addr_src_scope`: what an address reaches, as multicast addresses count it; -1 of the address of zeros. */
function reachOf(address: Uint8Array): number {
  const [first = 0, second = 0] = address
  if (first === 0xff) return second & 15
  if (first === 0xfe && (second & 0xc0) === 0x80) return LINK
  if (first === 0xfe && (second & 0xc0) === 0xc0) return SITE
  if (address.subarray(0, 15).some((byte) => byte !== 0)) return GLOBAL
  return [-1, HOST][address[15] ?? 0] ?? GLOBAL
}

const [HOST, LINK, SITE, GLOBAL] = [1, 2, 5, 14]

/** The labels of prefixes that a kernel starts with (net/ipv6/addrlabel.c), longer prefixes first. */
const labels: readonly { readonly prefix: readonly number[]; readonly length: number; readonly label: number }[] = [
  { prefix: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], length: 128, label: 0 },
  { prefix: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], length: 96, label: 4 },
  { prefix: [], length: 96, label: 3 },
  { prefix: [0x20, 0x01], length: 32, label: 6 },
  { prefix: [0x20, 0x01, 0x00, 0x10], length: 28, label: 7 },
  { prefix: [0x20, 0x02], length: 16, label: 2 },
  { prefix: [0xfe, 0xc0], length: 10, label: 11 },
  { prefix: [0xfc], length: 7, label: 5 },
]
const OTHER_LABEL = 1

function labelOf(address: Uint8Array): number {
  return (
    labels.find(
      ({ prefix, length }) =>
        commonBits(
          address,
          Uint8Array.from({ length: 16 }, (_, at) => prefix[at] ?? 0),
        ) >= length,
    )?.label ?? OTHER_LABEL
  )
}

function commonBits(one: Uint8Array, other: Uint8Array): number {
  for (const [at, byte] of one.entries()) {
    const difference = byte ^ (other[at] ?? 0)
    if (difference !== 0) return at * 8 + Math.clz32(difference) - 24
  }
  return one.length * 8
}

/** The address to send to `destination` from, through a device; `undefined`: there is none. */
export function selectAddress6(
  devices: readonly Device[],
  addressesOf: AddressesOf,
  device: Device | undefined,
  destination: Uint8Array,
): Uint8Array | undefined {
  const reach = reachOf(destination)
  const isOwnOnly = destination[0] === 0xff || reach <= LINK
  const label = labelOf(destination)
  // What each rule gives an address: the first that differs decides, the larger is better.
  const rank = (address: Address): number[] => {
    const { local, flags, prefixLength } = address
    const own = reachOf(local)
    return [
      sameBytes(local, destination) ? 1 : 0,
      own >= reach ? -own : own - 128,
      (flags & AddressFlag.Deprecated) === 0 ? 1 : 0,
      address.device === device ? 1 : 0,
      labelOf(local) === label ? 1 : 0,
      Math.min(commonBits(local, destination), prefixLength),
    ]
  }
  let best: { readonly address: Address; readonly ranks: readonly number[] } | undefined
  for (const each of isOwnOnly ? devices.filter((it) => it === device) : devices) {
    for (const address of addressesOf(each)) {
      if ((address.flags & AddressFlag.Tentative) !== 0) continue
      const ranks = rank(address)
      if (best === undefined || isBetter(ranks, best.ranks)) best = { address, ranks }
    }
  }
  return best?.address.local
}

function isBetter(ranks: readonly number[], others: readonly number[]): boolean {
  const at = ranks.findIndex((value, index) => value !== others[index])
  return at >= 0 && (ranks[at] as number) > (others[at] as number)
}
