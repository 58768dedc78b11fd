/** RTM_NEWNEIGH and RTM_DELNEIGH (`neigh_fill_info`). */
import type { MessageHeader } from '@ringlink/codec'
import {
  type NdmsgStruct,
  type NeighbourAttributes,
  ndmsgLayout,
  neighbourAttributes,
} from '@ringlink/families/rt-neigh'
import { tableMessage } from '../netlink/table-message.ts'
import type { Device } from './device.ts'
import { structBytes } from './struct-bytes.ts'

export const RTM_NEWNEIGH = 28
export const RTM_DELNEIGH = 29

/** NUD_* */
export const NeighbourState = { None: 0, Stale: 0x04, Failed: 0x20, NoArp: 0x40, Permanent: 0x80 } as const
/** RTN_UNICAST */
const UNICAST = 1

export interface Neighbour {
  readonly family: number
  readonly device: Device
  readonly destination: Uint8Array
  linkAddress: Uint8Array | undefined
  state: number
  /** when it was changed, in milliseconds */
  updated: number
}

/** Whether packets can be sent to it. */
export function isValid({ state }: Neighbour): boolean {
  return state !== NeighbourState.None && state !== NeighbourState.Failed
}

export function neighbourMessage(header: MessageHeader, neighbour: Neighbour, now: number): Uint8Array {
  const { family, device, destination, linkAddress, state, updated } = neighbour
  const fields: NdmsgStruct = {
    family,
    ifindex: device.index,
    state: state as NdmsgStruct['state'],
    flags: 0,
    type: UNICAST,
  }
  // Hundredths of seconds since then.
  const age = Math.floor((now - updated) / 10)
  const values: NeighbourAttributes = {
    dst: destination,
    lladdr: isValid(neighbour) ? linkAddress : undefined,
    probes: 0,
    cacheinfo: { confirmed: age, used: age, updated: age, refcnt: 0 },
  }
  return tableMessage(header, structBytes(ndmsgLayout, fields), neighbourAttributes, values)
}
