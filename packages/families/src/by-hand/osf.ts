/**
 * Fingerprints of operating systems, by which rules recognise who opens a TCP connection
 * (uapi/linux/netfilter/nfnetlink_osf.h). The kernel adds and removes them, and lists none. Numbers are in host order.
 *
 *  every message:  nlmsghdr, NFNL_SUBSYS_OSF in the upper byte of its type | nfgenmsg | OSF_ATTR_FINGER
 */
import {
  type AttributeValues,
  attributeSet,
  characters,
  EncodeError,
  enumeration,
  field,
  headedOperation,
  inner,
  rawFamily,
  rest,
  type StructureValue,
  struct,
  structure,
} from '@ringlink/codec'
import { NETFILTER_PROTOCOL, type Nfgenmsg, nfgenmsgLayout } from './nfnetlink.ts'

/** `nlmsg_type` of the messages. */
export const OsfMessage = {
  /** OSF_MSG_ADD */
  Add: 0x0500,
  /** OSF_MSG_REMOVE */
  Remove: 0x0501,
} as const
export type OsfMessage = (typeof OsfMessage)[keyof typeof OsfMessage]

/** What a window or segment size is compared with. */
export const OsfWindow = {
  /** OSF_WSS_PLAIN: the number itself */
  Plain: 0,
  /** OSF_WSS_MSS: a multiple of the segment size */
  Mss: 1,
  /** OSF_WSS_MTU: a multiple of the segment size with 40 bytes of headers */
  Mtu: 2,
  /** OSF_WSS_MODULO: any multiple of the number */
  Modulo: 3,
} as const
export type OsfWindow = (typeof OsfWindow)[keyof typeof OsfWindow]

/** Kinds of TCP options, as IANA numbers them. */
export const OsfOption = {
  /** OSFOPT_EOL */
  Eol: 0,
  /** OSFOPT_NOP */
  Nop: 1,
  /** OSFOPT_MSS: the largest segment */
  Mss: 2,
  /** OSFOPT_WSO: the scale of windows */
  Wso: 3,
  /** OSFOPT_SACKP: selective acknowledgements are allowed */
  Sackp: 4,
  /** OSFOPT_SACK */
  Sack: 5,
  /** OSFOPT_ECHO */
  Echo: 6,
  /** OSFOPT_ECHOREPLY */
  Echoreply: 7,
  /** OSFOPT_TS: timestamps */
  Ts: 8,
  /** OSFOPT_POCP */
  Pocp: 9,
  /** OSFOPT_POSP */
  Posp: 10,
  /** OSFOPT_EMPTY: any other */
  Empty: 255,
} as const
export type OsfOption = (typeof OsfOption)[keyof typeof OsfOption]

/** Bytes of each name, with the zero byte that ends it (`MAXGENRELEN`). */
const NAME_LENGTH = 32
/** How many options a fingerprint has on the wire (`MAX_IPOPTLEN`). */
const OPTIONS = 40

const wildcardLayout = structure(
  { kind: field('u32', { constants: enumeration('OSF_WSS_', OsfWindow) }), value: 'u32' },
  'nf_osf_wc',
)

/** `struct nf_osf_opt`. */
export const osfOptionLayout = structure(
  {
    kind: field('u16', { constants: enumeration('OSFOPT_', OsfOption) }),
    /** bytes, with kind and length */
    length: 'u16',
    value: inner(wildcardLayout),
  },
  'nf_osf_opt',
)
export interface OsfOptionValue extends StructureValue<typeof osfOptionLayout> {}

/** `struct nf_osf_user_finger`: the first segment of a connection as a system sends it. */
export const osfFingerprintLayout = structure(
  {
    windowSize: inner(wildcardLayout),
    /** hops that the system begins with */
    timeToLive: 'u8',
    /** 1: IPv4's flag against fragments is set */
    dontFragment: 'u8',
    /** bytes of the packet */
    totalSize: 'u16',
    segmentSize: 'u16',
    /** how many of `options` count */
    optionCount: 'u16',
    /** `Linux` */
    genre: characters(NAME_LENGTH),
    version: characters(NAME_LENGTH),
    subtype: characters(NAME_LENGTH),
    /** as `osfOptions` makes them: the kernel takes 40 */
    options: rest(osfOptionLayout),
  },
  'nf_osf_user_finger',
)
export interface OsfFingerprint extends StructureValue<typeof osfFingerprintLayout> {}

/**
 * The options of a fingerprint, filled up to the 40 that its struct has. Throws `EncodeError` with code `VALUE_RANGE`
 * for more.
 */
export function osfOptions(...given: readonly OsfOptionValue[]): OsfOptionValue[] {
  if (given.length > OPTIONS) {
    throw new EncodeError('VALUE_RANGE', `a fingerprint has at most ${OPTIONS} options, got ${given.length}`)
  }
  const none = { kind: OsfOption.Eol, length: 0, value: { kind: OsfWindow.Plain, value: 0 } }
  return Array.from({ length: OPTIONS }, (_, index) => given[index] ?? none)
}

/** OSF_ATTR_*. */
export const osfAttributes = attributeSet('OSF_ATTR', {
  fingerprint: struct(1, 'OSF_ATTR_FINGER', osfFingerprintLayout),
})
export interface OsfAttributes extends AttributeValues<typeof osfAttributes> {}

const change = (kernelName: string, request: OsfMessage) =>
  headedOperation<Nfgenmsg, OsfAttributes>(kernelName, nfgenmsgLayout, osfAttributes, { do: { request } })
const nobody = {
  windowSize: { kind: OsfWindow.Plain, value: 0 },
  genre: 'asked by ringlink',
  options: osfOptions(),
}

/**
 * Fingerprints of operating systems. Adding needs the flag `NewFlag.Create`. Both need CAP_NET_ADMIN in the first user
 * namespace.
 */
export const osf = rawFamily(
  'nf_osf',
  NETFILTER_PROTOCOL,
  { add: change('OSF_MSG_ADD', OsfMessage.Add), remove: change('OSF_MSG_REMOVE', OsfMessage.Remove) },
  {},
  'nfnetlink_osf',
  // EINVAL: nfnetlink has no such subsystem. Otherwise the kernel has no such fingerprint.
  { operation: 'remove', mode: 'do', request: { fingerprint: nobody }, errno: 22 },
)
