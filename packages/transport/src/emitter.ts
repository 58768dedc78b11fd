import { EventEmitter } from 'node:events'
import type emitter from 'typed-emitter'

/** An event emitter with typed events and arguments. */
export type Emitter<Events extends emitter.EventMap> = emitter.default<Events>

/** Makes an emitter: Node's own, with the event names only in its type. */
export function createEmitter<Events extends emitter.EventMap>(): Emitter<Events> {
  return new EventEmitter() as Emitter<Events>
}
