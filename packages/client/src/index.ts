/**
 * Requests, dumps, packet queues and packet logs over any netlink transport.
 */
export { ConnectionBatch } from './conntrack/batch.ts'
export {
  Conntrack,
  type ConntrackStatistics,
  conntrackEventNeeds,
  openConntrack,
  type ProcessorStatistics,
} from './conntrack/conntrack.ts'
export { ConnectionEvents } from './conntrack/events.ts'
export { type ExpectationEvent, ExpectationEvents, Expectations } from './conntrack/expectations.ts'
export type { ConntrackOptions, EventOptions, ListOptions } from './conntrack/options.ts'
export type {
  Connection,
  ConnectionChanges,
  ConnectionCounters,
  ConnectionFilter,
  ConnectionKey,
  ConnectionNat,
  ConnectionPorts,
  ConnectionProtocol,
  ConnectionTrackingState,
  ConnectionTuple,
  ConnectionVerdict,
  ExpectationFlagWord,
  ExpectationPlace,
  ExpectedConnection,
  MaskedMark,
  NewConnection,
  NewExpectation,
  TupleFilter,
  VerdictExpectation,
} from './conntrack/types.ts'
export { ConnectionView } from './conntrack/view.ts'
export {
  ClientError,
  type ClientErrorCode,
  DumpInterruptedError,
  IncompleteReplyError,
  sessionBusy,
  sessionClosed,
  timeoutError,
} from './errors.ts'
export {
  type FamilyNotification,
  type FamilyStats,
  NetlinkFamily,
  type OperationName,
} from './families/family.ts'
export { type FamilyOptions, openFamily } from './families/open.ts'
export type { AttributePolicy, OperationPolicy } from './families/policy.ts'
export { RecordBatch } from './log/batch.ts'
export { Log, type LogEvents, openLog } from './log/log.ts'
export { type LogOptions, type LogSettings, logTransportNeeds } from './log/options.ts'
export { RawFrames } from './log/raw.ts'
export { LogRecord } from './log/record.ts'
export type { LogStats } from './log/stats.ts'
export { PacketBatch } from './queue/batch.ts'
export { parseQueueCounters, type QueueCounters } from './queue/counters.ts'
export { openQueue } from './queue/open.ts'
export { type QueueOptions, type QueueSettings, queueTransportNeeds, type VerdictBatching } from './queue/options.ts'
export {
  HeldPacket,
  type PacketVerdictChanges,
  QueuePacket,
  type RequeueOptions,
} from './queue/packet.ts'
export { Queue, type QueueEvents } from './queue/queue.ts'
export { newQueueStats, type QueueStats } from './queue/stats.ts'
export type { Request, RequestData, RequestWriter } from './request.ts'
export { RowBatch } from './row-batch.ts'
export { RulesError, type RulesRefusal } from './rules/errors.ts'
export type { RuleDescription } from './rules/listing/rule-text.ts'
export {
  listTables,
  type TableChain,
  type TableContents,
  type TableRule,
  type TableSet,
} from './rules/listing/tables.ts'
export type {
  FirewallRule,
  IcmpCode,
  Icmpv6Code,
  InstallOptions,
  LogRule,
  MapLookUp,
  OffloadBits,
  QueueRule,
  RuleActions,
  RuleAddTo,
  RuleFamily,
  RuleHook,
  RuleLimit,
  RuleLog,
  RuleOffload,
  RulePriority,
  RuleQuota,
  RuleReject,
} from './rules/options.ts'
export type {
  CombinedInSet,
  CombinedProperties,
  ConnectionDirection,
  ConnectionState,
  ConnectionStatus,
  Dscp,
  EtherType,
  IcmpType,
  InSet,
  MarkBits,
  NumberRange,
  OneOrMore,
  PacketType,
  RuleMark,
  RuleMatch,
  RuleNumbers,
  RulePorts,
  RuleProperties,
  RuleProtocol,
  SetProperty,
  TcpFlag,
  TcpFlagsOf,
  TimeRange,
  Weekday,
} from './rules/properties.ts'
export {
  type CheckOptions,
  checkRules,
  installRules,
  type OffloadCounters,
  type RuleCounters,
  Rules,
} from './rules/rules.ts'
export { type AddOptions, LiveSet, type SetChange, type WatchOptions } from './rules/sets/live-set.ts'
export type {
  ListedElement,
  MapTarget,
  RuleSets,
  SetElement,
  SetElementType,
  SetOptions,
  SetPart,
  SetValue,
} from './rules/sets/types.ts'
export { type FormatOptions, formatRule } from './rules/text/format.ts'
export { type ParsedRule, parseRule } from './rules/text/parse.ts'
export { RuleSyntaxError } from './rules/text/tokens.ts'
export { type ServeOptions, StopFlag } from './serve.ts'
export { Session } from './session.ts'
export type {
  BatchOptions,
  BatchResult,
  DumpOptions,
  FamilyRequestOptions,
  RequestOptions,
  SessionOptions,
  StrayErrorHandler,
} from './session-options.ts'
export { NotificationBatch, type SubscribedSession, Subscription, type SubscriptionStats } from './subscription.ts'
