import type { Decoder } from './decoder.ts'
import { naiveDecoder } from './naive.ts'
import { binaryParserDecoder, npmNetlinkDecoder } from './others.ts'
import { ownedDecoder, viewDecoder } from './ours.ts'

export const decoders = {
  view: viewDecoder,
  owned: ownedDecoder,
  naive: naiveDecoder,
  'binary-parser': binaryParserDecoder,
  'npm-netlink': npmNetlinkDecoder,
} as const satisfies Record<string, (slots: Uint8Array, slot: number, length: number) => Decoder>

export type DecoderName = keyof typeof decoders
