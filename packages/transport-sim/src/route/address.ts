/** One address of a device, and its messages. */
import type { MessageHeader } from '@ringlink/codec'
import { type AddrAttributes, addrAttributes, type IfaddrmsgStruct, ifaddrmsgLayout } from '@ringlink/families/rt-addr'
import { tableMessage } from '../netlink/table-message.ts'
import type { Device } from './device.ts'
import { IPV4 } from './route.ts'
import { structBytes } from './struct-bytes.ts'

export const RTM_NEWADDR = 20
export const RTM_DELADDR = 21

/** IFA_F_* */
export const AddressFlag = { Secondary: 0x01, Tentative: 0x40, Permanent: 0x80 } as const
const FOREVER = 0xffffffff

export interface Address {
  readonly family: number
  readonly device: Device
  /** the address itself: IFA_LOCAL, of IPv6 IFA_ADDRESS */
  readonly local: Uint8Array
  /** the other end of IPv4, where there is one; else the same */
  readonly address: Uint8Array
  readonly prefixLength: number
  readonly scope: number
  readonly broadcast?: Uint8Array | undefined
  readonly label?: string | undefined
  /** IFAPROT_*: who made it; 0 is not shown */
  readonly proto: number
  /** when it was made, in milliseconds */
  readonly created: number
  flags: number
}

export function addressMessage(header: MessageHeader, address: Address): Uint8Array {
  const { family, device, local, prefixLength, scope, flags, proto } = address
  const fields: IfaddrmsgStruct = {
    family,
    prefixlen: prefixLength,
    flags: (flags & 0xff) as IfaddrmsgStruct['flags'],
    scope,
    index: device.index,
  }
  // Hundredths of seconds.
  const stamp = Math.floor(address.created / 10) >>> 0
  const cacheinfo = { ifaPrefered: FOREVER, ifaValid: FOREVER, cstamp: stamp, tstamp: stamp }
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
      : { address: local, cacheinfo, flags: flags as AddrAttributes['flags'], proto: protocol }
  return tableMessage(header, structBytes(ifaddrmsgLayout, fields), addrAttributes, values)
}
