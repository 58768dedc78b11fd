import { Hook } from '@ringlink/codec'
import {
  boolean,
  bytes,
  either,
  integer,
  object,
  readArgument,
  required,
  type Schema,
  schemaOf,
  text,
} from '@ringlink/codec/options'
import { Checksum, type DeliveredPacket, type PacketMeta, type PacketOwner, SimPacket } from './packet.ts'

const u32 = 0xffffffff
/** The largest value of each number, all of which begin at 0. */
const largest = {
  hook: Hook.Ingress,
  family: 0xff,
  protocol: 0xffff,
  inputDevice: u32,
  outputDevice: u32,
  physicalInputDevice: u32,
  physicalOutputDevice: u32,
  mark: u32,
  priority: u32,
  connectionState: u32,
  cgroupClassId: u32,
  hardwareType: 0xffff,
  checksum: Checksum.Unverified,
  segmentSize: 0xffff,
  linearLength: 0x7fffffff,
} as const
const largestByName: ReadonlyMap<string, number> = new Map(Object.entries(largest))
const LONGEST_CONTEXT = 4096
const LARGEST_TIMESTAMP = 2n ** 63n - 1n

const nothing: Schema<null> = schemaOf('null', ['null'], () => null)
const owner = object<PacketOwner>({
  userId: required(integer(0, u32)),
  groupId: required(integer(0, u32)),
  closed: boolean,
})
const timestampText = `a bigint from 0 to ${LARGEST_TIMESTAMP} (microseconds)`
const timestamp: Schema<bigint> = schemaOf(timestampText, ['bigint'], (value: bigint, place) => {
  if (value < 0n || value > LARGEST_TIMESTAMP) throw place.outOfRange(timestampText, value)
  return value
})

const delivered: Schema<DeliveredPacket> = schemaOf(
  'a packet that onDelivered gave',
  ['object'],
  (value: DeliveredPacket, place) => {
    if (!(value instanceof SimPacket)) throw place.outOfRange('a packet that onDelivered gave', value)
    return value
  },
)

const metas: Schema<PacketMeta> = object<PacketMeta>({
  borrowed: boolean,
  hook: integer(0, largest.hook),
  family: integer(0, largest.family),
  protocol: integer(0, largest.protocol),
  inputDevice: integer(0, largest.inputDevice),
  outputDevice: integer(0, largest.outputDevice),
  physicalInputDevice: integer(0, largest.physicalInputDevice),
  physicalOutputDevice: integer(0, largest.physicalOutputDevice),
  mark: integer(0, largest.mark),
  priority: integer(0, largest.priority),
  owner: either(owner, nothing),
  connectionState: integer(0, largest.connectionState),
  continues: boolean,
  follows: delivered,
  cgroupClassId: integer(0, largest.cgroupClassId),
  securityContext: text(0, LONGEST_CONTEXT),
  hardwareAddress: either(bytes, nothing),
  hardwareType: integer(0, largest.hardwareType),
  linkLayerHeader: bytes,
  timestamp,
  checksum: integer(0, largest.checksum) as Schema<Checksum>,
  segmentSize: integer(0, largest.segmentSize),
  linearLength: integer(0, largest.linearLength),
})

/** Checks an injected packet. Throws `OptionError`. Copies nothing, because both arguments are read at once. */
export function checkInjected(packet: Uint8Array, meta: PacketMeta): void {
  if (!(packet instanceof Uint8Array)) readArgument('inject', 'packet', bytes, packet)
  if (!isPlain(meta)) readArgument('inject', 'meta', metas, meta)
}

/**
 * Whether all properties of a packet are numbers in range, and whether it is borrowed: the fast path for tests that
 * inject many.
 */
function isPlain(meta: PacketMeta): boolean {
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) return false
  const given = meta as Readonly<Record<string, unknown>>
  for (const key in given) {
    const value = given[key]
    if ((key === 'borrowed' || key === 'continues') && typeof value === 'boolean') continue
    if (typeof value !== 'number' || value >>> 0 !== value || value > (largestByName.get(key) ?? -1)) return false
  }
  return true
}
