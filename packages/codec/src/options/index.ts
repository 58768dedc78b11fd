/** Checks of options, for the packages of ringlink: the entry `@ringlink/codec/options`. */
export { nearestNames } from './nearest.ts'
export { describeValue, OptionPlace, typeOfValue, type ValueType } from './place.ts'
export {
  abortSignal,
  anything,
  boolean,
  bytes,
  either,
  functionOf,
  instance,
  integer,
  list,
  type Members,
  milliseconds,
  number,
  object,
  oneOf,
  type Required,
  readArgument,
  readOptions,
  required,
  type Schema,
  schemaOf,
  text,
} from './schema.ts'
