/** One address of a device, and its messages. */
import type { MessageHeader } from '@ringlink/codec'
import { type AddrAttributes, addrAttributes, type IfaddrmsgStruct, ifaddrmsgLayout } from '@ringlink/families/rt-addr'
import { tableMessage } from '../netlink/table-message.ts'
import type { Device } from './device.ts'
import { FOREVER, type Lifetime, remaining } from './lifetime.ts'
import { sameBytes } from './prefix.ts'
import { IPV4 } from './route.ts'
import { structBytes } from './struct-bytes.ts'

export const RTM_NEWADDR = 20
export const RTM_DELADDR = 21

/** IFA_F_* */
export const AddressFlag = { Secondary: 0x01, Deprecated: 0x20, Tentative: 0x40, Permanent: 0x80 } as const

export interface Address {
  readonly family: number
  readonly device: Device
  /** the address itself: IFA_LOCAL, of IPv6 IFA_ADDRESS */
  readonly local: Uint8Array
  /** the other end, where there is one; else the same */
  address: Uint8Array
  readonly prefixLength: number
  readonly scope: number
  readonly broadcast?: Uint8Array | undefined
  readonly label?: string | undefined
  /** IFAPROT_*: who made it; 0 is not shown */
  readonly proto: number
  /** when it was made, in milliseconds */
  readonly created: number
  flags: number
  /** `undefined`: it never had one, and stays */
  lifetime?: Lifetime | undefined
}

export function addressMessage(header: MessageHeader, address: Address, now: number): Uint8Array {
  const { family, device, local, prefixLength, scope, flags, proto } = address
  const fields: IfaddrmsgStruct = {
    family,
    prefixlen: prefixLength,
    flags: (flags & 0xff) as IfaddrmsgStruct['flags'],
    scope,
    index: device.index,
  }
  const { preferred, valid } = lifeOf(address, now)
  // Hundredths of seconds.
  const cstamp = Math.floor(address.created / 10) >>> 0
  const tstamp = Math.floor((address.lifetime?.since ?? address.created) / 10) >>> 0
  const cacheinfo = { ifaPrefered: preferred, ifaValid: valid, cstamp, tstamp }
  const protocol = proto === 0 ? undefined : proto
  const values: AddrAttributes =
    family === IPV4
      ? {
          address: address.address,
          local,
          broadcast: address.broadcast,
          label: address.label,
          flags: flags as AddrAttributes['flags'],
          cacheinfo,
          proto: protocol,
        }
      : { ...ends(address), cacheinfo, flags: flags as AddrAttributes['flags'], proto: protocol }
  return tableMessage(header, structBytes(ifaddrmsgLayout, fields), addrAttributes, values)
}

/** What IFA_CACHEINFO says: of IPv4 a permanent address is always preferred. */
function lifeOf({ family, flags, lifetime }: Address, now: number): { preferred: number; valid: number } {
  const isPermanent = (flags & AddressFlag.Permanent) !== 0
  if (lifetime === undefined || (isPermanent && family === IPV4)) return { preferred: FOREVER, valid: FOREVER }
  return remaining(lifetime, now)
}

/** The ends of an address of IPv6. */
function ends({ local, address }: Address): AddrAttributes {
  return sameBytes(local, address) ? { address: local } : { local, address }
}
