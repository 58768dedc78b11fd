import { type OpenTransport, openQueue, openRing, openSocket, type Queue, type QueueOptions } from 'ringlink'
import type { Arguments } from './arguments.ts'

/**
 * The receive buffer that every handler asks for, in the kernel's accounting: enough for all but a drain, which asks
 * for more.
 */
const BUFFER = 1 << 27

/** Options of a queue, except its number and its transport, from the arguments. */
export function queueOptionsOf(args: Arguments): Omit<QueueOptions, 'number' | 'transport'> {
  const batching = args.text('batching', '')
  return {
    copyRange: args.number('range', 65531),
    maxLength: args.number('maxlength', 1024),
    receiveBufferSize: args.number('buffer', BUFFER),
    segmentationOffload: args.number('gso', 0) !== 0,
    ...(batching === '' ? {} : { verdictBatching: asBatching(batching) }),
  }
}

/** Opens queue `number` as the arguments say. */
export function openQueueFor(args: Arguments, number: number): Promise<Queue> {
  return openQueue({ ...queueOptionsOf(args), number, transport: opener(args.text('transport', 'socket')) })
}

/** The function that opens the transport of this name: `socket`, `ring`, `ring-kernel-thread`. */
export function opener(name: string): OpenTransport {
  if (name === 'socket') return openSocket
  return (needs) => openRing({ ...needs, kernelThread: name === 'ring-kernel-thread' })
}

function asBatching(text: string): NonNullable<QueueOptions['verdictBatching']> {
  return text === 'auto' || text === 'always' || text === 'never' ? text : Number(text)
}
