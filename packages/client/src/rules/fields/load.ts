/** The expressions that load a property into the register that is compared. */
import { type Expression, Register } from '@ringlink/codec'

/** Where everything is loaded, masked and compared. */
export const REGISTER: Register = Register.Wide1

/** How a property lies in the register. */
export interface Form {
  readonly load: readonly Expression[]
  /** bytes in the register */
  readonly length: number
  /** packets have their numbers in network order, the kernel its own in host order */
  readonly order: 'network' | 'host'
  /** the bits of it that are the property, which begin `shift` bits from the right */
  readonly mask?: bigint
  readonly shift?: number
  /** a prefix of whole bytes is all that is loaded (`load`), or all that is compared (`compare`) */
  readonly prefix?: 'load' | 'compare'
}

export function loadMeta(key: number): Expression {
  return { name: 'meta', data: { key, destinationRegister: REGISTER } }
}

export function loadConntrack(key: number, direction?: number): Expression {
  return { name: 'ct', data: { key, destinationRegister: REGISTER, ...(direction === undefined ? {} : { direction }) } }
}

export function loadPayload(base: number, offset: number, length: number): Expression {
  return { name: 'payload', data: { destinationRegister: REGISTER, base, offset, length } }
}

/** A number that the kernel has of a packet. */
export function metaForm(key: number, length: number, order: Form['order'] = 'host'): Form {
  return { load: [loadMeta(key)], length, order }
}

/** What connection tracking has of a packet, or of one direction of its connection. */
export function conntrackForm(key: number, length: number, direction?: number): Form {
  return { load: [loadConntrack(key, direction)], length, order: 'host' }
}

/** Bytes of the packet. */
export function payloadForm(base: number, offset: number, length: number, more: Partial<Form> = {}): Form {
  return { load: [loadPayload(base, offset, length)], length, order: 'network', ...more }
}
