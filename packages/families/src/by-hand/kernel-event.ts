/**
 * Events of kernel objects, which tell udev of devices (lib/kobject_uevent.c). A datagram is text without a netlink
 * header:
 *
 *  add@/devices/virtual/net/veth0 \0 ACTION=add \0 DEVPATH=/devices/virtual/net/veth0 \0 SUBSYSTEM=net \0 … \0
 *  SEQNUM=4711 \0
 *
 * Each network namespace gets the events of its own devices; those of other objects come to the first user namespace's.
 */
import { DecodeError, decodeText, type Memory, rawFamily, recordOperation } from '@ringlink/codec'

/** NETLINK_KOBJECT_UEVENT */
const EVENT_PROTOCOL = 15

/** An event of a kernel object. */
export interface KernelEvent {
  /** `add`, `remove`, `change`, `move`, `online`, `offline`, `bind`, `unbind` */
  action: string
  /** the object's place below /sys */
  path: string
  /** `SUBSYSTEM`, `SEQNUM` and what the subsystem adds */
  properties: Record<string, string>
  /** text that is not a property */
  unknown?: string[] | undefined
}

const ZERO = 0

/**
 * Reads an event. Throws `DecodeError` where it does not begin with an action and a path, as udev's own messages do
 * not.
 */
export function readKernelEvent(memory: Memory, offset: number, length: number): KernelEvent {
  const texts = partsOf(memory.u8.subarray(offset, offset + length))
  const [head = '', ...lines] = texts
  const at = head.indexOf('@')
  if (at <= 0) throw new DecodeError('MESSAGE_TYPE', 'kernel object event', { offset, need: 1, have: at })
  const event: KernelEvent = { action: head.slice(0, at), path: head.slice(at + 1), properties: {} }
  for (const line of lines) {
    const equals = line.indexOf('=')
    if (equals <= 0 || line.startsWith('__proto__')) event.unknown = [...(event.unknown ?? []), line]
    else event.properties[line.slice(0, equals)] = line.slice(equals + 1)
  }
  return event
}

/** The texts that zero bytes end. */
function partsOf(bytes: Uint8Array): string[] {
  const parts: string[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(ZERO, start)
    const stop = end < 0 ? bytes.length : end
    if (stop > start) parts.push(decodeText(bytes.slice(start, stop)))
    start = stop + 1
  }
  return parts
}

/** Events of kernel objects. */
export const kernelEvents = rawFamily(
  'uevent',
  EVENT_PROTOCOL,
  { event: recordOperation<KernelEvent>('KOBJECT_UEVENT', { types: undefined, read: readKernelEvent }, {}) },
  { kernel: 1 },
  'CONFIG_NET',
)
