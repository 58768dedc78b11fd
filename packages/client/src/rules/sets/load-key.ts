/** The expressions that load the key of a set into the registers that it is looked up in. */
import type { Expression } from '@ringlink/codec'
import { type Facts, type Field, fieldsByName } from '../fields/fields.ts'
import { REGISTER } from '../fields/load.ts'
import type { PropertyName } from '../properties.ts'
import { shapeOf } from './shape.ts'
import type { SetOptions } from './types.ts'

const BYTES_PER_REGISTER = 16
/** NFT_REG32_00 */
const FIRST_WORD = 8

/** The register that begins `offset` bytes after the first one. */
function registerAt(offset: number): number {
  return offset % BYTES_PER_REGISTER === 0 ? REGISTER + offset / BYTES_PER_REGISTER : FIRST_WORD + offset / 4
}

/** Loads properties, those of several next to each other. */
export function loadKey(names: readonly PropertyName[], facts: Facts, set: SetOptions): Expression[] {
  return shapeOf(set).parts.flatMap(({ offset, order }, index) => {
    const { load, length, order: own } = (fieldsByName.get(names[index] as PropertyName) as Field).form(facts)
    const register = registerAt(offset)
    const loads = load.map((expression) => loadInto(expression, register))
    return own === order ? loads : [...loads, toNetworkOrder(length, register)]
  })
}

function loadInto(expression: Expression, destinationRegister: number): Expression {
  return { ...expression, data: { ...expression.data, destinationRegister } } as Expression
}

/** Numbers in host order are not in their order as bytes. */
export function toNetworkOrder(length: number, register: number = REGISTER): Expression {
  const data = { sourceRegister: register, destinationRegister: register, operation: 1, length, size: length }
  return { name: 'byteorder', data }
}
