import type { PacketBatch, Queue, QueuePacket } from 'ringlink'
import type { Pace } from './pace.ts'
import type { Work } from './work.ts'

/** Answers a queue indefinitely, in the way `api` says: the three ways that an application can choose from. */
export function answerQueue(api: string, queue: Queue, work: Work, pace: Pace): Promise<void> {
  switch (api) {
    case 'packets':
      return packetByPacket(queue, work, pace)
    case 'async':
      return withAsyncHandler(queue, work, pace)
    case 'serve':
      queue.serve((packets) => answerBatch(packets, work, pace))
      return Promise.resolve()
    default:
      return inBatches(queue, work, pace)
  }
}

async function inBatches(queue: Queue, work: Work, pace: Pace): Promise<void> {
  for await (const packets of queue) answerBatch(packets, work, pace)
}

/** One batch: what the others are measured against. */
export function answerBatch(packets: PacketBatch, work: Work, pace: Pace): void {
  pace.received()
  let answered = packets.length
  if (work.holds) {
    answered = holdSome(packets, work, pace)
  } else {
    for (const packet of packets) {
      work.look(packet)
      work.answer(packet)
    }
  }
  pace.answered(answered, () => packets.flush())
}

function holdSome(packets: PacketBatch, work: Work, pace: Pace): number {
  const { isOver, left } = pace
  let answered = 0
  for (const packet of packets) {
    work.look(packet)
    answered += work.answerOrHold(packet, isOver)
  }
  // The last packets are followed by none that could make the held ones due.
  if (isOver || answered + work.heldCount >= left) answered += work.answerAllHeld()
  return answered
}

async function packetByPacket(queue: Queue, work: Work, pace: Pace): Promise<void> {
  const flush = () => queue.flush()
  for await (const packet of queue.packets()) {
    pace.received()
    work.look(packet)
    work.answer(packet)
    pace.answered(1, flush)
  }
}

async function withAsyncHandler(queue: Queue, work: Work, pace: Pace): Promise<void> {
  const handle = async (packet: QueuePacket): Promise<void> => {
    work.look(packet)
    work.answer(packet)
  }
  for await (const packets of queue) {
    pace.received()
    for (const packet of packets) await handle(packet)
    pace.answered(packets.length, () => packets.flush())
  }
}
