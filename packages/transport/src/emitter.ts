import type emitter from 'typed-emitter'

/** An event emitter whose events and their arguments are known to the type checker. */
export type Emitter<Events extends emitter.EventMap> = emitter.default<Events>
