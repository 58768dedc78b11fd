/**
 * Helpers for sibling packages. They are not public: every release may change them.
 */

export { GENERIC_ATTRIBUTES, GENERIC_HEADER_LENGTH, genericHeader } from './generic/header.ts'
export { describeMessage } from './messages.ts'
export {
  counterPairAttributes,
  helperAttributes,
  protocolInformationAttributes,
  sequenceAdjustmentAttributes,
  synproxyAttributes,
  tcpInformationAttributes,
  timestampAttributes,
} from './nfnetlink/conntrack/attributes.ts'
export { expectationNatAttributes } from './nfnetlink/conntrack/expectation.ts'
export { tupleAddressAttributes, tupleProtocolAttributes } from './nfnetlink/conntrack/tuple.ts'
export { NFNETLINK_ATTRIBUTES, writeNfnetlinkHeader } from './nfnetlink/header.ts'
export { LOG_TARGET_REVISION, MAXIMUM_LOG_TARGET_PREFIX, QUEUE_TARGET_REVISION } from './nfnetlink/nftables/compat.ts'
export { dataAttributes, MAXIMUM_NFTABLES_VALUE, verdictAttributes } from './nfnetlink/nftables/expressions/load.ts'
export {
  counterAttributes,
  deviceAttributes,
  hookAttributes,
  MAXIMUM_DEVICE_NAME,
  MAXIMUM_NFTABLES_NAME,
  MAXIMUM_NFTABLES_USER_DATA,
} from './nfnetlink/nftables/messages.ts'
export { expressionAttributes } from './nfnetlink/nftables/rule.ts'
export { setDescriptionAttributes, setElementAttributes, setFieldAttributes } from './nfnetlink/nftables/set.ts'
export { type AttributeNumbers, attributeByNumber, attributeNumbers } from './schema/format.ts'
export { constantNames, plainName, specificationName } from './schema/names.ts'
export { attributePath, nestedSetAt } from './schema/path.ts'
export { readStruct, writeStruct } from './schema/struct.ts'
export { didYouMean, unknownMember } from './schema/unknown-member.ts'
export { outOfRange } from './value.ts'
export { describePolicy } from './wire/control.ts'
export { hostIsLittleEndian, networkOrder16, networkOrder32 } from './wire/endian.ts'
export { RELEASED_MEMORY } from './wire/memory.ts'
export { stampMessage } from './wire/message.ts'
export { readText } from './wire/text.ts'
