import { abortSignal, integer, list, type Members, object, required, type Schema } from '@ringlink/codec/options'
import { type FilterInstruction, MAXIMUM_FILTER_LENGTH, type SocketFilter } from './socket-filter.ts'
import type { TransportNeeds } from './transport.ts'

const instruction: Schema<FilterInstruction> = object<FilterInstruction>({
  code: required(integer(0, 0xffff)),
  ifTrue: required(integer(0, 0xff)),
  ifFalse: required(integer(0, 0xff)),
  k: required(integer(0, 0xffffffff)),
})
const socketFilter: Schema<SocketFilter> = list(instruction, 1, MAXIMUM_FILTER_LENGTH)

/** The option members that every transport factory takes; each adds its own. */
export const transportNeeds: Members<TransportNeeds> = {
  protocol: required(integer(0, 255)),
  frameSize: integer(64, 1 << 20),
  receiveBufferSize: integer(1, 0x7fffffff),
  outboxSize: integer(64, 1 << 28),
  socketFilter,
  signal: abortSignal,
}
