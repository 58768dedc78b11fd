/**
 * Statistics of connection tracking (CTA_STATS_*, uapi/linux/netfilter/nfnetlink_conntrack.h). Numbers are in network
 * order.
 */
import { be32 } from '../../schema/describe.ts'
import { type AttributeValues, attributeSet } from '../../schema/format.ts'

/**
 * CTA_STATS_*: counters of one processor, whose number is the resource id of the message. Linux 5.10 and later leave
 * some out.
 */
export const conntrackProcessorAttributes = attributeSet('CTA_STATS', {
  searched: be32(1, 'CTA_STATS_SEARCHED'),
  found: be32(2, 'CTA_STATS_FOUND'),
  new: be32(3, 'CTA_STATS_NEW'),
  invalid: be32(4, 'CTA_STATS_INVALID'),
  ignore: be32(5, 'CTA_STATS_IGNORE'),
  delete: be32(6, 'CTA_STATS_DELETE'),
  deleteList: be32(7, 'CTA_STATS_DELETE_LIST'),
  insert: be32(8, 'CTA_STATS_INSERT'),
  insertFailed: be32(9, 'CTA_STATS_INSERT_FAILED'),
  drop: be32(10, 'CTA_STATS_DROP'),
  earlyDrop: be32(11, 'CTA_STATS_EARLY_DROP'),
  error: be32(12, 'CTA_STATS_ERROR'),
  searchRestart: be32(13, 'CTA_STATS_SEARCH_RESTART'),
  clashResolve: be32(14, 'CTA_STATS_CLASH_RESOLVE'),
  chainTooLong: be32(15, 'CTA_STATS_CHAIN_TOOLONG'),
})
/** Counters of one processor as an owned value. */
export type ConntrackProcessorStatistics = AttributeValues<typeof conntrackProcessorAttributes>

/** CTA_STATS_GLOBAL_*: of the network namespace. */
export const conntrackGlobalAttributes = attributeSet('CTA_STATS_GLOBAL', {
  /** connections now */
  entries: be32(1, 'CTA_STATS_GLOBAL_ENTRIES'),
  /** connections that there can be (`nf_conntrack_max`) */
  maximum: be32(2, 'CTA_STATS_GLOBAL_MAX_ENTRIES'),
})
/** The counters of a network namespace as an owned value. */
export type ConntrackGlobalStatistics = AttributeValues<typeof conntrackGlobalAttributes>

/** CTA_STATS_EXP_*: counters of one processor on expected connections. */
export const expectationProcessorAttributes = attributeSet('CTA_STATS_EXP', {
  new: be32(1, 'CTA_STATS_EXP_NEW'),
  create: be32(2, 'CTA_STATS_EXP_CREATE'),
  delete: be32(3, 'CTA_STATS_EXP_DELETE'),
})
/** Counters of one processor on expected connections as an owned value. */
export type ExpectationProcessorStatistics = AttributeValues<typeof expectationProcessorAttributes>
