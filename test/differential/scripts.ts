/**
 * The script that was written by hand: every request, error and counter of the queue once, and combinations that
 * matter.
 */
import { CopyMode, QueueCommand, QueueFlag, QueueMessage, queueVerdict, Verdict } from '@ringlink/codec'
import { ports, type ScriptVerdict, type SocketName, type Step } from './script.ts'
import { counters, delivered, onAllSockets, raw, read, traffic } from './steps.ts'

const command = (value: number) => ({ command: { command: value as QueueCommand, family: 0 } })
const bind = command(QueueCommand.Bind)
const unbind = command(QueueCommand.Unbind)
const mode = (copyMode: number, copyRange = 0) => ({ parameters: { copyRange, copyMode: copyMode as CopyMode } })
const all = mode(CopyMode.Packet)

const config = (socket: SocketName, queue: number, attributes: object): Step => ({
  do: 'config',
  socket,
  queue,
  config: attributes,
})
const verdicts = (...list: ScriptVerdict[]): Step => ({ do: 'verdicts', socket: 'a', verdicts: list })
const one = (queue: number, back: number, verdict: number, more: Partial<ScriptVerdict> = {}): ScriptVerdict => ({
  queue,
  back,
  verdict,
  ...more,
})
const { Accept, Drop, Repeat, Stop } = Verdict

/** Binding, configuration and their errors. */
function configuration(): Step[] {
  const requests: Step[] = [
    config('a', 0, {}),
    config('a', 0, mode(CopyMode.Meta)),
    config('a', 0, unbind),
    config('a', 0, bind),
    config('a', 0, bind),
    config('b', 0, bind),
    config('b', 0, mode(CopyMode.Meta)),
    config('b', 0, unbind),
    config('a', 0, command(0)),
    config('a', 0, command(9)),
    config('a', 0, command(QueueCommand.FamilyBind)),
    config('b', 0, command(QueueCommand.FamilyUnbind)),
    config('a', 0, {}),
    ...[0, 1, 2, 7].map((value) => config('a', 0, mode(value, 128))),
    ...[0, 1, 65530, 65531, 65532, 0xffffffff].flatMap((range) => [
      config('a', 0, mode(CopyMode.Packet, range)),
      counters,
    ]),
    ...[0, 1, 1024, 70000, 0xffffffff].map((maximumLength) => config('a', 0, { maximumLength })),
    ...[0, 1, 2, 4, 8, 16, 0x1d, 0x1f, 0x20, 0xffffffff].map((flags) => config('a', 0, { flags, mask: flags })),
    config('a', 0, { flags: 1 }),
    config('a', 0, { mask: 1 }),
    config('a', 0, { flags: 2, mask: 1 }),
    config('a', 0, { flags: 0, mask: 0xffffffff }),
    config('a', 5, { ...bind, ...all, maximumLength: 7, flags: 1, mask: 1 }),
    config('a', 21, { ...bind, ...mode(CopyMode.Meta) }),
    config('a', 261, { ...bind, ...mode(CopyMode.None) }),
    config('a', 6, { ...bind, flags: 2, mask: 2 }),
    config('a', 6, unbind),
    counters,
    ...[5, 21, 261, 0].map((queue) => config('a', queue, unbind)),
    counters,
  ]
  return onAllSockets(requests)
}

/** Messages that are not as they should be. */
function malformed(): Step[] {
  const header = [0, 0, 0, 0]
  const bodies: number[][] = [
    [],
    [0, 0],
    header,
    [...header, 8, 0, 1, 0, 1, 0, 0, 0],
    [...header, 5, 0, 1, 0, 1, 0, 0, 0],
    [...header, 4, 0, 1, 0],
    [...header, 12, 0, 1, 0, 4, 0, 0, 0, 9, 9, 9, 9],
    [...header, 8, 0, 2, 0, 0, 0, 0, 9],
    [...header, 6, 0, 3, 0, 1, 1, 0, 0],
    [...header, 6, 0, 4, 0, 1, 1, 0, 0],
    [...header, 7, 0, 5, 0, 1, 1, 1, 0],
    [...header, 8, 0, 3, 0x40, 0, 0, 1, 0],
    [...header, 8, 0, 77, 0, 0, 0, 1, 0],
    [...header, 8, 0, 0, 0, 0, 0, 1, 0],
    [...header, 3, 0, 3, 0],
    [...header, 0, 0, 0, 0],
    [...header, 200, 0, 3, 0],
    [...header, 8, 0, 3, 0, 0, 0, 1, 0, 1, 2],
    [...header, 8, 0, 3, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0, 2, 0],
    [...header, 6, 0, 19, 0, 1, 2, 0, 0],
    [...header, 4, 0, 19, 0],
    [...header, 12, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 1],
    [...header, 12, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 1, 5, 0, 3, 0, 1, 0, 0, 0],
    [...header, 12, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 1, 5, 0, 21, 0, 1, 0, 0, 0],
    [...header, 12, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 1, 5, 0, 10, 0, 1, 0, 0, 0],
  ]
  const types = [
    QueueMessage.Packet,
    QueueMessage.Verdict,
    QueueMessage.Config,
    QueueMessage.VerdictBatch,
    0x304,
    0x3ff,
  ]
  return [
    { do: 'open', socket: 'a', cappedAck: false, receiveBufferSize: 1 << 20 },
    config('a', 0, bind),
    ...types.flatMap((type) => bodies.map((body) => raw(type, body))),
    read(),
    ...[1, 2, 3, 4, 0xf].map((type) => raw(type, header)),
    // Not 0x10, which begins a transaction of nftables, nor types of subsystems that the real kernel has.
    ...[0x11, 0xd00, 0xc801].map((type) => raw(type, header)),
    ...[0, 1, 4].map((flags) => raw(QueueMessage.Config, header, { flags })),
    ...[4, 12, 15, 16, 18].map((cut) => raw(QueueMessage.Config, header, { cut })),
    read(),
    counters,
  ]
}

/** Packets of all sizes in all copy modes. */
function copying(): Step[] {
  const sizes = [0, 1, 2, 3, 4, 95, 96, 97, 104, 105, 500, 1472, 3000, 9000, 15_990, 16_030, 17_000, 60_000]
  const modes = [
    mode(CopyMode.Meta),
    mode(CopyMode.Packet, 28),
    mode(CopyMode.Packet, 29),
    mode(CopyMode.Packet, 33),
    mode(CopyMode.Packet, 128),
    all,
  ]
  const flags = [
    0,
    QueueFlag.SegmentationOffload,
    QueueFlag.UserAndGroup,
    QueueFlag.SecurityContext | QueueFlag.FailOpen,
  ]
  return [
    { do: 'open', socket: 'a', receiveBufferSize: 1 << 22 },
    config('a', 0, bind),
    ...flags.flatMap((value) => [
      config('a', 0, { flags: value, mask: 0x1d }),
      ...modes.flatMap((it): Step[] => [
        config('a', 0, it),
        ...sizes.map((size) => traffic(ports.first, 1, size)),
        read(),
        verdicts(one(0, 0, Drop, { batch: true })),
        counters,
      ]),
    ]),
    config('a', 0, mode(CopyMode.None)),
    traffic(ports.first, 3),
    traffic(ports.bypass, 3),
    read(),
    counters,
    delivered,
  ]
}

/** Verdicts of all kinds, right and wrong. */
function judging(): Step[] {
  const values = [Accept, Drop, 2, Repeat, Stop, 6, 0xff, 0x10001, 0x10000, 0x10004, 0xfff10000]
  return [
    { do: 'open', socket: 'a', cappedAck: false, receiveBufferSize: 1 << 20 },
    { do: 'open', socket: 'b' },
    config('a', 0, { ...bind, ...all }),
    config('a', 1, { ...bind, ...all }),
    traffic(ports.first, 40),
    traffic(ports.marked, 5),
    read(),
    verdicts(one(0, 39, Accept), one(0, 38, Drop), one(0, 36, Accept), one(0, 37, Accept)),
    verdicts(one(0, 39, Accept), one(0, -1, Accept), one(0, 5000, Accept), one(77, 0, Accept)),
    verdicts(one(0, 35, Accept, { acknowledge: true }), one(0, 35, Accept, { acknowledge: true })),
    ...values.flatMap((value, index) => [verdicts(one(0, 34 - index, value, { acknowledge: true })), read()]),
    { do: 'verdicts', socket: 'b', verdicts: [one(0, 20, Accept), one(0, 20, Accept, { batch: true })] },
    read('b'),
    read(),
    counters,
    verdicts(one(0, 30, queueVerdict(1)), one(0, 29, queueVerdict(9)), one(0, 28, queueVerdict(9, true))),
    verdicts(one(0, 27, queueVerdict(0)), one(1, 0, Accept, { mark: 0 }), one(1, 1, Repeat, { mark: 8 })),
    read(),
    counters,
    delivered,
    verdicts(
      one(0, 15, Accept, { text: 'another text' }),
      one(0, 14, Accept, { text: '' }),
      one(0, 13, Accept, { text: 'x'.repeat(3000), mark: 5, priority: 3 }),
      one(0, 12, Accept, { zeros: 0 }),
      one(0, 11, Accept, { zeros: 19 }),
      one(0, 10, queueVerdict(1), { text: 'changed on its way', mark: 0x01020304, priority: 0x10002 }),
    ),
    read(),
    verdicts(one(0, 8, Drop), one(0, 7, Accept, { batch: true, mark: 3, priority: 1 })),
    verdicts(one(0, 7, Accept, { batch: true, acknowledge: true }), one(0, 100, Accept, { batch: true })),
    verdicts(one(1, 0, queueVerdict(0), { batch: true, priority: 9 })),
    read(),
    verdicts(one(0, 0, 2, { batch: true }), one(0, -1000, Accept, { batch: true })),
    verdicts(one(1, 0, Accept, { batch: true }), one(0, 0, Accept, { batch: true })),
    read(),
    counters,
    delivered,
    // Repeated to a queue that no longer exists, with and without bypass.
    traffic(ports.first, 2),
    traffic(ports.bypass, 2),
    read(),
    verdicts(one(0, 3, Repeat), one(0, 0, Repeat)),
    read(),
    config('a', 0, unbind),
    read(),
    delivered,
    { do: 'close', socket: 'a' },
    { do: 'counters', socket: 'b' },
    delivered,
  ]
}

/** Queues and buffers that are too small. */
function overload(): Step[] {
  const round = (port: number): Step[] => [
    traffic(port, 12),
    counters,
    config('a', 0, {}),
    verdicts(one(0, 1, Accept, { acknowledge: true }), one(0, -3, Accept)),
    read('a', 1),
    traffic(port, 1),
    read(),
    traffic(port, 2),
    read(),
    verdicts(one(0, 0, Drop, { batch: true })),
    read(),
    counters,
    delivered,
  ]
  const buffers = [1, 4608, 9000, 20_000]
  return buffers.flatMap((receiveBufferSize) =>
    [false, true].flatMap((noOverrunErrors): Step[] => [
      { do: 'open', socket: 'a', receiveBufferSize, noOverrunErrors },
      config('a', 0, { ...bind, ...all, maximumLength: 10 }),
      read(),
      ...round(ports.first),
      config('a', 0, { flags: 1, mask: 1 }),
      read(),
      ...round(ports.bypass),
      config('a', 0, { ...mode(CopyMode.Meta), maximumLength: 3 }),
      ...round(ports.first),
      config('a', 0, { flags: 0, mask: 1, maximumLength: 0 }),
      ...round(ports.bypass),
      { do: 'close', socket: 'a' },
    ]),
  )
}

/** The whole, in parts, each from a fresh machine. */
export const scripts: Readonly<Record<string, readonly Step[]>> = {
  configuration: configuration(),
  malformed: malformed(),
  copying: copying(),
  judging: judging(),
  overload: overload(),
}
