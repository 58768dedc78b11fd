import { openTransport, type Request, Session } from 'ringlink'

const ROUTE_PROTOCOL = 0
const NEW_LINK = 16
const MTU_ATTRIBUTE = 4
const UP = 1
/** The first device of every network namespace. */
const LOOPBACK_INDEX = 1

/**
 * Brings the loopback device of this network namespace up: what `ip link set lo up mtu N` does, without needing `ip`.
 */
export async function raiseLoopback(mtu: number): Promise<void> {
  await using session = new Session(await openTransport({ protocol: ROUTE_PROTOCOL }), { protocol: ROUTE_PROTOCOL })
  await session.request(linkRequest(LOOPBACK_INDEX, mtu))
}

/**
 *  nlmsghdr, 16 bytes | family, type: 0 | index | flags | which of them to change | attribute header | MTU
 */
function linkRequest(index: number, mtu: number): Request {
  return {
    what: `bring device ${index} up`,
    write({ u16, u32 }, offset) {
      const length = 40
      u32.set([length, NEW_LINK, 0, 0, 0, index, UP, UP, 0, mtu], offset >> 2)
      u16.set([NEW_LINK, 0], (offset + 4) >> 1)
      u16.set([8, MTU_ATTRIBUTE], (offset + 32) >> 1)
      return length
    },
  }
}
