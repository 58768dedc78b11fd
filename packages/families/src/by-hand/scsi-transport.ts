/**
 * Events of SCSI transports: of Fibre Channel hosts, and those that a host's driver sends itself (scsi/scsi_netlink.h,
 * scsi_netlink_fc.h). Numbers are in host order.
 *
 *  nlmsghdr of type SCSI_TRANSPORT_MSG | scsi_nl_hdr: version, transport, magic 0xa1b2, type, length | the event
 */
import { DecodeError, type Memory, rawFamily, recordOperation } from '@ringlink/codec'

/** NETLINK_SCSITRANSPORT */
const SCSI_PROTOCOL = 18
/** SCSI_TRANSPORT_MSG: the only `nlmsg_type` */
const SCSI_MESSAGE = 0x11

const MAGIC = 0xa1b2
const HEADER_LENGTH = 8
const FIBRE_CHANNEL_LENGTH = 40
const VENDOR_LENGTH = 24

/** `transport` of an event. */
export const ScsiTransport = {
  /** SCSI_NL_TRANSPORT: a host of any connection */
  Host: 0,
  /** SCSI_NL_TRANSPORT_FC */
  FibreChannel: 1,
} as const
export type ScsiTransport = (typeof ScsiTransport)[keyof typeof ScsiTransport]

/** `type` of an event. */
export const ScsiMessageType = {
  /** SCSI_NL_SHOST_VENDOR: of the vendor's own format */
  HostVendor: 0x0001,
  /** FC_NL_ASYNC_EVENT */
  FibreChannelEvent: 0x0100,
} as const
export type ScsiMessageType = (typeof ScsiMessageType)[keyof typeof ScsiMessageType]

/** What happened at a Fibre Channel host (scsi/scsi_transport_fc.h, `enum fc_host_event_code`). */
export const FibreChannelEventCode = {
  /** FCH_EVT_LIP */
  Lip: 0x1,
  /** FCH_EVT_LINKUP */
  Linkup: 0x2,
  /** FCH_EVT_LINKDOWN */
  Linkdown: 0x3,
  /** FCH_EVT_LIPRESET */
  Lipreset: 0x4,
  /** FCH_EVT_RSCN */
  Rscn: 0x5,
  /** FCH_EVT_ADAPTER_CHANGE */
  AdapterChange: 0x103,
  /** FCH_EVT_PORT_UNKNOWN */
  PortUnknown: 0x200,
  /** FCH_EVT_PORT_OFFLINE */
  PortOffline: 0x201,
  /** FCH_EVT_PORT_ONLINE */
  PortOnline: 0x202,
  /** FCH_EVT_PORT_FABRIC */
  PortFabric: 0x204,
  /** FCH_EVT_LINK_UNKNOWN */
  LinkUnknown: 0x500,
  /** FCH_EVT_LINK_FPIN */
  LinkFpin: 0x501,
  /** FCH_EVT_VENDOR_UNIQUE */
  VendorUnique: 0xffff,
} as const
export type FibreChannelEventCode = (typeof FibreChannelEventCode)[keyof typeof FibreChannelEventCode]

const codeNames = new Map<number, string>(Object.entries(FibreChannelEventCode).map(([name, code]) => [code, name]))

/** An event of a SCSI transport. */
export interface ScsiEvent {
  /** of `ScsiTransport` */
  transport: number
  /** of `ScsiMessageType` */
  type: number
  /** number of the host; of events of other types undefined, as all that follows */
  host?: number | undefined
  /** of a driver's own events, in decimal digits */
  vendor?: string | undefined
  /** of Fibre Channel: seconds since 1970 */
  time?: number | undefined
  /** of Fibre Channel: counts the events of all hosts */
  number?: number | undefined
  /** of Fibre Channel: of `FibreChannelEventCode` */
  code?: number | undefined
  /** the name of `code` */
  name?: string | undefined
  /** the data, two hexadecimal digits for each byte; of events of other types all that follows the header */
  data: string
}

/** Reads an event. Throws `DecodeError`. */
export function readScsiEvent(memory: Memory, offset: number, length: number): ScsiEvent {
  expectLength(offset, HEADER_LENGTH, length)
  const half = (at: number) => memory.u16[(offset + at) >> 1] as number
  const word = (at: number) => memory.u32[(offset + at) >> 2] as number
  const wide = (at: number) => (BigInt(word(at + HIGH)) << 32n) | BigInt(word(at + LOW))
  const transport = memory.u8[offset + 1] as number
  const type = half(4)
  if (half(2) !== MAGIC) throw new DecodeError('MESSAGE_TYPE', 'SCSI event', { offset, need: MAGIC, have: half(2) })
  const dataFrom = (start: number, size = length - start) =>
    digitsOf(memory.copy(offset + start, Math.max(0, Math.min(size, length - start))))
  if (type === ScsiMessageType.FibreChannelEvent && transport === ScsiTransport.FibreChannel) {
    expectLength(offset, FIBRE_CHANNEL_LENGTH, length)
    const code = word(32)
    return {
      ...{ transport, type, host: half(24), vendor: String(wide(16)), time: Number(wide(8)), number: word(28), code },
      name: codeNames.get(code),
      data: dataFrom(36, half(26)),
    }
  }
  if (type === ScsiMessageType.HostVendor) {
    expectLength(offset, VENDOR_LENGTH, length)
    return { transport, type, vendor: String(wide(8)), host: half(16), data: dataFrom(VENDOR_LENGTH, half(18)) }
  }
  return { transport, type, data: dataFrom(HEADER_LENGTH) }
}

/** Where the halves of eight bytes are in host order. */
const [LOW, HIGH] = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? [0, 4] : [4, 0]

function digitsOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function expectLength(offset: number, need: number, have: number): void {
  if (have < need) throw new DecodeError('ATTRIBUTE_SIZE', 'SCSI event', { offset, need, have })
}

/** Events of SCSI transports. */
export const scsiTransport = rawFamily(
  'scsi_transport',
  SCSI_PROTOCOL,
  {
    event: recordOperation<ScsiEvent>(
      'SCSI_TRANSPORT_MSG',
      { types: [SCSI_MESSAGE, SCSI_MESSAGE], read: readScsiEvent },
      {},
    ),
  },
  {
    /** SCSI_NL_GRP_FC_EVENTS: the kernel gives the bit of group 2 as a number, which is 4 */
    fibreChannel: 4,
  },
  'scsi_mod',
)
