import { Session } from '@ringlink/client'
import { Protocol } from '@ringlink/codec'
import { openSocket } from '@ringlink/transport-socket'

const NEW_LINK = 16
const MTU_ATTRIBUTE = 4
const UP = 1
/** The first device of every network namespace. */
const LOOPBACK_INDEX = 1
const HEADER = 32

/** Brings the loopback device of a network namespace up or down, with another MTU where one is given. */
export async function setLoopback(networkNamespace: string, isUp: boolean, mtu?: number): Promise<void> {
  const protocol = Protocol.Route
  await using session = new Session(await openSocket({ protocol, networkNamespace, frameSize: 8192 }), { protocol })
  await session.request({
    what: `set the loopback device ${isUp ? 'up' : 'down'}`,
    // nlmsghdr | family, type: 0 | index | flags | which of them to change | MTU
    write({ u16, u32 }, offset) {
      const length = HEADER + (mtu === undefined ? 0 : 8)
      u32.set([length, NEW_LINK, 0, 0, 0, LOOPBACK_INDEX, isUp ? UP : 0, UP], offset >> 2)
      u16.set([NEW_LINK, 0], (offset + 4) >> 1)
      if (mtu !== undefined) {
        u16.set([8, MTU_ATTRIBUTE], (offset + HEADER) >> 1)
        u32[(offset + HEADER + 4) >> 2] = mtu
      }
      return length
    },
  })
}
