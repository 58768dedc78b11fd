/**
 * Netlink and nfnetlink wire formats. Three kinds of names are used throughout: a `…View` borrows bytes in place, a
 * `…Writer` (or `write…`) writes in place, and the plain noun owns a copy. Everything works at `(memory, offset)`. Once
 * a view's `wrap` has succeeded, none of its getters can fail.
 */

export { Errno, errnoName } from './errno.ts'
export {
  type CodecErrorCode,
  DecodeError,
  type DecodeErrorCode,
  EncodeError,
  type EncodeErrorCode,
  errorBrand,
  escapeText,
  isNetlinkError,
  jsonText,
  KernelError,
  type KernelErrorCode,
  type KernelErrorDetails,
  NetlinkError,
  OptionError,
  type OptionErrorCode,
  quoteText,
} from './errors.ts'
export {
  ControllerCommand,
  controllerAttributes,
  GenericOperationFlag,
} from './generic/controller.ts'
export { GenericFamilyId, MAXIMUM_GENERIC_NAME } from './generic/header.ts'
export {
  type Conntrack,
  ConntrackInfo,
  conntrackAttributes,
} from './nfnetlink/conntrack/attributes.ts'
export { type Expectation, ExpectationFlag, expectationAttributes } from './nfnetlink/conntrack/expectation.ts'
export { ExpectationView } from './nfnetlink/conntrack/expectation-view.ts'
export {
  ConntrackEventBit,
  ConntrackMessage,
  ExpectationMessage,
  NetfilterGroup,
} from './nfnetlink/conntrack/messages.ts'
export { NestedIndex, NestedMessageView } from './nfnetlink/conntrack/nested-view.ts'
export {
  ConntrackStatus,
  type ConntrackStatusWord,
  conntrackStatusWords,
  type DccpStateWord,
  dccpStateWords,
  type SctpStateWord,
  SctpTrackingState,
  sctpStateWords,
  statusBitsOf,
  statusWordsOf,
  type TcpStateWord,
  TcpTrackingFlag,
  TcpTrackingState,
  tcpStateWords,
} from './nfnetlink/conntrack/states.ts'
export {
  type ConntrackGlobalStatistics,
  type ConntrackProcessorStatistics,
  conntrackGlobalAttributes,
  conntrackProcessorAttributes,
  type ExpectationProcessorStatistics,
  expectationProcessorAttributes,
} from './nfnetlink/conntrack/statistics.ts'
export { TupleFilterFlag, tupleAttributes, tupleFilterAttributes } from './nfnetlink/conntrack/tuple.ts'
export { type ConntrackEvent, ConntrackView, TupleView } from './nfnetlink/conntrack/view.ts'
export {
  Family,
  Hook,
  messageFamily,
  messageResourceId,
  type NfnetlinkMessage,
  nfnetlinkHeader,
  readNfnetlinkAttributes,
  Subsystem,
  writeNfnetlinkMessage,
} from './nfnetlink/header.ts'
export {
  LOG_TIMEOUT_UNIT,
  type LogAttributes,
  LogCommand,
  type LogConfig,
  LogFlag,
  LogMessage,
  logAttributes,
  logConfigAttributes,
  MAXIMUM_LOG_BUFFER,
  MAXIMUM_LOG_PREFIX,
} from './nfnetlink/log/attributes.ts'
export { LogRecordView, logRecordConntrack } from './nfnetlink/log/record.ts'
export {
  type Compat,
  CompatMessage,
  CompatType,
  compatAttributes,
  type LogTarget,
  LogTargetFlag,
  logTargetInformation,
  type QueueTarget,
  queueTargetInformation,
  readLogTarget,
  readQueueTarget,
} from './nfnetlink/nftables/compat.ts'
export { ConntrackDirection, ConntrackKey, ConntrackStateBit } from './nfnetlink/nftables/expressions/ct.ts'
export { DynamicSetFlag, DynamicSetOperation } from './nfnetlink/nftables/expressions/dynset.ts'
export { ExtensionHeaderFlag, ExtensionHeaderKind } from './nfnetlink/nftables/expressions/exthdr.ts'
export {
  MetaKey,
  PayloadBase,
  PayloadChecksum,
  PayloadChecksumFlag,
  Register,
  RuleVerdict,
} from './nfnetlink/nftables/expressions/load.ts'
export { FibFlag, FibResult, RouteKey, SocketKey } from './nfnetlink/nftables/expressions/lookup.ts'
export {
  BitwiseOperation,
  ByteorderOperation,
  CompareOperation,
  LimitType,
  MatchFlag,
  QuotaFlag,
  RangeOperation,
} from './nfnetlink/nftables/expressions/match.ts'
export { HashType, NumberGenerator } from './nfnetlink/nftables/expressions/number.ts'
export { OsfFlag } from './nfnetlink/nftables/expressions/osf.ts'
export { LogLevel, NatType, RejectCode, RejectType, RuleQueueFlag } from './nfnetlink/nftables/expressions/statement.ts'
export { SynproxyFlag } from './nfnetlink/nftables/expressions/synproxy.ts'
export { TunnelFlag, TunnelKey, TunnelMode } from './nfnetlink/nftables/expressions/tunnel.ts'
export { XfrmKey } from './nfnetlink/nftables/expressions/xfrm.ts'
export {
  ArpHook,
  type Batch,
  BatchMessage,
  BridgeHookPriority,
  batchAttributes,
  type Chain,
  ChainFlag,
  chainAttributes,
  type Generation,
  generationAttributes,
  HookPriority,
  NetworkDeviceHook,
  NfTablesMessage,
  type Table,
  TableFlag,
  tableAttributes,
} from './nfnetlink/nftables/messages.ts'
export { NfTablesObjectType, objectAttributes } from './nfnetlink/nftables/object.ts'
export {
  type Expression,
  type ExpressionData,
  type ExpressionName,
  type ExpressionPlace,
  expressionAt,
  expressionTables,
  type KnownExpression,
  type OtherExpression,
  type Rule,
  RuleCompatFlag,
  ruleAttributes,
} from './nfnetlink/nftables/rule.ts'
export {
  FlowtableFlag,
  flowtableAttributes,
  type NamedSet,
  SetDataType,
  SetElementFlag,
  SetFlag,
  SetPolicy,
  setAttributes,
  setElementListAttributes,
  TraceType,
  traceAttributes,
} from './nfnetlink/nftables/set.ts'
export { type AttributeIndex, attributeIndex, IndexedMessageView } from './nfnetlink/packet-view.ts'
export {
  CopyMode,
  DEFAULT_QUEUE_LENGTH,
  MAXIMUM_COPY_RANGE,
  MAXIMUM_QUEUE_LENGTH,
  PacketInformation,
  type QueueAttributes,
  QueueCommand,
  type QueueConfig,
  QueueFlag,
  QueueMessage,
  queueAttributes,
  queueConfigAttributes,
} from './nfnetlink/queue/attributes.ts'
export { QueuePacketView } from './nfnetlink/queue/packet.ts'
export {
  queuePacketAttributes,
  queuePacketConntrack,
  queuePacketExpectation,
  queuePacketVlan,
} from './nfnetlink/queue/packet-attributes.ts'
export {
  dropVerdict,
  LONGEST_PAYLOAD,
  MARKED_VERDICT_LENGTH,
  queueVerdict,
  VERDICT_LENGTH,
  Verdict,
  type VerdictBatchChanges,
  type VerdictChanges,
  VerdictTemplate,
  writeVerdict,
} from './nfnetlink/queue/verdict.ts'
export { attributesFrom, bodyFrom } from './plain/from-plain.ts'
export { type Plain, plainAttributes, plainBody } from './plain/to-plain.ts'
export {
  array,
  type Body,
  be16,
  be32,
  be64,
  bitfield32,
  body,
  bytes,
  enumeration,
  flag,
  flags,
  indexedArray,
  list,
  multi,
  nest,
  nested,
  networkMarked,
  padding,
  type SubMessageValue,
  s8,
  s16,
  s32,
  s64,
  sbe16,
  sbe32,
  sbe64,
  sequence,
  sint,
  struct,
  subMessage,
  text,
  typeValue,
  u8,
  u16,
  u32,
  u64,
  uint,
  union,
} from './schema/describe.ts'
export {
  askingOperation,
  type ErrorNames,
  type FamilyDescription,
  type GenericName,
  type GroupDescription,
  genericFamily,
  headedOperation,
  type MessageLayout,
  type MessageNumbers,
  type OperationDescription,
  type OperationRequest,
  type OperationValues,
  operation,
  type PresenceProbe,
  type RecordFormat,
  rawFamily,
  recordOperation,
  replyLayout,
} from './schema/family.ts'
export {
  type ArrayFormat,
  type Attribute,
  type AttributeFormat,
  type AttributeSet,
  type AttributeValue,
  type AttributeValues,
  attributeSet,
  type BodyFormat,
  type Constants,
  type FieldFormat,
  type Hint,
  type IndexedFormat,
  type IntegerFormat,
  type MultiFormat,
  type SettledFormat,
  type SingleFormat,
  type StructField,
  type StructFormat,
  type SubMessage,
  type TypeValueFormat,
  type UnionFormat,
  type UnknownAttribute,
  type VariableIntegerFormat,
} from './schema/format.ts'
export type { Indexed } from './schema/indices.ts'
export type { IntegerMeaning, IntegerType, IntegerValue } from './schema/integer-types.ts'
export { readAttributes, readBody } from './schema/read.ts'
export {
  bytesField,
  characters,
  type Field,
  type FieldType,
  field,
  inner,
  rest,
  type Structure,
  type StructureValue,
  type StructValue,
  structure,
} from './schema/structure.ts'
export { writeAttributes, writeBody } from './schema/write.ts'
export {
  ATTRIBUTE_HEADER_LENGTH,
  AttributeBit,
  AttributeIterator,
  AttributeView,
  AttributeWriter,
  MAXIMUM_ATTRIBUTES,
  MAXIMUM_DEPTH,
} from './wire/attribute.ts'
export { DoneView, ErrorView, type ExtendedAck, extendedAckAttributes, PolicyType } from './wire/control.ts'
export { align4, Memory } from './wire/memory.ts'
export {
  AcknowledgeFlag,
  beginMessage,
  ControlType,
  DeleteFlag,
  finishMessage,
  GetFlag,
  MESSAGE_HEADER_LENGTH,
  Message,
  MessageFlag,
  type MessageHeader,
  MessageIterator,
  MessageView,
  MINIMUM_MESSAGE_TYPE,
  NewFlag,
  Protocol,
} from './wire/message.ts'
export { SocketOption } from './wire/socket-option.ts'
export { decodeText, encodeText } from './wire/text.ts'
