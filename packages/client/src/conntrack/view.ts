import { ConntrackView } from '@ringlink/codec'
import { AddressView } from '@ringlink/packet'
import { connectionOf } from './connection.ts'
import type { Connection } from './types.ts'

/**
 * A connection in place: everything that `ConntrackView` shows, and its addresses. Reading a property allocates
 * nothing; text is made on demand.
 */
export class ConnectionView extends ConntrackView {
  // Not #private: read for each row.
  private readonly address = [new AddressView(), new AddressView(), new AddressView(), new AddressView()] as const

  /** source address of the original direction; re-aimed by each call */
  get sourceAddress(): AddressView {
    return this.address[0].wrap(this.memory, this.original.sourceOffset, this.original.addressLength)
  }

  /** destination address of the original direction */
  get destinationAddress(): AddressView {
    return this.address[1].wrap(this.memory, this.original.destinationOffset, this.original.addressLength)
  }

  /** source address of the reply direction */
  get replySourceAddress(): AddressView {
    return this.address[2].wrap(this.memory, this.reply.sourceOffset, this.reply.addressLength)
  }

  /** destination address of the reply direction */
  get replyDestinationAddress(): AddressView {
    return this.address[3].wrap(this.memory, this.reply.destinationOffset, this.reply.addressLength)
  }

  /** The connection as an owned value. Throws `DecodeError`. */
  connection(): Connection {
    return connectionOf(this.attributes())
  }
}
