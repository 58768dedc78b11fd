// npm nfqueue 0.3.2 as a handler of the bench, used as its README says. It copies every packet whole and its queue has
// the kernel's default length; neither can be changed.

import { Arguments } from './arguments.ts'
import { Meter } from './meter.ts'
import { requirePeer } from './peer-module.ts'

interface Packet {
  readonly info: { readonly id: number; readonly nfmark?: number; readonly outdev?: number }
  readonly payload: Buffer
  setVerdict(verdict: number, mark?: number): void
}

interface Nfqueue {
  readonly NF_ACCEPT: number
  readonly NF_DROP: number
  createQueueHandler(number: number, bufferSize: number, onPacket: (packet: Packet) => void): unknown
}

const args = new Arguments(process.argv.slice(2))
const nfqueue = requirePeer('nfqueue') as Nfqueue
const verdict = args.text('verdict', 'accept') === 'drop' ? nfqueue.NF_DROP : nfqueue.NF_ACCEPT
let checksum = 0
const meter = new Meter(args, () => ({ systemCalls: null, errors: 0, lost: 0, checksum }))
const nothing = () => {}
nfqueue.createQueueHandler(args.number('queue', 0), args.number('buffer', 1 << 27) / 2, (packet) => {
  meter.received()
  const { info, payload } = packet
  checksum += (info.nfmark ?? 0) + (info.outdev ?? 0)
  checksum += (payload[9] as number) + (payload[22] as number) + (payload[23] as number)
  packet.setVerdict(verdict)
  meter.answered(1, nothing)
})
meter.ready()
