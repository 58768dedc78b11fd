import { SimPacket } from './packet.ts'

/** Packets that are not on their way: one that ends its way is the next to begin one. */
export class PacketPool {
  #free: SimPacket[] = []

  get(): SimPacket {
    return this.#free.pop() ?? new SimPacket()
  }

  give(packet: SimPacket): void {
    this.#free.push(packet)
  }
}
