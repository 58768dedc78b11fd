/**
 * Named objects of nf_tables: counters, quotas and the like, which rules and set elements refer to by name
 * (uapi/linux/netfilter/nf_tables.h). Integers are in network byte order.
 *
 *  object: table | name | type | NFTA_OBJ_DATA: attributes of the table that the type selects
 */
import { be16, be32, be64, bytes, text, u8, u32, union } from '../../schema/describe.ts'
import { attributeSet } from '../../schema/format.ts'
import { connlimitAttributes, limitAttributes, quotaAttributes } from './expressions/match.ts'
import { synproxyAttributes } from './expressions/synproxy.ts'
import { tunnelObjectAttributes } from './expressions/tunnel.ts'
import { counterAttributes, MAXIMUM_NFTABLES_NAME, MAXIMUM_NFTABLES_USER_DATA } from './messages.ts'

/** What a named object is. */
export const NfTablesObjectType = {
  /** NFT_OBJECT_COUNTER */
  Counter: 1,
  /** NFT_OBJECT_QUOTA */
  Quota: 2,
  /** NFT_OBJECT_CT_HELPER */
  ConntrackHelper: 3,
  /** NFT_OBJECT_LIMIT */
  Limit: 4,
  /** NFT_OBJECT_CONNLIMIT */
  ConnectionLimit: 5,
  /** NFT_OBJECT_TUNNEL */
  Tunnel: 6,
  /** NFT_OBJECT_CT_TIMEOUT */
  ConntrackTimeout: 7,
  /** NFT_OBJECT_SECMARK */
  SecurityMark: 8,
  /** NFT_OBJECT_CT_EXPECT */
  ConntrackExpectation: 9,
  /** NFT_OBJECT_SYNPROXY */
  Synproxy: 10,
} as const
export type NfTablesObjectType = (typeof NfTablesObjectType)[keyof typeof NfTablesObjectType]

/** The longest security context of an object, in bytes, with the zero byte (`NFT_SECMARK_CTX_MAXLEN`). */
const MAXIMUM_SECURITY_CONTEXT = 4096

/** NFTA_CT_HELPER_*: object `ct helper`. */
const helperObjectAttributes = attributeSet('NFTA_CT_HELPER', {
  name: text(1, 'NFTA_CT_HELPER_NAME', 15),
  networkProtocol: be16(2, 'NFTA_CT_HELPER_L3PROTO'),
  transportProtocol: u8(3, 'NFTA_CT_HELPER_L4PROTO'),
})
/** NFTA_CT_TIMEOUT_*: object `ct timeout`. */
const timeoutObjectAttributes = attributeSet('NFTA_CT_TIMEOUT', {
  networkProtocol: be16(1, 'NFTA_CT_TIMEOUT_L3PROTO'),
  transportProtocol: u8(2, 'NFTA_CT_TIMEOUT_L4PROTO'),
  /** seconds for each state of the protocol: attributes CTA_TIMEOUT_* of nfnetlink_cttimeout.h */
  timeouts: bytes(3, 'NFTA_CT_TIMEOUT_DATA'),
})
/** NFTA_CT_EXPECT_*: object `ct expectation`. */
const expectationObjectAttributes = attributeSet('NFTA_CT_EXPECT', {
  networkProtocol: be16(1, 'NFTA_CT_EXPECT_L3PROTO'),
  transportProtocol: u8(2, 'NFTA_CT_EXPECT_L4PROTO'),
  destinationPort: be16(3, 'NFTA_CT_EXPECT_DPORT'),
  /** milliseconds, in host order */
  timeout: u32(4, 'NFTA_CT_EXPECT_TIMEOUT'),
  /** how many expected connections there may be */
  size: u8(5, 'NFTA_CT_EXPECT_SIZE'),
})
/** NFTA_SECMARK_*: object `secmark`. */
const securityMarkAttributes = attributeSet('NFTA_SECMARK', {
  context: text(1, 'NFTA_SECMARK_CTX', MAXIMUM_SECURITY_CONTEXT - 1),
})

/** NFTA_OBJ_*: an object that has a name. */
export const objectAttributes = attributeSet('NFTA_OBJ', {
  table: text(1, 'NFTA_OBJ_TABLE', MAXIMUM_NFTABLES_NAME),
  name: text(2, 'NFTA_OBJ_NAME', MAXIMUM_NFTABLES_NAME),
  /** of `NfTablesObjectType` */
  type: be32(3, 'NFTA_OBJ_TYPE'),
  /** the attributes that the type has */
  data: union(4, 'NFTA_OBJ_DATA', 'type', {
    [NfTablesObjectType.Counter]: counterAttributes,
    [NfTablesObjectType.Quota]: quotaAttributes,
    [NfTablesObjectType.ConntrackHelper]: helperObjectAttributes,
    [NfTablesObjectType.Limit]: limitAttributes,
    [NfTablesObjectType.ConnectionLimit]: connlimitAttributes,
    [NfTablesObjectType.Tunnel]: tunnelObjectAttributes,
    [NfTablesObjectType.ConntrackTimeout]: timeoutObjectAttributes,
    [NfTablesObjectType.SecurityMark]: securityMarkAttributes,
    [NfTablesObjectType.ConntrackExpectation]: expectationObjectAttributes,
    [NfTablesObjectType.Synproxy]: synproxyAttributes,
  }),
  use: be32(5, 'NFTA_OBJ_USE'),
  handle: be64(6, 'NFTA_OBJ_HANDLE'),
  padding: bytes(7, 'NFTA_OBJ_PAD'),
  userData: bytes(8, 'NFTA_OBJ_USERDATA', 0, MAXIMUM_NFTABLES_USER_DATA),
})
