/** What the kernel accepts in requests for links (`ifla_policy`, `ifla_info_policy`), as far as it is modelled. */
import { PolicyType } from '@ringlink/codec'
import { attributeNumbers } from '@ringlink/codec/internal'
import { linkAttributes, linkinfoAttributes } from '@ringlink/families/rt-link'
import type { AttributeRule, AttributeRules } from '../netlink/attribute-rules.ts'

export const IFLA = attributeNumbers(linkAttributes)
export const IFLA_INFO = attributeNumbers(linkinfoAttributes)

const u32: AttributeRule = { type: PolicyType.U32 }
const LONGEST_NAME = 15
const LONGEST_ADDRESS = 32

export const linkRules: AttributeRules = {
  maximum: 69,
  rules: new Map<number, AttributeRule>([
    [IFLA.ifname, { type: PolicyType.String, longest: LONGEST_NAME }],
    [IFLA.address, { type: PolicyType.Binary, longest: LONGEST_ADDRESS }],
    [IFLA.broadcast, { type: PolicyType.Binary, longest: LONGEST_ADDRESS }],
    [IFLA.mtu, u32],
    [IFLA.link, u32],
    [IFLA.master, u32],
    [IFLA.txqlen, u32],
    [IFLA.group, u32],
    [IFLA.extMask, u32],
    [IFLA.linkinfo, { type: PolicyType.Nested }],
    [IFLA.ifalias, { type: PolicyType.String, longest: 255 }],
    [IFLA.altIfname, { type: PolicyType.String, longest: 127 }],
  ]),
}

export const infoRules: AttributeRules = {
  maximum: IFLA_INFO.slaveData,
  rules: new Map<number, AttributeRule>([
    [IFLA_INFO.kind, { type: PolicyType.String }],
    [IFLA_INFO.data, { type: PolicyType.Nested }],
    [IFLA_INFO.slaveKind, { type: PolicyType.String }],
    [IFLA_INFO.slaveData, { type: PolicyType.Nested }],
  ]),
}

/** The attributes of a link that can be set. */
export const settable: ReadonlySet<number> = new Set([
  IFLA.ifname,
  IFLA.address,
  IFLA.broadcast,
  IFLA.mtu,
  IFLA.master,
  IFLA.txqlen,
  IFLA.group,
  IFLA.linkinfo,
  IFLA.ifalias,
])

/** VETH_INFO_PEER: a link message within an attribute */
export const VETH_INFO_PEER = 1
export const vethRules: AttributeRules = { maximum: VETH_INFO_PEER, rules: new Map() }
