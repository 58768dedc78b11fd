import { PROTOCOL_NAMES } from '../commands/inspect.ts'
import type { Chunk } from './chunk.ts'

/**
 * Output of strace, line by line:
 *
 *     [pid 7] socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE) = 3
 *     sendto(3, "\x14\x00...", 20, 0, ...) = 20
 *     recvmsg(3<NETLINK:[ROUTE:77]>, {..., msg_iov=[{iov_base=[{nlmsg_len=52, ...
 *      * 52 bytes in buffer 0
 *      | 00000  20 00 00 00 10 00 05 00  00 00 00 00 00 00 00 00   ............... |
 *
 * The dump of a call (-e read=all, -e write=all) has all bytes; without one, a string in `\x` that the call has.
 */
const CALL = /(?:^|\s)(socket|send|sendto|sendmsg|sendmmsg|recv|recvfrom|recvmsg|recvmmsg|read|write)\((.*)$/
const DUMP = /^ \| [\da-f]{5,} {2}((?:[\da-f]{2} {1,2})+)/
const BUFFER = /^ \* \d+ bytes in buffer \d+/
const STRING = /"((?:\\x[\da-f]{2})+)"(\.\.\.)?/g
/** Shorter strings are names and addresses, not messages. */
const SHORTEST_MESSAGE = 16

interface Call {
  readonly label: string
  readonly descriptor: string
  readonly protocol: number | undefined
  /** the strings of the call, for when no dump follows */
  readonly strings: readonly Uint8Array[]
  readonly isNetlink: boolean
}

/** Whether a text is output of strace. */
export function isStrace(text: string): boolean {
  return text.split('\n').some((line) => CALL.test(line) || DUMP.test(line))
}

/** Finds the messages in lines of strace, as they come. */
export class StraceReader {
  /** strings that strace cut (-s), and calls whose bytes it decoded without dumping them */
  cut = 0
  decoded = 0
  /** netlink protocol of each descriptor; undefined for one that is not netlink */
  #protocols = new Map<string, number | undefined>()
  #call: Call | undefined
  #dump: number[] = []
  #dumps = 0

  /** The chunks that this line completes. */
  push(line: string): Chunk[] {
    const dump = DUMP.exec(line)
    if (dump !== null) {
      for (const [digits] of (dump[1] ?? '').matchAll(/[\da-f]{2}/g)) this.#dump.push(Number.parseInt(digits, 16))
      return []
    }
    const dumped = this.#takeDump()
    if (BUFFER.test(line)) return dumped
    const call = CALL.exec(line)
    if (call === null) return dumped
    const before = [...dumped, ...this.#endCall()]
    this.#beginCall(call[1] ?? '', call[2] ?? '')
    return before
  }

  /** The remaining chunks at the end. */
  finish(): Chunk[] {
    return [...this.#takeDump(), ...this.#endCall()]
  }

  #beginCall(name: string, rest: string): void {
    if (name === 'socket') {
      const [, family, protocol = ''] = /^(\w+), [^,]*, (\w+)\)/.exec(rest) ?? []
      const [, descriptor = ''] = /= (\d+)/.exec(rest) ?? []
      this.#protocols.set(
        descriptor,
        family === 'AF_NETLINK' ? protocolOf(protocol.replace('NETLINK_', '')) : undefined,
      )
      return
    }
    const [, descriptor = '', link = ''] = /^(\d+)(?:<(.*?)>)?/.exec(rest) ?? []
    const [, named] = /^NETLINK:\[(\w+)/.exec(link) ?? []
    const protocol = named === undefined ? this.#protocols.get(descriptor) : protocolOf(named)
    const isOther = (this.#protocols.has(descriptor) && protocol === undefined) || (link !== '' && named === undefined)
    const isNetlink = !isOther && (protocol !== undefined || rest.includes('AF_NETLINK') || rest.includes('nlmsg_len='))
    const strings = [...rest.matchAll(STRING)].map(([, text = '', ellipsis]) => {
      if (ellipsis !== undefined && isNetlink) this.cut++
      return bytesOf(text)
    })
    this.#dumps = 0
    this.#call = {
      label: `${name}(${descriptor})`,
      descriptor,
      protocol,
      strings,
      isNetlink: isNetlink || (!isOther && link === ''),
    }
    if (isNetlink && rest.includes('nlmsg_len=')) this.decoded++
  }

  #takeDump(): Chunk[] {
    const bytes = Uint8Array.from(this.#dump.splice(0))
    const call = this.#call
    if (bytes.length === 0 || call === undefined || !call.isNetlink) return []
    this.#dumps++
    return bytes.length < SHORTEST_MESSAGE ? [] : [{ bytes, label: call.label, protocol: call.protocol }]
  }

  /** The strings of a call that was not dumped. */
  #endCall(): Chunk[] {
    const call = this.#call
    this.#call = undefined
    if (call === undefined || !call.isNetlink || this.#dumps > 0) return []
    const { label, protocol, strings } = call
    return strings
      .filter((bytes) => bytes.length >= SHORTEST_MESSAGE && claimsLength(bytes))
      .map((bytes) => ({ bytes, label, protocol }))
  }
}

/** Whether bytes begin with a plausible `nlmsg_len`, unlike other strings of a call. */
function claimsLength(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const possible = (length: number) => length >= SHORTEST_MESSAGE && length <= bytes.length
  return possible(view.getUint32(0, true)) || possible(view.getUint32(0, false))
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text.matchAll(/\\x([\da-f]{2})/g), ([, digits = '']) => Number.parseInt(digits, 16))
}

function protocolOf(name: string): number | undefined {
  const key = name.toLowerCase()
  return Object.entries(PROTOCOL_NAMES).find(([known]) => known === key)?.[1]
}
