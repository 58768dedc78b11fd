/**
 * Events of iSCSI's transport, which the kernel sends to its daemon, and requests with their answers
 * (include/scsi/iscsi_if.h, `struct iscsi_uevent`). Numbers are in host order. `nlmsg_type` of an event is 0: the type
 * is in the struct. An answer has that of its request, and no number: it is the request's struct with its result.
 *
 *  nlmsghdr | u32 type | u32 error | u64 transport | 24 bytes of requests | 16 bytes by the type | data, such as a PDU
 */
import { DecodeError, Memory, rawFamily, recordOperation } from '@ringlink/codec'
import { outOfRange } from '@ringlink/codec/internal'

/** NETLINK_ISCSI */
const ISCSI_PROTOCOL = 8

const DETAILS = 40
const LENGTH = DETAILS + 16

/** `type` of a request, which is `nlmsg_type` too. */
export const IscsiRequestType = {
  /** ISCSI_UEVENT_CREATE_SESSION */
  CreateSession: 11,
  /** ISCSI_UEVENT_DESTROY_SESSION */
  DestroySession: 12,
  /** ISCSI_UEVENT_CREATE_CONN */
  CreateConn: 13,
  /** ISCSI_UEVENT_DESTROY_CONN */
  DestroyConn: 14,
  /** ISCSI_UEVENT_BIND_CONN */
  BindConn: 15,
  /** ISCSI_UEVENT_SET_PARAM */
  SetParam: 16,
  /** ISCSI_UEVENT_START_CONN */
  StartConn: 17,
  /** ISCSI_UEVENT_STOP_CONN */
  StopConn: 18,
  /** ISCSI_UEVENT_SEND_PDU */
  SendPdu: 19,
  /** ISCSI_UEVENT_GET_STATS */
  GetStats: 20,
  /** ISCSI_UEVENT_GET_PARAM */
  GetParam: 21,
  /** ISCSI_UEVENT_TRANSPORT_EP_CONNECT */
  TransportEpConnect: 22,
  /** ISCSI_UEVENT_TRANSPORT_EP_POLL */
  TransportEpPoll: 23,
  /** ISCSI_UEVENT_TRANSPORT_EP_DISCONNECT */
  TransportEpDisconnect: 24,
  /** ISCSI_UEVENT_TGT_DSCVR */
  TgtDscvr: 25,
  /** ISCSI_UEVENT_SET_HOST_PARAM */
  SetHostParam: 26,
  /** ISCSI_UEVENT_UNBIND_SESSION */
  UnbindSession: 27,
} as const
export type IscsiRequestType = (typeof IscsiRequestType)[keyof typeof IscsiRequestType]

/** Types between these are of requests, and of the answers to them. */
const [FIRST_REQUEST, LAST_REQUEST] = [10, 99]

/** `type` of an event of the kernel's. */
export const IscsiEventType = {
  /** ISCSI_KEVENT_RECV_PDU: data that a target sent */
  RecvPdu: 101,
  /** ISCSI_KEVENT_CONN_ERROR */
  ConnError: 102,
  /** ISCSI_KEVENT_IF_ERROR: of a request */
  IfError: 103,
  /** ISCSI_KEVENT_DESTROY_SESSION */
  DestroySession: 104,
  /** ISCSI_KEVENT_UNBIND_SESSION */
  UnbindSession: 105,
  /** ISCSI_KEVENT_CREATE_SESSION */
  CreateSession: 106,
  /** ISCSI_KEVENT_PATH_REQ */
  PathReq: 107,
  /** ISCSI_KEVENT_IF_DOWN */
  IfDown: 108,
  /** ISCSI_KEVENT_CONN_LOGIN_STATE */
  ConnLoginState: 109,
  /** ISCSI_KEVENT_HOST_EVENT */
  HostEvent: 110,
  /** ISCSI_KEVENT_PING_COMP */
  PingComp: 111,
} as const
export type IscsiEventType = (typeof IscsiEventType)[keyof typeof IscsiEventType]

const typeNames = new Map<number, string>(Object.entries(IscsiEventType).map(([name, type]) => [type, name]))

/** What the words of an event are, by its type. */
const DETAIL_NAMES: Readonly<Record<number, readonly ('session' | 'connection' | 'host' | 'code' | 'size')[]>> = {
  [IscsiEventType.RecvPdu]: ['session', 'connection'],
  [IscsiEventType.ConnError]: ['session', 'connection', 'code'],
  [IscsiEventType.DestroySession]: ['host', 'session'],
  [IscsiEventType.UnbindSession]: ['session', 'host'],
  [IscsiEventType.CreateSession]: ['session', 'host'],
  [IscsiEventType.PathReq]: ['host'],
  [IscsiEventType.IfDown]: ['host'],
  [IscsiEventType.ConnLoginState]: ['session', 'connection', 'code'],
  [IscsiEventType.HostEvent]: ['host', 'size', 'code'],
  [IscsiEventType.PingComp]: ['host', 'code'],
}

/** An event of iSCSI's transport. What its type does not have is undefined. */
export interface IscsiEvent {
  /** of `IscsiEventType` */
  type: number
  /** the name of the type; of an unknown one undefined */
  name: string | undefined
  /** of an answer: the error (negative) of a request that the kernel refuses, whose type is then `IfError` */
  error: number
  /** the handle of the transport, hexadecimal */
  transport: string
  session?: number | undefined
  connection?: number | undefined
  host?: number | undefined
  /** the error of a connection, the state of a login, or what happened to a host: 1 its link is up, 2 down */
  code?: number | undefined
  /** bytes of data that a host sent */
  size?: number | undefined
  /** the data, two hexadecimal digits for each byte; of an unknown type, with the words that depend on it */
  data: string
}

/** Reads an event. Throws `DecodeError`. */
export function readIscsiEvent(memory: Memory, offset: number, length: number): IscsiEvent {
  if (length < LENGTH) throw new DecodeError('ATTRIBUTE_SIZE', 'iSCSI event', { offset, need: LENGTH, have: length })
  const word = (at: number) => memory.u32[(offset + at) >> 2] as number
  const type = word(0)
  const names = DETAIL_NAMES[type]
  const details = Object.fromEntries((names ?? []).map((name, index) => [name, word(DETAILS + index * 4)]))
  const from = names === undefined ? DETAILS : LENGTH
  const transport = memory.data.getBigUint64(offset + 8, IS_LITTLE).toString(16)
  const data = Array.from(memory.copy(offset + from, length - from), (byte) => byte.toString(16).padStart(2, '0'))
  return { type, name: typeNames.get(type), error: word(4) | 0, transport, ...details, data: data.join('') }
}

/** A request to iSCSI's transport. */
export interface IscsiRequest {
  /** of `IscsiRequestType` */
  readonly type: number
  /** the handle of the transport (/sys/class/iscsi_transport/tcp/handle) */
  readonly transport: bigint
  /** at most six 32-bit words of the request, by its type */
  readonly words?: readonly number[] | undefined
}

/**
 * The bytes of a request after its netlink header, for `session.post`: the answer comes as a notification, `answer`,
 * because it has no number. Throws `EncodeError`.
 */
export function writeIscsiRequest({ type, transport, words = [] }: IscsiRequest): Uint8Array {
  const memory = new Memory(LENGTH)
  const put = (at: number, value: number, what: string) => {
    if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) {
      throw outOfRange(`iSCSI request: ${what}`, 'an integer from 0 to 4294967295', value)
    }
    memory.u32[at >> 2] = value
  }
  if (words.length > WORDS) throw outOfRange('iSCSI request: words', `at most ${WORDS} numbers`, words.length)
  if (typeof transport !== 'bigint') throw outOfRange('iSCSI request: transport', 'a bigint', transport)
  put(0, type, 'type')
  memory.data.setBigUint64(8, transport, IS_LITTLE)
  for (const [index, word] of words.entries()) put(16 + index * 4, word, `words[${index}]`)
  return memory.copy(0, LENGTH)
}

/** Of 24 bytes. */
const WORDS = 6
const IS_LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** Events of iSCSI's transport, and its answers. */
export const iscsi = rawFamily(
  'iscsi',
  ISCSI_PROTOCOL,
  {
    event: recordOperation<IscsiEvent>('ISCSI_KEVENT', { types: [0, 0], read: readIscsiEvent }, {}),
    answer: recordOperation<IscsiEvent>(
      'ISCSI_UEVENT',
      { types: [FIRST_REQUEST, LAST_REQUEST], read: readIscsiEvent },
      {},
    ),
  },
  {
    /** ISCSI_NL_GRP_ISCSID */
    daemon: 1,
    /** ISCSI_NL_GRP_UIP */
    network: 2,
  },
  'scsi_transport_iscsi',
)
