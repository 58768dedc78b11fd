/** The generator of family modules, for those who call it from a program. */
export { SpecificationError } from './errors.ts'
export { generate } from './generate.ts'
