import { Family, type LogAttributes, LogMessage, logAttributes, Memory, writeNfnetlinkMessage } from '@ringlink/codec'

const SIZE = 4096

/** The kernel's message of a packet that was logged to `group`. */
export function logMessage(attributes: LogAttributes, group: number): Uint8Array {
  const memory = new Memory(SIZE)
  const length = writeNfnetlinkMessage(memory, 0, SIZE, logAttributes, {
    type: LogMessage.Packet,
    flags: 0,
    sequence: 0,
    family: Family.Ipv4,
    resourceId: group,
    attributes: { packetHeader: { protocol: 0x0800, hook: 1 }, ...attributes },
  })
  return memory.copy(0, length)
}
