/**
 * Accounting: named counters and quotas that rules of xtables (match `nfacct`) count packets with
 * (uapi/linux/netfilter/nfnetlink_acct.h). Integers are in network order.
 *
 *  every message:  nlmsghdr, NFNL_SUBSYS_ACCT in the upper byte of its type | nfgenmsg | NFACCT_*
 */
import {
  type AttributeValues,
  attributeSet,
  be32,
  be64,
  flags,
  headedOperation,
  nested,
  padding,
  rawFamily,
  text,
} from '@ringlink/codec'
import { NETFILTER_PROTOCOL, type Nfgenmsg, nfgenmsgLayout } from './nfnetlink.ts'

/** `nlmsg_type` of the messages. */
export const AccountingMessage = {
  /** NFNL_MSG_ACCT_NEW */
  New: 0x0700,
  /** NFNL_MSG_ACCT_GET */
  Get: 0x0701,
  /** NFNL_MSG_ACCT_GET_CTRZERO: as Get, and the counters start again from 0 */
  GetAndZeroCounters: 0x0702,
  /** NFNL_MSG_ACCT_DEL: one, or without a name all that no rule uses */
  Delete: 0x0703,
  /** NFNL_MSG_ACCT_OVERQUOTA: from the kernel, a quota is used up */
  OverQuota: 0x0704,
} as const
export type AccountingMessage = (typeof AccountingMessage)[keyof typeof AccountingMessage]

/** What the quota counts, and whether it is used up. */
export const AccountingFlag = {
  /** NFACCT_F_QUOTA_PKTS */
  QuotaPkts: 0x1,
  /** NFACCT_F_QUOTA_BYTES */
  QuotaBytes: 0x2,
  /** NFACCT_F_OVERQUOTA: from the kernel */
  Overquota: 0x4,
} as const
export type AccountingFlag = (typeof AccountingFlag)[keyof typeof AccountingFlag]

const flagConstants = flags('NFACCT_F_', AccountingFlag)

/** NFACCT_*. */
export const accountingAttributes = attributeSet('NFACCT', {
  /** the kernel reserves 32 bytes (`NFACCT_NAME_MAX`) */
  name: text(1, 'NFACCT_NAME', 31),
  packets: be64(2, 'NFACCT_PKTS'),
  bytes: be64(3, 'NFACCT_BYTES'),
  /** rules that use it, and one */
  use: be32(4, 'NFACCT_USE'),
  flags: be32(5, 'NFACCT_FLAGS', { constants: flagConstants }),
  /** packets or bytes */
  quota: be64(6, 'NFACCT_QUOTA'),
  /** of a dump: only those whose flags are `value` where `mask` has bits */
  filter: nested(
    7,
    'NFACCT_FILTER',
    attributeSet('NFACCT_FILTER', {
      mask: be32(1, 'NFACCT_FILTER_MASK', { constants: flagConstants }),
      value: be32(2, 'NFACCT_FILTER_VALUE', { constants: flagConstants }),
    }),
  ),
  padding: padding(8, 'NFACCT_PAD'),
})
export interface AccountingAttributes extends AttributeValues<typeof accountingAttributes> {}

const exchange = (request: number, reply?: number) => ({ do: { request, reply } })

/** Counters and quotas by name. */
export const nfacct = rawFamily(
  'nfacct',
  NETFILTER_PROTOCOL,
  {
    new: headedOperation<Nfgenmsg, AccountingAttributes>(
      'NFNL_MSG_ACCT_NEW',
      nfgenmsgLayout,
      accountingAttributes,
      exchange(AccountingMessage.New),
    ),
    get: headedOperation<Nfgenmsg, AccountingAttributes>('NFNL_MSG_ACCT_GET', nfgenmsgLayout, accountingAttributes, {
      ...exchange(AccountingMessage.Get, AccountingMessage.New),
      dump: { request: AccountingMessage.Get, reply: AccountingMessage.New },
    }),
    getAndZeroCounters: headedOperation<Nfgenmsg, AccountingAttributes>(
      'NFNL_MSG_ACCT_GET_CTRZERO',
      nfgenmsgLayout,
      accountingAttributes,
      {
        ...exchange(AccountingMessage.GetAndZeroCounters, AccountingMessage.New),
        dump: { request: AccountingMessage.GetAndZeroCounters, reply: AccountingMessage.New },
      },
    ),
    delete: headedOperation<Nfgenmsg, AccountingAttributes>(
      'NFNL_MSG_ACCT_DEL',
      nfgenmsgLayout,
      accountingAttributes,
      exchange(AccountingMessage.Delete),
    ),
    overQuota: headedOperation<Nfgenmsg, AccountingAttributes>(
      'NFNL_MSG_ACCT_OVERQUOTA',
      nfgenmsgLayout,
      accountingAttributes,
      { event: AccountingMessage.OverQuota },
    ),
  },
  /** NFNLGRP_ACCT_QUOTA */
  { quota: 8 },
  'nfnetlink_acct',
  // EINVAL: nfnetlink has no such subsystem.
  { operation: 'get', mode: 'dump', request: {}, errno: 22 },
)
