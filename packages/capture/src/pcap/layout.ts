/**
 * Classic pcap: the layout of its headers (draft-ietf-opsawg-pcap; libpcap's pcap-savefile(5)). `tcpdump -w` writes it.
 *
 *   file header     magic (4) | version (2, 2) | reserved (4, 4) | snapshot length (4) | link type (4)
 *   packet header   seconds (4) | micro- or nanoseconds (4) | captured (4) | original (4) | bytes, not padded
 *
 * All numbers are in the order of the machine that wrote the file. The magic shows that order and the unit of times.
 */

export const FILE_HEADER = 24
export const PACKET_HEADER = 16
/** The upper bits of the field with the link type hold the length of the frame check sequence of an Ethernet frame. */
export const LINK_TYPE_MASK = 0x03ff_ffff

/** Units per second for each magic. */
export const PcapMagic = {
  Microseconds: 0xa1b2c3d4,
  Nanoseconds: 0xa1b23c4d,
} as const
