import { either, functionOf, instance, type Schema } from '@ringlink/codec/options'
import type { OpenTransport, Transport } from '@ringlink/transport'

const methods = ['receive', 'poll', 'readProcNet', 'close'] as const
const members = ['capabilities', 'outbox', 'events', 'stats'] as const

/** Whether a value has the members of a transport. Its class does not matter. */
function isTransport(value: object): boolean {
  const given = value as Readonly<Record<string, unknown>>
  const hasMethods = methods.every((name) => typeof given[name] === 'function')
  return hasMethods && members.every((name) => typeof given[name] === 'object' && given[name] !== null)
}

const openSchema: Schema<Transport> = instance('an open transport', isTransport)
/** A function that opens a transport. */
export const openTransport: Schema<OpenTransport> = functionOf('a function that opens a transport')
/** An open transport, or a function that opens one. */
export const transportOrOpen: Schema<Transport | OpenTransport> = either(openSchema, openTransport)
/** The value that such a function returned. */
export const openedTransport: Schema<Transport> = openSchema
