/** The values of a packet that a handler needs; every decoder returns the same sum of them for the same message. */
export interface Decoder {
  /** The sum of id, mark, output device and three bytes of the payload of the message in these bytes. */
  decode(index: number): number
}

/** Offsets in the payload that are read. */
export const PAYLOAD_BYTES = [9, 22, 23] as const
/** nlmsghdr and nfgenmsg. */
export const HEADERS = 20
export const Attribute = { PacketHeader: 1, Mark: 3, OutputDevice: 6, Payload: 10 } as const
