import type { QueuePacket } from 'ringlink'
import type { Arguments } from '../handlers/arguments.ts'
import { Work } from '../handlers/work.ts'
import { Automaton } from './automaton.ts'

const SHORTEST = 5
const LONGEST = 12

/** An intrusion detection system of the simplest kind: every payload is searched in place for `patterns` words. */
export function createScanner(args: Arguments): Work {
  return new Scanner(args, new Automaton(makePatterns(args.number('patterns', 2500))))
}

class Scanner extends Work {
  #automaton: Automaton

  constructor(args: Arguments, automaton: Automaton) {
    super(args)
    this.#automaton = automaton
  }

  override look(packet: QueuePacket): void {
    this.checksum += this.#automaton.count(packet.memory.u8, packet.payloadOffset, packet.payloadLength)
  }
}

/** Words of letters, always the same. */
export function makePatterns(count: number): Uint8Array[] {
  let random = 7
  const next = (limit: number): number => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0
    return (random >>> 8) % limit
  }
  return Array.from({ length: count }, () =>
    Uint8Array.from({ length: SHORTEST + next(LONGEST - SHORTEST + 1) }, () => 0x61 + next(26)),
  )
}
