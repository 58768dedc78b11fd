/**
 * Audit: its status, features and rules, and its records as they are made (uapi/linux/audit.h). Numbers are in host
 * order. The kernel answers after its acknowledgement, and only processes of the first user and process namespaces.
 *
 *  status:   nlmsghdr of type AUDIT_GET | struct audit_status
 *  rules:    nlmsghdr of type AUDIT_LIST_RULES | struct audit_rule_data, for each; Done
 *  records:  nlmsghdr | text; to the audit daemon nlmsg_len is that of the text alone
 */
import {
  type AttributeValues,
  attributeSet,
  enumeration,
  field,
  flags,
  headedOperation,
  rawFamily,
  recordOperation,
  type StructureValue,
  structure,
} from '@ringlink/codec'
import { AuditCapability, AuditFailure, AuditMessage, AuditStatusField } from './audit-constants.ts'
import { type AuditRecord, readAuditRecord } from './audit-record.ts'
import { type AuditRule, readAuditRule, writeAuditRule } from './audit-rule.ts'

/** NETLINK_AUDIT */
const AUDIT_PROTOCOL = 9
/** AUDIT_FIRST_USER_MSG */
const FIRST_RECORD = 1100
/** AUDIT_LAST_USER_MSG2 */
const LAST_RECORD = 2999

/** `struct audit_status`. */
export const auditStatusLayout = structure(
  {
    /** of a request: which fields are set */
    mask: field('u32', { constants: flags('AUDIT_STATUS_', AuditStatusField) }),
    /** 0 off, 1 on, 2 on until the machine starts again */
    enabled: 'u32',
    failure: field('u32', { constants: enumeration('AUDIT_FAIL_', AuditFailure) }),
    /** process id of the audit daemon; 0 none */
    pid: 'u32',
    /** records a second; 0 is without a limit */
    rateLimit: 'u32',
    /** records that may wait; 0 is without a limit */
    backlogLimit: 'u32',
    /** records lost since the machine started, or this was set to 0 */
    lost: 'u32',
    /** records that wait */
    backlog: 'u32',
    capabilities: field('u32', { constants: flags('AUDIT_FEATURE_BITMAP_', AuditCapability) }),
    /** clock ticks that a process waits where too many records do */
    backlogWaitTime: 'u32',
    /** clock ticks that processes have waited; Linux 5.9 */
    backlogWaitTimeActual: 'u32',
  },
  'audit_status',
  32,
)
export interface AuditStatus extends StructureValue<typeof auditStatusLayout> {}

/** `struct audit_features`: a bit for each of `AuditFeature`. */
export const auditFeaturesLayout = structure(
  { version: 'u32', mask: 'u32', features: 'u32', locked: 'u32' },
  'audit_features',
)
export interface AuditFeatures extends StructureValue<typeof auditFeaturesLayout> {}

/** `struct audit_tty_status`. */
export const auditTerminalLayout = structure({ enabled: 'u32', logsPasswords: 'u32' }, 'audit_tty_status')
export interface AuditTerminal extends StructureValue<typeof auditTerminalLayout> {}

const noAttributes = attributeSet('AUDIT', {})
type NoAttributes = AttributeValues<typeof noAttributes>
const late = (request: number) => ({ do: { request, reply: request, isLate: true } })
const listedRule = { types: [AuditMessage.ListRules, AuditMessage.ListRules], read: readAuditRule } as const
const rule = { ...listedRule, write: writeAuditRule } as const

/** Audit: status, rules, records. */
export const audit = rawFamily(
  'audit',
  AUDIT_PROTOCOL,
  {
    getStatus: headedOperation<AuditStatus, NoAttributes>(
      'AUDIT_GET',
      auditStatusLayout,
      noAttributes,
      late(AuditMessage.Get),
    ),
    setStatus: headedOperation<AuditStatus, NoAttributes>('AUDIT_SET', auditStatusLayout, noAttributes, {
      do: { request: AuditMessage.Set },
    }),
    getFeatures: headedOperation<AuditFeatures, NoAttributes>(
      'AUDIT_GET_FEATURE',
      auditFeaturesLayout,
      noAttributes,
      late(AuditMessage.GetFeature),
    ),
    setFeatures: headedOperation<AuditFeatures, NoAttributes>('AUDIT_SET_FEATURE', auditFeaturesLayout, noAttributes, {
      do: { request: AuditMessage.SetFeature },
    }),
    getTerminal: headedOperation<AuditTerminal, NoAttributes>(
      'AUDIT_TTY_GET',
      auditTerminalLayout,
      noAttributes,
      late(AuditMessage.TtyGet),
    ),
    listRules: recordOperation<AuditRule, never>('AUDIT_LIST_RULES', listedRule, {
      dump: { request: AuditMessage.ListRules, reply: AuditMessage.ListRules, isLate: true },
    }),
    addRule: recordOperation<AuditRule, AuditRule>('AUDIT_ADD_RULE', rule, { do: { request: AuditMessage.AddRule } }),
    deleteRule: recordOperation<AuditRule, AuditRule>('AUDIT_DEL_RULE', rule, {
      do: { request: AuditMessage.DelRule },
    }),
    record: recordOperation<AuditRecord>(
      'AUDIT_USER',
      { types: [FIRST_RECORD, LAST_RECORD], read: readAuditRecord },
      {},
    ),
  },
  {
    /** AUDIT_NLGRP_READLOG: needs CAP_AUDIT_READ */
    readLog: 1,
  },
  'CONFIG_AUDIT',
)
