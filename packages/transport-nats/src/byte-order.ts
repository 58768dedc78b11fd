/**
 * Netfilter's messages of a machine with the other byte order. Headers of messages and attributes are in host order;
 * the values of nfnetlink's attributes are in network order (net/netfilter/nfnetlink_log.c, nf_conntrack_netlink.c), so
 * that only headers have to be swapped.
 */

/** `struct nlmsghdr`, then `struct nfgenmsg`, whose `res_id` is in network order. */
const MESSAGE_HEADER = 16
const ERRNO = 4
const NETFILTER_HEADER = 4
const ATTRIBUTE_HEADER = 4
/** NLA_F_NESTED */
const NESTED = 0x8000
/**
 * Types below are of netlink itself (NLMSG_MIN_TYPE); of those only NLMSG_ERROR has content: an errno and the message
 * refused.
 */
const MINIMUM_TYPE = 16
const NLMSG_ERROR = 2
/** Attributes nested deeper are left as they are: the codec refuses to read them too. */
const MAXIMUM_DEPTH = 32

/**
 * Swaps the headers of the messages in `length` bytes at `offset`, in place, from the other byte order to this
 * machine's. Bytes that are not a whole message, as at the end of a truncated frame, are swapped as far as their
 * headers reach. Never throws, and never writes outside the region.
 */
export function swapNetfilterFrame(
  bytes: Uint8Array,
  offset: number,
  length: number,
  isLittleEndianHere: boolean,
): void {
  new Swapper(bytes, isLittleEndianHere).messages(offset, offset + length)
}

class Swapper {
  readonly #view: DataView
  readonly #little: boolean

  constructor(bytes: Uint8Array, isLittleEndianHere: boolean) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#little = isLittleEndianHere
  }

  messages(start: number, end: number): void {
    for (let at = start; at < end; ) {
      const length = this.#message(at, end)
      if (length < MESSAGE_HEADER) return
      at += align4(length)
    }
  }

  /** Swaps a message. Returns `nlmsg_len`, or 0 if its header is not whole. */
  #message(at: number, end: number, isRefused = false): number {
    if (end - at < MESSAGE_HEADER) return 0
    const length = this.#header(at)
    if (length >= MESSAGE_HEADER) this.#content(at, Math.min(end, at + length), isRefused)
    return length
  }

  /** Swaps `struct nlmsghdr`. Returns `nlmsg_len`. */
  #header(at: number): number {
    const length = this.#swap32(at)
    this.#swap16(at + 4)
    this.#swap16(at + 6)
    this.#swap32(at + 8)
    this.#swap32(at + 12)
    return length
  }

  #content(at: number, end: number, isRefused: boolean): void {
    const content = at + MESSAGE_HEADER
    const type = this.#view.getUint16(at + 4, this.#little)
    if (type >= MINIMUM_TYPE) this.#attributes(content + NETFILTER_HEADER, end, 0)
    else if (type === NLMSG_ERROR && end - content >= ERRNO) {
      this.#swap32(content)
      // The message that was refused: whole, or only its header (NLM_F_CAPPED).
      if (!isRefused) this.#message(content + ERRNO, end, true)
    }
  }

  #attributes(start: number, end: number, depth: number): void {
    for (let at = start; end - at >= ATTRIBUTE_HEADER; ) {
      const length = this.#swap16(at)
      const type = this.#swap16(at + 2)
      if (length < ATTRIBUTE_HEADER) return
      if ((type & NESTED) !== 0 && depth < MAXIMUM_DEPTH) {
        this.#attributes(at + ATTRIBUTE_HEADER, Math.min(end, at + length), depth + 1)
      }
      at += align4(length)
    }
  }

  #swap16(at: number): number {
    const value = this.#view.getUint16(at, !this.#little)
    this.#view.setUint16(at, value, this.#little)
    return value
  }

  #swap32(at: number): number {
    const value = this.#view.getUint32(at, !this.#little)
    this.#view.setUint32(at, value, this.#little)
    return value
  }
}

/** As in the kernel, without a wrap at 2^31: a length here may be any number of 32 bits. */
function align4(length: number): number {
  return Math.ceil(length / 4) * 4
}
