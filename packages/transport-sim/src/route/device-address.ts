/** Whether an address is one device's own: neither zero nor of a group. */
export function isDeviceAddress(address: Uint8Array): boolean {
  return ((address[0] ?? 0) & 1) === 0 && address.some((byte) => byte !== 0)
}
