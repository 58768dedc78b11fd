/**
 * A decoder that makes an object for each header, with copies of addresses and payload: what packet libraries usually
 * do.
 */
export interface Layers {
  readonly network: {
    readonly version: number
    readonly protocol: number
    readonly source: Uint8Array
    readonly destination: Uint8Array
  }
  readonly transport:
    | { readonly sourcePort: number; readonly destinationPort: number; readonly length: number }
    | undefined
  readonly payload: Uint8Array
}

export function decodeObjects(bytes: Uint8Array): Layers {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const headerLength = (view.getUint8(0) & 0x0f) * 4
  const network = {
    version: view.getUint8(0) >> 4,
    trafficClass: view.getUint8(1),
    length: view.getUint16(2),
    identification: view.getUint16(4),
    fragment: view.getUint16(6),
    timeToLive: view.getUint8(8),
    protocol: view.getUint8(9),
    checksum: view.getUint16(10),
    source: bytes.slice(12, 16),
    destination: bytes.slice(16, 20),
  }
  if (network.protocol !== 17) return { network, transport: undefined, payload: bytes.slice(headerLength) }
  const transport = {
    sourcePort: view.getUint16(headerLength),
    destinationPort: view.getUint16(headerLength + 2),
    length: view.getUint16(headerLength + 4),
    checksum: view.getUint16(headerLength + 6),
  }
  return { network, transport, payload: bytes.slice(headerLength + 8, headerLength + transport.length) }
}
