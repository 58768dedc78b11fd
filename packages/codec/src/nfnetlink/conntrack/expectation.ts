/**
 * The attributes of an expected connection (CTA_EXPECT_*, uapi/linux/netfilter/nfnetlink_conntrack.h). Numbers are in
 * network order.
 */
import { be16, be32, nested, text } from '../../schema/describe.ts'
import { type AttributeValues, attributeSet } from '../../schema/format.ts'
import { tupleAttributes } from './tuple.ts'

/** CTA_EXPECT_NAT_*. */
export const expectationNatAttributes = attributeSet('CTA_EXPECT_NAT', {
  direction: be32(1, 'CTA_EXPECT_NAT_DIR'),
  tuple: nested(2, 'CTA_EXPECT_NAT_TUPLE', tupleAttributes),
})

/** CTA_EXPECT_*: an expected connection. */
export const expectationAttributes = attributeSet('CTA_EXPECT', {
  master: nested(1, 'CTA_EXPECT_MASTER', tupleAttributes),
  tuple: nested(2, 'CTA_EXPECT_TUPLE', tupleAttributes),
  mask: nested(3, 'CTA_EXPECT_MASK', tupleAttributes),
  timeout: be32(4, 'CTA_EXPECT_TIMEOUT'),
  id: be32(5, 'CTA_EXPECT_ID'),
  helperName: text(6, 'CTA_EXPECT_HELP_NAME', 15),
  zone: be16(7, 'CTA_EXPECT_ZONE'),
  flags: be32(8, 'CTA_EXPECT_FLAGS'),
  class: be32(9, 'CTA_EXPECT_CLASS'),
  nat: nested(10, 'CTA_EXPECT_NAT', expectationNatAttributes),
  functionName: text(11, 'CTA_EXPECT_FN', 255),
})
/** An expected connection as an owned value. */
export type Expectation = AttributeValues<typeof expectationAttributes>

/** Bits of CTA_EXPECT_FLAGS. */
export const ExpectationFlag = {
  /** NF_CT_EXPECT_PERMANENT: it stays after a connection has come of it */
  Permanent: 1,
  /** NF_CT_EXPECT_INACTIVE */
  Inactive: 2,
  /** NF_CT_EXPECT_USERSPACE: made by a program */
  UserSpace: 4,
} as const
export type ExpectationFlag = (typeof ExpectationFlag)[keyof typeof ExpectationFlag]
