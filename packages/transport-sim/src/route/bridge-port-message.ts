/** RTM_NEWLINK and RTM_DELLINK of AF_BRIDGE: a port, as its bridge reports it (`br_fill_ifinfo`). */
import { AttributeBit, AttributeWriter, Memory, type MessageHeader, writeAttributes } from '@ringlink/codec'
import { attributeNumbers } from '@ringlink/codec/internal'
import {
  ifinfomsgLayout,
  type LinkinfoBrportAttributes,
  linkAttributes,
  linkinfoBrportAttributes,
} from '@ringlink/families/rt-link'
import { tableMessage } from '../netlink/table-message.ts'
import { PRIORITY } from './bridge-data.ts'
import { type BridgePort, type Device, OperationalState } from './device.ts'
import { RTM_NEWLINK } from './link-types.ts'
import { structBytes } from './struct-bytes.ts'

const AF_BRIDGE = 7
const { protinfo: PROTINFO } = attributeNumbers(linkAttributes)
/** The priority of every port, in the upper 6 bits of its number */
const PORT_PRIORITY = 32
/** What a link costs by its speed: 10 Gbit/s of a veth, and where it is not known */
const COST = { veth: 2, other: 100 } as const
const PROTINFO_SIZE = 1024

/** IFLA_INFO_SLAVE_DATA: what can be set has the kernel's defaults. */
export function portData({ kind }: Device, { bridge, number, state }: BridgePort): LinkinfoBrportAttributes {
  const bridgeId = { prio: PRIORITY, addr: bridge.bridgeAddress }
  const id = (PORT_PRIORITY << 10) | number
  return {
    state,
    priority: PORT_PRIORITY,
    cost: kind === 'veth' ? COST.veth : COST.other,
    mode: 0,
    guard: 0,
    protect: 0,
    fastLeave: 0,
    mcastToUcast: 0,
    learning: 1,
    unicastFlood: 1,
    mcastFlood: 1,
    bcastFlood: 1,
    proxyarp: 0,
    proxyarpWifi: 0,
    rootId: bridgeId,
    bridgeId,
    designatedPort: id,
    designatedCost: 0,
    id,
    no: number,
    topologyChangeAck: 0,
    configPending: 0,
    vlanTunnel: 0,
    groupFwdMask: 0,
    neighSuppress: 0,
    mrpRingOpen: 0,
    mrpInOpen: 0,
    isolated: 0,
    locked: 0,
    mab: 0,
    neighVlanSuppress: 0,
    messageAgeTimer: 0n,
    forwardDelayTimer: 0n,
    holdTimer: 0n,
    multicastRouter: 1,
    mcastEhtHostsLimit: 512,
    mcastEhtHostsCnt: 0,
    mcastNGroups: 0,
    mcastMaxGroups: 0,
  }
}

/** A message about a port; one that goes shows nothing of itself as a port. */
export function portMessage(header: MessageHeader, device: Device): Uint8Array {
  const { port, defaults, index, flags } = device
  const fields = { family: AF_BRIDGE, type: defaults.hardwareType, index, flags, change: 0 }
  return tableMessage(header, structBytes(ifinfomsgLayout, fields), linkAttributes, {
    ifname: device.name,
    master: port?.bridge.index,
    mtu: device.mtu,
    operstate: device.isUp ? device.operationalState : OperationalState.Down,
    address: device.address,
    link: device.link,
    unknown:
      port === undefined || header.type !== RTM_NEWLINK
        ? []
        : [{ type: PROTINFO, bits: AttributeBit.Nested, payload: protocolInfo(portData(device, port)) }],
  })
}

function protocolInfo(values: LinkinfoBrportAttributes): Uint8Array {
  const memory = new Memory(PROTINFO_SIZE)
  const writer = new AttributeWriter().wrap(memory, 0, memory.byteLength)
  writeAttributes(writer, linkinfoBrportAttributes, values)
  return memory.copy(0, writer.end)
}
