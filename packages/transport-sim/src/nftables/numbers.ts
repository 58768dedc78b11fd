/** The attribute numbers of nf_tables, by the names of the codec's tables. */
import {
  chainAttributes,
  compatAttributes,
  generationAttributes,
  objectAttributes,
  ruleAttributes,
  setAttributes,
  setElementListAttributes,
  tableAttributes,
} from '@ringlink/codec'
import {
  attributeNumbers,
  counterAttributes,
  dataAttributes,
  deviceAttributes,
  expressionAttributes,
  hookAttributes,
  MAXIMUM_NFTABLES_NAME,
  MAXIMUM_NFTABLES_USER_DATA,
  setDescriptionAttributes,
  setElementAttributes,
  setFieldAttributes,
  verdictAttributes,
} from '@ringlink/codec/internal'

export const TABLE = attributeNumbers(tableAttributes)
export const CHAIN = attributeNumbers(chainAttributes)
export const HOOK = attributeNumbers(hookAttributes)
export const DEVICE = attributeNumbers(deviceAttributes)
export const COUNTER = attributeNumbers(counterAttributes)
export const RULE = attributeNumbers(ruleAttributes)
export const EXPRESSION = attributeNumbers(expressionAttributes)
export const DATA = attributeNumbers(dataAttributes)
export const VERDICT = attributeNumbers(verdictAttributes)
export const SET = attributeNumbers(setAttributes)
export const SET_DESCRIPTION = attributeNumbers(setDescriptionAttributes)
export const SET_FIELD = attributeNumbers(setFieldAttributes)
export const ELEMENTS = attributeNumbers(setElementListAttributes)
export const ELEMENT = attributeNumbers(setElementAttributes)
export const OBJECT = attributeNumbers(objectAttributes)
export const GENERATION = attributeNumbers(generationAttributes)
export const COMPAT = attributeNumbers(compatAttributes)
/** NFTA_LIST_ELEM */
export const LIST_ELEMENT = 1

/** The policy of names. */
export const NAME = { kind: 'text', maximum: MAXIMUM_NFTABLES_NAME } as const
export const USER_DATA = { kind: 'binary', maximum: MAXIMUM_NFTABLES_USER_DATA } as const
