/**
 * The memory of netlink's rings (CONFIG_NETLINK_MMAP, Linux 3.10 to 4.5): frames in blocks, one mapping for both rings.
 *
 *     mapping   | receive ring: block 0 | block 1 | … | transmit ring: block 0 | block 1 | … |
 *     block     | frame 0 | frame 1 | … | rest smaller than a frame, unused |
 *     frame     | header, 24 bytes | message, up to frameSize - 24 bytes |
 *
 * nl_mmap_hdr, the header of a frame (uapi/linux/netlink.h of these kernels). All fields are in host byte order.
 *
 *   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +---------------------------------------------------------------+
 *  |                  status: whose the frame is                   |
 *  +---------------------------------------------------------------+
 *  |                      length of the message                    |
 *  +---------------------------------------------------------------+
 *  |        multicast group, its number (a copied message's)       |
 *  +---------------------------------------------------------------+
 *  |      process id of the sender, no port id; 0 is the kernel    |
 *  +---------------------------------------------------------------+
 *  |                       user id of the sender                   |
 *  +---------------------------------------------------------------+
 *  |                      group id of the sender                   |
 *  +---------------------------------------------------------------+
 *
 * Only the status word is written by both sides. A side stores it when it has finished with the rest of the frame, and
 * the other side begins when it sees the change: it is loaded and stored with Atomics, everything else with plain
 * accesses.
 */
import { Errno } from '@ringlink/codec/errors'
import { align4, type Memory } from '@ringlink/codec/memory'

const STATUS = 0
const LENGTH = STATUS + 4
const GROUP = LENGTH + 4
const PROCESS_ID = GROUP + 4
const USER_ID = PROCESS_ID + 4
const GROUP_ID = USER_ID + 4
/** Length of a frame's header in bytes (`NL_MMAP_HDRLEN`). */
export const FRAME_HEADER_LENGTH: number = align4(GROUP_ID + 4)

/** Frame sizes are multiples of this (`NL_MMAP_MSG_ALIGNMENT`). */
const FRAME_ALIGNMENT = 4
/** Length of a ring request in bytes (`struct nl_mmap_req`): block size, block count, frame size, frame count. */
export const RING_REQUEST_LENGTH = 16

/**
 * The status of a frame, which says who owns it (enum nl_mmap_status). Neither side checks the range: any other value
 * just does not match.
 */
export const FrameStatus = {
  /** NL_MMAP_STATUS_UNUSED: owned by the writer, free */
  Unused: 0,
  /** NL_MMAP_STATUS_RESERVED: owned by the kernel, being filled */
  Reserved: 1,
  /** NL_MMAP_STATUS_VALID: owned by the reader, with a message */
  Valid: 2,
  /** NL_MMAP_STATUS_COPY: owned by the reader, a token for one message in the receive queue */
  Copy: 3,
  /** NL_MMAP_STATUS_SKIP: kept by the user; the kernel should step over it */
  Skip: 4,
} as const
export type FrameStatus = (typeof FrameStatus)[keyof typeof FrameStatus]

/** The options that set a ring (`NETLINK_RX_RING`, `NETLINK_TX_RING` of `SOL_NETLINK`). */
export const RingOption = {
  /** NETLINK_RX_RING */
  Receive: 6,
  /** NETLINK_TX_RING */
  Transmit: 7,
} as const
export type RingOption = (typeof RingOption)[keyof typeof RingOption]

/** The sizes of a ring, as requested from the kernel. */
export interface RingGeometry {
  /** nm_block_size: bytes of a block, a multiple of the page size */
  readonly blockSize: number
  /** nm_block_nr: number of blocks */
  readonly blockCount: number
  /** nm_frame_size: bytes of a frame with its header; need not divide the block size */
  readonly frameSize: number
  /** nm_frame_nr: frames per block times number of blocks */
  readonly frameCount: number
}

/** A request for no ring: probes whether the kernel has rings, and releases an existing one. */
export const NO_RING: RingGeometry = Object.freeze({ blockSize: 0, blockCount: 0, frameSize: 0, frameCount: 0 })

/** The state of a socket that the kernel checks for a ring request. */
export interface RingSetup {
  readonly pageSize: number
  /** CAP_NET_ADMIN in the initial user namespace */
  readonly privileged: boolean
  /** a mapping of the socket exists, of either ring */
  readonly mapped: boolean
  /** frames of this ring are reserved at this moment */
  readonly pending: boolean
  /** this ring is set already */
  readonly set: boolean
}

/**
 * The kernel's answer to a ring request, without the allocation: 0 or an errno, with the checks in the kernel's order.
 *
 * @param request the option's value as 32-bit words (`struct nl_mmap_req`); further words are ignored
 */
export function checkRingRequest(request: Uint32Array, setup: RingSetup): number {
  if (!setup.privileged) return Errno.EPERM
  if (request.byteLength < RING_REQUEST_LENGTH) return Errno.EINVAL
  const { blockSize, blockCount, frameSize, frameCount } = readRingRequest(request)
  if (setup.mapped || setup.pending) return Errno.EBUSY
  if (blockCount === 0) return frameCount === 0 ? 0 : Errno.EINVAL
  if (setup.set) return Errno.EBUSY
  // The kernel treats the block size as a signed int.
  if ((blockSize | 0) <= 0 || blockSize % setup.pageSize !== 0) return Errno.EINVAL
  if (frameSize < FRAME_HEADER_LENGTH || frameSize % FRAME_ALIGNMENT !== 0) return Errno.EINVAL
  const perBlock = Math.floor(blockSize / frameSize)
  if (perBlock === 0 || Math.imul(perBlock, blockCount) >>> 0 !== frameCount) return Errno.EINVAL
  return 0
}

/** A ring request as 32-bit words (`struct nl_mmap_req`). */
export function writeRingRequest(geometry: RingGeometry): Uint32Array<ArrayBuffer> {
  return Uint32Array.of(geometry.blockSize, geometry.blockCount, geometry.frameSize, geometry.frameCount)
}

/** The geometry in a ring request of at least four 32-bit words. */
export function readRingRequest(request: Uint32Array): RingGeometry {
  const [blockSize = 0, blockCount = 0, frameSize = 0, frameCount = 0] = request
  return { blockSize, blockCount, frameSize, frameCount }
}

/** Length of a ring in the mapping, in bytes; 0 if there is no ring. */
export function ringSize(geometry: RingGeometry | undefined): number {
  return geometry === undefined ? 0 : geometry.blockSize * geometry.blockCount
}

/** The kernel's answer to mapping `length` bytes at `offset` of a socket with these rings: 0 or an errno. */
export function checkMapping(
  length: number,
  offset: number,
  pageSize: number,
  receive: RingGeometry | undefined,
  transmit: RingGeometry | undefined,
): number {
  const expected = ringSize(receive) + ringSize(transmit)
  const rounded = Math.ceil(length / pageSize) * pageSize
  return offset !== 0 || expected === 0 || rounded !== expected ? Errno.EINVAL : 0
}

/** Maximum factor by which blocks are enlarged while more than a quarter of them would be wasted. */
const BLOCK_GROWTH = 4

/**
 * A geometry for at least `frameCount` frames that hold messages of `capacity` bytes. Blocks are a power of two of
 * pages, because the kernel rounds allocations up to that, and small, so that the kernel can always allocate them.
 */
export function planRing(needs: { capacity: number; frameCount: number; pageSize: number }): RingGeometry {
  const frameSize = align4(needs.capacity) + FRAME_HEADER_LENGTH
  let blockSize = needs.pageSize
  while (blockSize < frameSize) blockSize *= 2
  const largest = Math.min(blockSize * BLOCK_GROWTH, frameSize * needs.frameCount)
  while (blockSize * 2 <= largest && (blockSize % frameSize) * 4 > blockSize) blockSize *= 2
  const perBlock = Math.floor(blockSize / frameSize)
  const blockCount = Math.max(1, Math.ceil(needs.frameCount / perBlock))
  return { blockSize, blockCount, frameSize, frameCount: perBlock * blockCount }
}

/** The frames of one ring in memory: their offsets, and the fields of their headers. */
export class RingFrames {
  readonly memory: Memory
  readonly geometry: RingGeometry
  readonly count: number
  /** bytes that a frame holds */
  readonly capacity: number
  // Per frame, the index of its first 32-bit word.
  readonly #words: Uint32Array

  /** @param start offset of the ring in the memory: 0 for the receive ring, the size of that for the transmit ring */
  constructor(memory: Memory, geometry: RingGeometry, start = 0) {
    this.memory = memory
    this.geometry = geometry
    this.count = geometry.frameCount
    this.capacity = geometry.frameSize - FRAME_HEADER_LENGTH
    const perBlock = Math.floor(geometry.blockSize / geometry.frameSize)
    this.#words = Uint32Array.from({ length: geometry.frameCount }, (_, frame) => {
      const inBlock = (frame % perBlock) * geometry.frameSize
      return (start + Math.floor(frame / perBlock) * geometry.blockSize + inBlock) >>> 2
    })
  }

  /** Offset of the header of a frame, in bytes. */
  address(frame: number): number {
    return this.#word(frame) * 4
  }

  /** Offset of the message of a frame, in bytes, unless the kernel moved it. */
  data(frame: number): number {
    return this.#word(frame) * 4 + FRAME_HEADER_LENGTH
  }

  status(frame: number): number {
    return Atomics.load(this.memory.i32, this.#word(frame))
  }

  setStatus(frame: number, status: number): void {
    Atomics.store(this.memory.i32, this.#word(frame), status)
  }

  length(frame: number): number {
    return this.memory.u32[this.#word(frame) + LENGTH / 4] as number
  }

  setLength(frame: number, length: number): void {
    this.memory.u32[this.#word(frame) + LENGTH / 4] = length
  }

  group(frame: number): number {
    return this.memory.u32[this.#word(frame) + GROUP / 4] as number
  }

  /** Writes the header fields of a message, except the status. */
  describe(frame: number, message: FrameDescription): void {
    const { u32 } = this.memory
    const word = this.#word(frame)
    u32[word + LENGTH / 4] = message.length
    u32[word + GROUP / 4] = message.group ?? 0
    u32[word + PROCESS_ID / 4] = message.processId ?? 0
    u32[word + USER_ID / 4] = message.userId ?? 0
    u32[word + GROUP_ID / 4] = message.groupId ?? 0
  }

  /** A copy of the header fields of a message, for tests and people. */
  description(frame: number): Required<FrameDescription> {
    const { u32 } = this.memory
    const word = this.#word(frame)
    return {
      length: u32[word + LENGTH / 4] as number,
      group: u32[word + GROUP / 4] as number,
      processId: u32[word + PROCESS_ID / 4] as number,
      userId: u32[word + USER_ID / 4] as number,
      groupId: u32[word + GROUP_ID / 4] as number,
    }
  }

  /** The frame after this one. */
  next(frame: number): number {
    return frame + 1 === this.count ? 0 : frame + 1
  }

  #word(frame: number): number {
    return this.#words[frame] as number
  }
}

/** The fields of a frame's header that describe its message; fields left out are 0, as for messages of the kernel. */
export interface FrameDescription {
  readonly length: number
  readonly group?: number | undefined
  readonly processId?: number | undefined
  readonly userId?: number | undefined
  readonly groupId?: number | undefined
}
