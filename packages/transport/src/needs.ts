import { abortSignal, integer, type Members, required } from '@ringlink/codec/options'
import type { TransportNeeds } from './transport.ts'

/** The option members that every transport factory takes; each adds its own. */
export const transportNeeds: Members<TransportNeeds> = {
  protocol: required(integer(0, 255)),
  frameSize: integer(64, 1 << 20),
  receiveBufferSize: integer(1, 0x7fffffff),
  outboxSize: integer(64, 1 << 28),
  signal: abortSignal,
}
