import { Memory } from '@ringlink/codec'
import { AddressView } from '@ringlink/packet'
import type { ConnectionView } from 'ringlink'
import type { FilteredHeaders, FilteredPacket } from '../packets/filter.ts'

const NO_CONTENT = new Memory(0)

/** A connection as a filter of packets looks at it: as its first packet. */
export class FilteredConnection implements FilteredPacket, FilteredHeaders {
  mark: number | undefined
  protocol = 0
  version: 0 | 4 | 6 = 0
  sourcePort: number | undefined
  destinationPort: number | undefined
  readonly source: AddressView = new AddressView()
  readonly destination: AddressView = new AddressView()
  readonly memory: Memory = NO_CONTENT
  readonly payloadOffset = 0
  readonly payloadEnd = 0

  aim(view: ConnectionView): this {
    const { original, memory } = view
    const { addressLength } = original
    this.mark = view.mark
    this.protocol = original.protocol ?? 0
    this.version = addressLength === 4 ? 4 : addressLength === 16 ? 6 : 0
    this.sourcePort = original.sourcePort
    this.destinationPort = original.destinationPort
    this.source.wrap(memory, original.sourceOffset, addressLength)
    this.destination.wrap(memory, original.destinationOffset, addressLength)
    return this
  }

  headers(): this {
    return this
  }
}
