// Decodes a message of the kernel's again and again with one decoder, and prints nanoseconds for each. In a process of
// its own, so that the engine sees one decoder only. Arguments: decoder, message, count.

import { loadMessage, type MessageName } from './decoders/messages.ts'
import { type DecoderName, decoders } from './decoders/table.ts'
import { Arguments } from './handlers/arguments.ts'
import { spreadOf } from './statistics.ts'

/** Copies of the message that are decoded in turn, so that it is not one cache line. */
const SLOTS = 64
const SLOT = 512
const ROUNDS = 7

const args = new Arguments(process.argv.slice(2))
const message = loadMessage(args.text('message', 'usual') as MessageName)
const count = args.number('count', 200_000)
const slots = new Uint8Array(SLOTS * SLOT)
for (let slot = 0; slot < SLOTS; slot++) slots.set(message, slot * SLOT)
const decoder = decoders[args.text('decoder', 'view') as DecoderName](slots, SLOT, message.length)

let sum = 0
function round(): number {
  const start = performance.now()
  for (let i = 0; i < count; i++) sum += decoder.decode(i % SLOTS)
  return ((performance.now() - start) * 1e6) / count
}

round()
const nanoseconds = spreadOf(Array.from({ length: ROUNDS }, round))
process.stdout.write(`${JSON.stringify({ nanoseconds: nanoseconds?.median, checksum: decoder.decode(0), sum })}\n`)
