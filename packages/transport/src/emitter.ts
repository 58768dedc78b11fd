import { EventEmitter } from 'node:events'
import type emitter from 'typed-emitter'

/** An event emitter whose events and their arguments are known to the type checker. */
export type Emitter<Events extends emitter.EventMap> = emitter.default<Events>

/** Makes an emitter. The names of its events are for the type checker alone: it is Node's own. */
export function createEmitter<Events extends emitter.EventMap>(): Emitter<Events> {
  return new EventEmitter() as Emitter<Events>
}
