/** Requests of rtnetlink for scripts. */
import { NewFlag, type OperationDescription } from '@ringlink/codec'
import { rtAddr } from '@ringlink/families/rt-addr'
import { rtLink } from '@ringlink/families/rt-link'
import { rtNeigh } from '@ringlink/families/rt-neigh'
import { rtRoute } from '@ringlink/families/rt-route'
import { ACKNOWLEDGED, bodyOf, DUMPED, type FamilyMessage, rawAttribute } from './family-script.ts'

type Values = Readonly<Record<string, unknown>>
export const CREATE: number = ACKNOWLEDGED | NewFlag.Create | NewFlag.Exclusive

const request =
  (operation: OperationDescription, type: number, usual: number = ACKNOWLEDGED) =>
  (values: Values = {}, flags = usual): FamilyMessage => ({ type, flags, body: bodyOf(operation, values) })

export const newLink = request(rtLink.operations.newlink, 16, CREATE)
export const setLink = request(rtLink.operations.newlink, 16)
export const deleteLink = request(rtLink.operations.dellink, 17)
export const getLink = request(rtLink.operations.getlink, 18)
export const listLinks = request(rtLink.operations.getlink, 18, DUMPED)
export const newAddress = request(rtAddr.operations.newaddr, 20, CREATE)
export const deleteAddress = request(rtAddr.operations.deladdr, 21)
export const getAddress = request(rtAddr.operations.getaddr, 22)
export const listAddresses = request(rtAddr.operations.getaddr, 22, DUMPED)
export const newRoute = request(rtRoute.operations.newroute, 24, CREATE)
export const deleteRoute = request(rtRoute.operations.delroute, 25)
export const getRoute = request(rtRoute.operations.getroute, 26)
export const listRoutes = request(rtRoute.operations.getroute, 26, DUMPED)
export const newNeighbour = request(rtNeigh.operations.newneigh, 28, CREATE)
export const deleteNeighbour = request(rtNeigh.operations.delneigh, 29)
export const getNeighbour = request(rtNeigh.operations.getneigh, 30)
export const listNeighbours = request(rtNeigh.operations.getneigh, 30, DUMPED)

const IFF_UP = 1
export const mac = (last: number): Uint8Array => Uint8Array.of(2, 0, 0, 0, 0, last)
export const ip4 = (text: string): Uint8Array => Uint8Array.from(text.split('.'), Number)
/** fd00::last */
export const ip6 = (last: number, first = 0xfd): Uint8Array =>
  Uint8Array.of(first, ...new Array<number>(14).fill(0), last)

/** A pair of links with addresses that follow from `last`. */
export const veth = (name: string, peer: string, last: number, values: Values = {}): FamilyMessage =>
  newLink({
    ...values,
    ifname: name,
    address: mac(last),
    linkinfo: { kind: 'veth', unknown: [{ type: INFO_DATA, bits: 0, payload: peerOf(peer, mac(last + 1)) }] },
  })

/** IFLA_INFO_DATA, and VETH_INFO_PEER in it, which the specification does not have */
const INFO_DATA = 2
const INFO_PEER = 1

/** A link message in an attribute: the peer of a veth. */
function peerOf(ifname: string, address: Uint8Array, header: Values = {}): Uint8Array {
  return rawAttribute(INFO_PEER, bodyOf(rtLink.operations.newlink, { header, ifname, address }))
}

export const bridge = (name: string, last: number, values: Values = {}): FamilyMessage =>
  newLink({ ...values, ifname: name, address: mac(last), linkinfo: { kind: 'bridge' } })
export const dummy = (name: string, last: number): FamilyMessage =>
  newLink({ ifname: name, address: mac(last), linkinfo: { kind: 'dummy' } })
export const up = (index: number): FamilyMessage => setLink({ header: { index, flags: IFF_UP, change: IFF_UP } })
export const down = (index: number): FamilyMessage => setLink({ header: { index, flags: 0, change: IFF_UP } })
