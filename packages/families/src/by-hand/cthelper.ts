/**
 * Helpers of connection tracking that run in user space: the kernel queues packets of their connections
 * (uapi/linux/netfilter/ nfnetlink_cthelper.h). Integers are in network order.
 *
 *  every message:  nlmsghdr, NFNL_SUBSYS_CTHELPER in the upper byte of its type | nfgenmsg | NFCTH_*
 */
import {
  type AttributeValues,
  attributeSet,
  be16,
  be32,
  enumeration,
  headedOperation,
  nested,
  rawFamily,
  text,
  u8,
} from '@ringlink/codec'
import { NETFILTER_PROTOCOL, type Nfgenmsg, nfgenmsgLayout } from './nfnetlink.ts'

/** `nlmsg_type` of the messages. */
export const HelperMessage = {
  /** NFNL_MSG_CTHELPER_NEW */
  New: 0x0900,
  /** NFNL_MSG_CTHELPER_GET */
  Get: 0x0901,
  /** NFNL_MSG_CTHELPER_DEL */
  Delete: 0x0902,
} as const
export type HelperMessage = (typeof HelperMessage)[keyof typeof HelperMessage]

/** Whether connections get the helper. */
export const HelperStatus = {
  /** NFCT_HELPER_STATUS_DISABLED */
  Disabled: 0,
  /** NFCT_HELPER_STATUS_ENABLED */
  Enabled: 1,
} as const
export type HelperStatus = (typeof HelperStatus)[keyof typeof HelperStatus]

const policyAttributes = attributeSet('NFCTH_POLICY', {
  name: text(1, 'NFCTH_POLICY_NAME', 15),
  /** expected connections that a connection may have */
  maximum: be32(2, 'NFCTH_POLICY_EXPECT_MAX'),
  /** seconds that one is expected for */
  timeout: be32(3, 'NFCTH_POLICY_EXPECT_TIMEOUT'),
})

/** NFCTH_*. */
export const helperAttributes = attributeSet('NFCTH', {
  name: text(1, 'NFCTH_NAME', 15),
  /** the connections that may have it */
  tuple: nested(
    2,
    'NFCTH_TUPLE',
    attributeSet('NFCTH_TUPLE', {
      networkProtocol: be16(1, 'NFCTH_TUPLE_L3PROTONUM'),
      transportProtocol: u8(2, 'NFCTH_TUPLE_L4PROTONUM'),
    }),
  ),
  /** the queue that packets go to */
  queue: be32(3, 'NFCTH_QUEUE_NUM'),
  policies: nested(
    4,
    'NFCTH_POLICY',
    attributeSet('NFCTH_POLICY_SET', {
      /** how many of the following there are */
      count: be32(1, 'NFCTH_POLICY_SET_NUM'),
      first: nested(2, 'NFCTH_POLICY_SET', policyAttributes),
      second: nested(3, 'NFCTH_POLICY_SET2', policyAttributes),
      third: nested(4, 'NFCTH_POLICY_SET3', policyAttributes),
      fourth: nested(5, 'NFCTH_POLICY_SET4', policyAttributes),
    }),
  ),
  /** bytes that the helper has in each connection */
  privateLength: be32(5, 'NFCTH_PRIV_DATA_LEN'),
  status: be32(6, 'NFCTH_STATUS', { constants: enumeration('NFCT_HELPER_STATUS_', HelperStatus) }),
})
export interface HelperAttributes extends AttributeValues<typeof helperAttributes> {}

/** Helpers by name and tuple. */
export const cthelper = rawFamily(
  'cthelper',
  NETFILTER_PROTOCOL,
  {
    new: headedOperation<Nfgenmsg, HelperAttributes>('NFNL_MSG_CTHELPER_NEW', nfgenmsgLayout, helperAttributes, {
      do: { request: HelperMessage.New },
    }),
    get: headedOperation<Nfgenmsg, HelperAttributes>('NFNL_MSG_CTHELPER_GET', nfgenmsgLayout, helperAttributes, {
      do: { request: HelperMessage.Get, reply: HelperMessage.New },
      dump: { request: HelperMessage.Get, reply: HelperMessage.New },
    }),
    delete: headedOperation<Nfgenmsg, HelperAttributes>('NFNL_MSG_CTHELPER_DEL', nfgenmsgLayout, helperAttributes, {
      do: { request: HelperMessage.Delete },
    }),
  },
  {},
  'nfnetlink_cthelper',
  // EINVAL: nfnetlink has no such subsystem.
  { operation: 'get', mode: 'dump', request: {}, errno: 22 },
)
