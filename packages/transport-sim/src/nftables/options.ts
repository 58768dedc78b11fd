import { boolean, list, object, oneOf, type Schema } from '@ringlink/codec/options'
import { expressionNames } from './expressions/kinds.ts'
import type { NfTablesFeatures } from './features.ts'

type FeatureOptions = { readonly [Name in keyof NfTablesFeatures]?: NfTablesFeatures[Name] | undefined }

/** The features of a simulated kernel's nf_tables. Default: those of the Linux that it is like. */
export interface NfTablesOptions extends FeatureOptions {
  /**
   * names of expressions that it lacks, such as `queue`, `target` or `log`; using one is ENOENT. Default: none that the
   * simulator supports
   */
  readonly without?: readonly string[] | undefined
  /**
   * it has modules: a batch with an expression that is missing looks for its module and begins again, which uses up the
   * handles of its rules twice. Default false
   */
  readonly modules?: boolean | undefined
}

/** Checks them. */
export const nfTablesOptions: Schema<NfTablesOptions> = object<NfTablesOptions>({
  without: list(oneOf(...expressionNames)),
  modules: boolean,
  tableOwner: boolean,
  persistentTables: boolean,
  optionalDevices: boolean,
  missingDevices: boolean,
  ruleResets: boolean,
  destroyMessages: boolean,
  batchAcknowledgements: boolean,
  policyReports: boolean,
  bitwiseOperators: boolean,
  mapsAsSets: boolean,
  initialisedRegisters: boolean,
  byteorderLists: boolean,
  distantPayload: boolean,
  setCount: boolean,
})
