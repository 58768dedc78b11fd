/** RTM_NEWLINK and RTM_DELLINK (`rtnl_fill_ifinfo`). */
import { Memory, type MessageHeader, type Structure } from '@ringlink/codec'
import { readStruct } from '@ringlink/codec/internal'
import {
  type IfinfomsgStruct,
  ifinfomsgLayout,
  type LinkAttributes,
  linkAttributes,
  rtnlLinkIfmapLayout,
  rtnlLinkStats64Layout,
  rtnlLinkStatsLayout,
} from '@ringlink/families/rt-link'
import { tableMessage } from '../netlink/table-message.ts'
import { bridgeData } from './bridge-data.ts'
import { portData } from './bridge-port-message.ts'
import { type Device, OperationalState } from './device.ts'
import { addressFamilies } from './internet-settings.ts'
import { structBytes } from './struct-bytes.ts'

/** IFLA_HEADROOM and IFLA_TAILROOM, which the specification does not have */
const ROOM = [68, 69] as const

// Counters are not modelled: nothing passes a link.
const stats64 = zeroes(rtnlLinkStats64Layout)
const stats = zeroes(rtnlLinkStatsLayout)
const map = zeroes(rtnlLinkIfmapLayout)

/** What a message about a link has besides the link. */
export interface LinkMessageOptions {
  /** bits of `ifi_flags` that have changed */
  readonly change?: number
  /** IFLA_EVENT */
  readonly event?: number
}

/** A message about a link, at `now` milliseconds. */
export function linkMessage(
  header: MessageHeader,
  device: Device,
  now: number,
  { change = 0, event }: LinkMessageOptions = {},
): Uint8Array {
  const { defaults } = device
  const fields: IfinfomsgStruct = {
    family: 0,
    type: defaults.hardwareType,
    index: device.index,
    flags: device.flags,
    change,
  }
  const values: LinkAttributes = {
    ifname: device.name,
    txqlen: device.transmitQueueLength,
    operstate: device.isUp ? device.operationalState : OperationalState.Down,
    linkmode: 0,
    netnsImmutable: defaults.isBound ? 1 : 0,
    mtu: device.mtu,
    minMtu: defaults.minimumMtu,
    maxMtu: defaults.maximumMtu,
    group: device.group,
    promiscuity: device.promiscuity,
    allmulti: device.allMulticast,
    numTxQueues: defaults.queues,
    gsoMaxSegs: 65535,
    gsoMaxSize: 65536,
    groMaxSize: 65536,
    gsoIpv4MaxSize: 65536,
    groIpv4MaxSize: 65536,
    tsoMaxSize: device.segmentationLimit,
    tsoMaxSegs: 65535,
    maxPacingOffloadHorizon: 0n,
    numRxQueues: defaults.queues,
    master: device.port?.bridge.index,
    carrier: device.hasCarrier ? 1 : 0,
    ifalias: device.alias,
    carrierChanges: device.carrierUpCount + device.carrierDownCount,
    carrierUpCount: device.carrierUpCount,
    carrierDownCount: device.carrierDownCount,
    protoDown: 0,
    event,
    address: device.address,
    broadcast: device.broadcast,
    stats64,
    stats,
    xdp: { attached: 0 },
    linkinfo: linkInfo(device),
    link: device.link,
    qdisc: device.hasBeenUp && !device.isDying ? 'noqueue' : 'noop',
    afSpec: device.isDying ? {} : addressFamilies(device, now),
    map,
    devlinkPort: new Uint8Array(0),
    dpllPin: {},
    unknown: ROOM.map((type) => ({ type, bits: 0, payload: new Uint8Array(2) })),
  }
  return tableMessage(header, structBytes(ifinfomsgLayout, fields), linkAttributes, values)
}

function linkInfo(device: Device): LinkAttributes['linkinfo'] {
  const { port } = device
  const slave = port === undefined ? {} : { slaveKind: 'bridge', slaveData: portData(device, port) }
  switch (device.kind) {
    case 'loopback':
      return undefined
    case 'veth':
    case 'dummy':
      return { kind: device.kind, ...slave }
    case 'bridge':
      return { kind: 'bridge', data: bridgeData(device) }
  }
}

function zeroes<Value>(layout: Structure<Value>): Value {
  return readStruct(layout, new Memory(layout.size), 0, layout.size, false) as Value
}
