import type { HeldPacket, QueuePacket } from 'ringlink'
import type { Arguments } from './arguments.ts'

/** The mark that `verdict=mark` sets. */
const MARK = 7
/** Offsets in an IPv4 packet with UDP in it: protocol, destination port, checksum, the first byte of the payload. */
const PROTOCOL = 9
const DESTINATION_PORT = 22
const CHECKSUM = 26
const PAYLOAD = 28

/** One of these packets is kept where packets are held at all. */
const HOLD_EVERY = 10

/** The work of every handler on a packet, and its verdict: the same as bench/peers/work.h and queue-best.c in C. */
export class Work {
  checksum = 0
  #verdict: string
  #hold: number
  #number = 0
  #held: HeldPacket[] = []
  #due: number[] = []
  #firstHeld = 0

  constructor(args: Arguments) {
    this.#verdict = args.text('verdict', 'accept')
    this.#hold = args.number('hold', 0)
  }

  /** True when packets are held. */
  get holds(): boolean {
    return this.#hold > 0
  }

  get heldCount(): number {
    return this.#held.length - this.#firstHeld
  }

  /** Reads mark, output device and three bytes of the payload, where there is one. */
  look(packet: QueuePacket): void {
    let sum = (packet.mark ?? 0) + (packet.outputDevice ?? 0)
    if (packet.payloadLength >= PAYLOAD) {
      const { memory, payloadOffset } = packet
      const { u8 } = memory
      sum += (u8[payloadOffset + PROTOCOL] as number) + (u8[payloadOffset + DESTINATION_PORT] as number)
      sum += u8[payloadOffset + DESTINATION_PORT + 1] as number
    }
    this.checksum += sum
  }

  answer(packet: QueuePacket): void {
    switch (this.#verdict) {
      case 'drop':
        packet.drop()
        break
      case 'mark':
        packet.accept({ mark: MARK })
        break
      case 'payload':
        packet.accept({ payload: this.#changed(packet) })
        break
      default:
        packet.accept()
    }
  }

  /** Keeps every tenth packet and answers those that were kept long enough; how many were answered. */
  answerOrHold(packet: QueuePacket, isOver: boolean): number {
    this.#number++
    let answered = 1
    if (this.#number % HOLD_EVERY === 0 && !isOver) {
      this.#held.push(packet.hold())
      this.#due.push(this.#number + this.#hold)
      answered = 0
    } else {
      packet.accept()
    }
    return answered + this.#answerHeld(this.#number)
  }

  /** Answers all that are held; how many. */
  answerAllHeld(): number {
    return this.#answerHeld(Number.POSITIVE_INFINITY)
  }

  #answerHeld(until: number): number {
    let answered = 0
    while (this.#firstHeld < this.#held.length && (this.#due[this.#firstHeld] as number) <= until) {
      const packet = this.#held[this.#firstHeld++] as HeldPacket
      this.checksum += packet.memory.u8[packet.payloadOffset + PAYLOAD] as number
      packet.accept()
      answered++
    }
    if (this.#firstHeld === 1024 || this.#firstHeld === this.#held.length) this.#forget()
    return answered
  }

  #forget(): void {
    this.#held.splice(0, this.#firstHeld)
    this.#due.splice(0, this.#firstHeld)
    this.#firstHeld = 0
  }

  /** Another first byte of the UDP payload, and no checksum, which UDP over IPv4 allows; in place. */
  #changed(packet: QueuePacket): Uint8Array {
    const { memory, payloadOffset, payloadLength } = packet
    const { u8 } = memory
    if (payloadLength > PAYLOAD) {
      u8[payloadOffset + CHECKSUM] = 0
      u8[payloadOffset + CHECKSUM + 1] = 0
      u8[payloadOffset + PAYLOAD] = (u8[payloadOffset + PAYLOAD] as number) + 1
    }
    return u8.subarray(payloadOffset, payloadOffset + payloadLength)
  }
}
