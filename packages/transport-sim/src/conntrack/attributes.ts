/** The attribute numbers of connection tracking, by the names of the codec's tables. */
import {
  conntrackAttributes,
  conntrackGlobalAttributes,
  conntrackProcessorAttributes,
  expectationAttributes,
  expectationProcessorAttributes,
  tupleAttributes,
  tupleFilterAttributes,
} from '@ringlink/codec'
import {
  attributeNumbers,
  counterPairAttributes,
  expectationNatAttributes,
  helperAttributes,
  protocolInformationAttributes,
  sequenceAdjustmentAttributes,
  synproxyAttributes,
  tcpInformationAttributes,
  timestampAttributes,
  tupleAddressAttributes,
  tupleProtocolAttributes,
} from '@ringlink/codec/internal'

export const CTA = attributeNumbers(conntrackAttributes)
export const TUPLE = attributeNumbers(tupleAttributes)
export const ADDRESS = attributeNumbers(tupleAddressAttributes)
export const PROTO = attributeNumbers(tupleProtocolAttributes)
export const PROTOINFO = attributeNumbers(protocolInformationAttributes)
export const PROTOINFO_TCP = attributeNumbers(tcpInformationAttributes)
export const COUNTERS = attributeNumbers(counterPairAttributes)
export const TIMESTAMP = attributeNumbers(timestampAttributes)
export const SEQADJ = attributeNumbers(sequenceAdjustmentAttributes)
export const HELP = attributeNumbers(helperAttributes)
export const SYNPROXY = attributeNumbers(synproxyAttributes)
export const FILTER = attributeNumbers(tupleFilterAttributes)
export const EXPECT = attributeNumbers(expectationAttributes)
export const EXPECT_NAT = attributeNumbers(expectationNatAttributes)
export const STATS_GLOBAL = attributeNumbers(conntrackGlobalAttributes)

const processor = attributeNumbers(conntrackProcessorAttributes)
/** The counters that Linux 5.10 and later show. */
export const STATS = {
  found: processor.found,
  invalid: processor.invalid,
  insert: processor.insert,
  insertFailed: processor.insertFailed,
  drop: processor.drop,
  earlyDrop: processor.earlyDrop,
  error: processor.error,
  searchRestart: processor.searchRestart,
  clashResolve: processor.clashResolve,
  chainTooLong: processor.chainTooLong,
}

const expectation = attributeNumbers(expectationProcessorAttributes)
export const STATS_EXPECT = {
  expectationNew: expectation.new,
  expectationCreate: expectation.create,
  expectationDelete: expectation.delete,
}
