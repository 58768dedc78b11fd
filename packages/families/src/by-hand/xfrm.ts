/**
 * IPsec: security associations and policies, to read and to watch (uapi/linux/xfrm.h). Addresses, ports and numbers of
 * states (SPI) are in network order, the rest in host order. What follows a struct that ends with a key is in
 * `unknown`.
 *
 *  every message:  nlmsghdr | a struct that the type has | XFRMA_*
 */
import {
  type AttributeValues,
  askingOperation,
  attributeSet,
  bytes,
  bytesField,
  enumeration,
  field,
  headedOperation,
  operation,
  padding,
  rawFamily,
  rest,
  struct,
  structure,
  u8,
  u32,
  u64,
} from '@ringlink/codec'
import { XfrmMessage } from './xfrm-constants.ts'
import {
  type XfrmAcquire,
  type XfrmExpiry,
  type XfrmPolicy,
  type XfrmPolicyId,
  type XfrmState,
  type XfrmStateId,
  xfrmAcquireLayout,
  xfrmAeadLayout,
  xfrmAlgorithmLayout,
  xfrmEncapsulationLayout,
  xfrmExpiryLayout,
  xfrmPolicyIdLayout,
  xfrmPolicyLayout,
  xfrmStateIdLayout,
  xfrmStateLayout,
  xfrmTemplateLayout,
  xfrmTruncatedLayout,
  xfrmUsageLayout,
} from './xfrm-layouts.ts'

/** NETLINK_XFRM */
const XFRM_PROTOCOL = 6

/** XFRMA_*. */
export const xfrmAttributes = attributeSet('XFRMA', {
  authentication: struct(1, 'XFRMA_ALG_AUTH', xfrmAlgorithmLayout),
  encryption: struct(2, 'XFRMA_ALG_CRYPT', xfrmAlgorithmLayout),
  compression: struct(3, 'XFRMA_ALG_COMP', xfrmAlgorithmLayout),
  encapsulation: struct(4, 'XFRMA_ENCAP', xfrmEncapsulationLayout),
  templates: struct(5, 'XFRMA_TMPL', structure({ list: rest(xfrmTemplateLayout) }, 'xfrm_user_tmpl')),
  state: struct(6, 'XFRMA_SA', xfrmStateLayout),
  policy: struct(7, 'XFRMA_POLICY', xfrmPolicyLayout),
  /** `struct xfrm_user_sec_ctx` */
  securityContext: bytes(8, 'XFRMA_SEC_CTX'),
  usage: struct(9, 'XFRMA_LTIME_VAL', xfrmUsageLayout),
  replay: struct(10, 'XFRMA_REPLAY_VAL', { sentSequence: 'u32', sequence: 'u32', bitmap: 'u32' }),
  replayThreshold: u32(11, 'XFRMA_REPLAY_THRESH'),
  timerThreshold: u32(12, 'XFRMA_ETIMER_THRESH'),
  source: bytes(13, 'XFRMA_SRCADDR', 16, 16, 'ip'),
  careOf: bytes(14, 'XFRMA_COADDR', 16, 16, 'ip'),
  /** seconds since 1970 */
  lastUsed: u64(15, 'XFRMA_LASTUSED'),
  policyType: struct(16, 'XFRMA_POLICY_TYPE', { type: 'u8', pad: 1, pad2: 2, pad3: 2 }),
  /** `struct xfrm_user_migrate`, consecutively */
  migrations: bytes(17, 'XFRMA_MIGRATE'),
  aead: struct(18, 'XFRMA_ALG_AEAD', xfrmAeadLayout),
  /** `struct xfrm_user_kmaddress` */
  keyManager: bytes(19, 'XFRMA_KMADDRESS'),
  truncatedAuthentication: struct(20, 'XFRMA_ALG_AUTH_TRUNC', xfrmTruncatedLayout),
  mark: struct(21, 'XFRMA_MARK', { value: 'u32', mask: 'u32' }),
  flowPadding: u32(22, 'XFRMA_TFCPAD'),
  extendedReplay: struct(
    23,
    'XFRMA_REPLAY_ESN_VAL',
    structure(
      {
        words: 'u32',
        sentSequence: 'u32',
        sequence: 'u32',
        sentSequenceHigh: 'u32',
        sequenceHigh: 'u32',
        window: 'u32',
        bitmap: rest(structure({ word: 'u32' }, 'bitmap')),
      },
      'xfrm_replay_state_esn',
    ),
  ),
  /**
   * bits: 1 the service class is not copied (XFRM_SA_XFLAG_DONT_ENCAP_DSCP), 2 sent numbers may wrap
   * (XFRM_SA_XFLAG_OSEQ_MAY_WRAP)
   */
  extraFlags: u32(24, 'XFRMA_SA_EXTRA_FLAGS'),
  /** of a dump: only this protocol */
  protocol: u8(25, 'XFRMA_PROTO'),
  /** of a dump: only these addresses */
  filter: struct(26, 'XFRMA_ADDRESS_FILTER', {
    source: bytesField(16, 'ip'),
    destination: bytesField(16, 'ip'),
    family: 'u16',
    sourcePrefix: 'u8',
    destinationPrefix: 'u8',
  }),
  padding: padding(27, 'XFRMA_PAD'),
  offload: struct(28, 'XFRMA_OFFLOAD_DEV', { device: 's32', flags: 'u8', pad: 3 }),
  setMark: u32(29, 'XFRMA_SET_MARK'),
  setMarkMask: u32(30, 'XFRMA_SET_MARK_MASK'),
  interfaceId: u32(31, 'XFRMA_IF_ID'),
  /** seconds */
  mappingThreshold: u32(32, 'XFRMA_MTIMER_THRESH'),
  /** of `XfrmDirection` as a state has it: 1 in, 2 out; Linux 6.10 */
  direction: u8(33, 'XFRMA_SA_DIR'),
  /** Linux 6.13 */
  natKeepalive: u32(34, 'XFRMA_NAT_KEEPALIVE_INTERVAL'),
  /** Linux 6.14 */
  processor: u32(35, 'XFRMA_SA_PCPU'),
})
export interface XfrmAttributes extends AttributeValues<typeof xfrmAttributes> {}

/** XFRMA_SAD_*: how many states there are. */
export const xfrmStateCountAttributes = attributeSet('XFRMA_SAD', {
  count: u32(1, 'XFRMA_SAD_CNT'),
  hash: struct(2, 'XFRMA_SAD_HINFO', { buckets: 'u32', maximumBuckets: 'u32' }),
})
export interface XfrmStateCountAttributes extends AttributeValues<typeof xfrmStateCountAttributes> {}

/** XFRMA_SPD_*: how many policies there are. */
export const xfrmPolicyCountAttributes = attributeSet('XFRMA_SPD', {
  counts: struct(1, 'XFRMA_SPD_INFO', {
    in: 'u32',
    out: 'u32',
    forward: 'u32',
    socketIn: 'u32',
    socketOut: 'u32',
    socketForward: 'u32',
  }),
  hash: struct(2, 'XFRMA_SPD_HINFO', { buckets: 'u32', maximumBuckets: 'u32' }),
  ipv4Threshold: struct(3, 'XFRMA_SPD_IPV4_HTHRESH', { local: 'u8', remote: 'u8' }),
  ipv6Threshold: struct(4, 'XFRMA_SPD_IPV6_HTHRESH', { local: 'u8', remote: 'u8' }),
})
export interface XfrmPolicyCountAttributes extends AttributeValues<typeof xfrmPolicyCountAttributes> {}

const countHeader = structure({ flags: 'u32' }, 'flags')
interface CountHeader {
  flags: number
}

/** What the policies of a namespace do with packets that none is for. */
export const XfrmDefault = {
  /** XFRM_USERPOLICY_UNSPEC */
  Unspec: 0,
  /** XFRM_USERPOLICY_BLOCK */
  Block: 1,
  /** XFRM_USERPOLICY_ACCEPT */
  Accept: 2,
} as const
export type XfrmDefault = (typeof XfrmDefault)[keyof typeof XfrmDefault]
const defaultMeaning = enumeration('XFRM_USERPOLICY_', XfrmDefault)

const defaultsLayout = structure(
  {
    in: field('u8', { constants: defaultMeaning }),
    forward: field('u8', { constants: defaultMeaning }),
    out: field('u8', { constants: defaultMeaning }),
  },
  'xfrm_userpolicy_default',
)
const flushLayout = structure({ protocol: 'u8' }, 'xfrm_usersa_flush')
interface Defaults {
  in: number
  forward: number
  out: number
}

const stateReply = { header: xfrmStateLayout, attributes: xfrmAttributes }
const policyReply = { header: xfrmPolicyLayout, attributes: xfrmAttributes }
const onState = (kernelName: string, event: number) =>
  headedOperation<XfrmState, XfrmAttributes>(kernelName, xfrmStateLayout, xfrmAttributes, { event })
const onPolicy = (kernelName: string, event: number) =>
  headedOperation<XfrmPolicy, XfrmAttributes>(kernelName, xfrmPolicyLayout, xfrmAttributes, { event })
const { GetState, NewState, GetPolicy, NewPolicy, GetStateCounts, NewStateCounts, GetPolicyCounts, NewPolicyCounts } =
  XfrmMessage

/** Security associations and policies, as far as they are read and watched. */
export const xfrm = rawFamily(
  'xfrm',
  XFRM_PROTOCOL,
  {
    getStates: askingOperation<never, XfrmAttributes, XfrmState, XfrmAttributes>(
      'XFRM_MSG_GETSA',
      { attributes: xfrmAttributes },
      stateReply,
      { dump: { request: GetState, reply: NewState } },
    ),
    getState: askingOperation<XfrmStateId, XfrmAttributes, XfrmState, XfrmAttributes>(
      'XFRM_MSG_GETSA',
      { header: xfrmStateIdLayout, attributes: xfrmAttributes },
      stateReply,
      { do: { request: GetState, reply: NewState } },
    ),
    getPolicies: askingOperation<never, XfrmAttributes, XfrmPolicy, XfrmAttributes>(
      'XFRM_MSG_GETPOLICY',
      { attributes: xfrmAttributes },
      policyReply,
      { dump: { request: GetPolicy, reply: NewPolicy } },
    ),
    getPolicy: askingOperation<XfrmPolicyId, XfrmAttributes, XfrmPolicy, XfrmAttributes>(
      'XFRM_MSG_GETPOLICY',
      { header: xfrmPolicyIdLayout, attributes: xfrmAttributes },
      policyReply,
      { do: { request: GetPolicy, reply: NewPolicy } },
    ),
    getStateCounts: headedOperation<CountHeader, XfrmStateCountAttributes>(
      'XFRM_MSG_GETSADINFO',
      countHeader,
      xfrmStateCountAttributes,
      { do: { request: GetStateCounts, reply: NewStateCounts } },
    ),
    getPolicyCounts: headedOperation<CountHeader, XfrmPolicyCountAttributes>(
      'XFRM_MSG_GETSPDINFO',
      countHeader,
      xfrmPolicyCountAttributes,
      { do: { request: GetPolicyCounts, reply: NewPolicyCounts } },
    ),
    getDefault: headedOperation<Defaults, XfrmAttributes>('XFRM_MSG_GETDEFAULT', defaultsLayout, xfrmAttributes, {
      do: { request: XfrmMessage.GetDefault, reply: XfrmMessage.GetDefault },
    }),
    newState: onState('XFRM_MSG_NEWSA', NewState),
    updateState: onState('XFRM_MSG_UPDSA', XfrmMessage.UpdateState),
    deleteState: headedOperation<XfrmStateId, XfrmAttributes>('XFRM_MSG_DELSA', xfrmStateIdLayout, xfrmAttributes, {
      event: XfrmMessage.DeleteState,
    }),
    expire: headedOperation<XfrmExpiry, XfrmAttributes>('XFRM_MSG_EXPIRE', xfrmExpiryLayout, xfrmAttributes, {
      event: XfrmMessage.Expire,
    }),
    acquire: headedOperation<XfrmAcquire, XfrmAttributes>('XFRM_MSG_ACQUIRE', xfrmAcquireLayout, xfrmAttributes, {
      event: XfrmMessage.Acquire,
    }),
    newPolicy: onPolicy('XFRM_MSG_NEWPOLICY', NewPolicy),
    updatePolicy: onPolicy('XFRM_MSG_UPDPOLICY', XfrmMessage.UpdatePolicy),
    deletePolicy: headedOperation<XfrmPolicyId, XfrmAttributes>(
      'XFRM_MSG_DELPOLICY',
      xfrmPolicyIdLayout,
      xfrmAttributes,
      { event: XfrmMessage.DeletePolicy },
    ),
    flushStates: headedOperation<{ protocol: number }, XfrmAttributes>(
      'XFRM_MSG_FLUSHSA',
      flushLayout,
      xfrmAttributes,
      {
        event: XfrmMessage.FlushStates,
      },
    ),
    flushPolicies: operation<XfrmAttributes>('XFRM_MSG_FLUSHPOLICY', xfrmAttributes, {
      event: XfrmMessage.FlushPolicies,
    }),
  },
  {
    /** XFRMNLGRP_ACQUIRE */
    acquire: 1,
    /** XFRMNLGRP_EXPIRE */
    expire: 2,
    /** XFRMNLGRP_SA */
    state: 3,
    /** XFRMNLGRP_POLICY */
    policy: 4,
    /** XFRMNLGRP_AEVENTS */
    events: 5,
    /** XFRMNLGRP_REPORT */
    report: 6,
    /** XFRMNLGRP_MIGRATE */
    migrate: 7,
    /** XFRMNLGRP_MAPPING */
    mapping: 8,
  },
  'xfrm_user',
)
