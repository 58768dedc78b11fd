import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BENCH } from '../paths.ts'

/** Golden vectors that were captured from the kernel: the usual message, and one with everything in it. */
export const MESSAGES = { usual: 'packet-udp-full', rich: 'packet-everything-input' } as const
export type MessageName = keyof typeof MESSAGES

/** The bytes of a vector, without its comments. */
export function loadMessage(name: MessageName): Uint8Array {
  const path = join(dirname(BENCH), 'vectors', 'queue', `${MESSAGES[name]}.hex`)
  const text = readFileSync(path, 'utf8').replace(/#.*$/gm, ' ').trim()
  return Uint8Array.from(text.split(/\s+/), (byte) => Number.parseInt(byte, 16))
}
