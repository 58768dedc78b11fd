/**
 * The scripts for logs that were written by hand: every request, error and counter once, and what makes a datagram end.
 */
import { CopyMode, LogCommand, type LogConfig, LogFlag, LogMessage, Verdict } from '@ringlink/codec'
import { logPorts, type SocketName, type Step } from './script.ts'
import { counters, delivered, onAllSockets, raw, read, traffic } from './steps.ts'

/** Hundredths of a second that no script takes: what waits is sent by something else than its timer. */
export const LONG = 30_000
const NEVER = 0xffffffff

const command = (value: number): LogConfig => ({ command: { command: value as LogCommand } })
const bind: LogConfig = { ...command(LogCommand.Bind), timeout: LONG }
const unbind = command(LogCommand.Unbind)
const mode = (copyMode: number, copyRange = 0): LogConfig => ({
  mode: { copyRange, copyMode: copyMode as CopyMode },
})
const log = (socket: SocketName, group: number, config: LogConfig, family?: number): Step =>
  family === undefined ? { do: 'log', socket, group, config } : { do: 'log', socket, group, config, family }
const expire = (group: number, socket: SocketName = 'a'): Step => ({ do: 'expire', socket, group })
const ports = Object.values(logPorts)

/** Binding, configuration and their errors. */
function configuration(): Step[] {
  const groups = [0, 5, 21, 37, 6, 65535]
  const requests: Step[] = [
    log('a', 5, {}),
    ...[mode(CopyMode.Meta), { threshold: 1 }, { flags: LogFlag.Conntrack }, unbind].map((it) => log('a', 5, it)),
    log('a', 5, bind),
    log('a', 5, bind),
    ...[bind, mode(CopyMode.Meta), {}, unbind, command(9), { flags: LogFlag.Conntrack }].map((it) => log('b', 5, it)),
    ...[LogCommand.None, 5, 9, 255].flatMap((it) => [log('a', 5, command(it)), log('a', 7, command(it))]),
    ...[0, 1, 2, 7, 10, 11, 12, 13, 99, 255].flatMap((family) => [
      log('a', 0, command(LogCommand.FamilyBind), family),
      log('b', 0, command(LogCommand.FamilyUnbind), family),
    ]),
    log('b', 5, { ...command(LogCommand.FamilyBind), threshold: 1 }, 2),
    log('b', 5, { ...command(LogCommand.FamilyUnbind), threshold: 1 }, 2),
    ...[0, 1, 2, 3, 255].flatMap((it) => [log('a', 5, mode(it, 128)), counters]),
    ...[0, 1, 65530, 65531, 65532, 0xffffffff].flatMap((it) => [log('a', 5, mode(CopyMode.Packet, it)), counters]),
    ...[0, 1, 3775, 3776, 131072, 131073, 0xffffffff].flatMap((it) => [log('a', 5, { bufferSize: it }), counters]),
    ...[0, 1, 100, 0x7fffffff, 0xffffffff, LONG].flatMap((it) => [log('a', 5, { timeout: it }), counters]),
    ...[0, 1, 100, 0xffffffff].map((it) => log('a', 5, { threshold: it })),
    ...[0, 1, 2, 3, 4, 5, 8, 0x7ff8, 0xffff].map((it) => log('a', 5, { flags: it })),
    log('a', 6, { ...bind, flags: LogFlag.Conntrack }),
    log('a', 6, {}),
    log('a', 6, { ...bind, ...mode(CopyMode.Packet, 64), bufferSize: 1, threshold: 7, flags: 3 }),
    log('a', 6, { ...unbind, ...mode(CopyMode.Meta) }),
    log('a', 6, unbind),
    ...groups.map((group) => log('a', group, bind)),
    counters,
    log('a', 21, unbind),
    log('b', 21, { ...bind, ...mode(CopyMode.None) }),
    counters,
    ...groups.map((group) => log('a', group, unbind)),
    counters,
  ]
  return onAllSockets(requests)
}

/** Messages that are not as they should be: each attribute in each length, and more than one. */
function malformed(): Step[] {
  const header = [0, 0, 0, 5]
  const value = [0, 0, 0, 0, 1, 0, 0, 0, 0]
  const attribute = (number: number, length: number) => [length, 0, number, 0, ...value.slice(0, (length - 1) & ~3)]
  const lengths = [0, 3, 4, 5, 6, 7, 8, 9, 10, 12]
  const bodies: number[][] = [
    [],
    [0, 0],
    header,
    [...header, 200, 0, 3, 0],
    [...header, 8, 0, 3, 0x40, 0, 0, 16, 0],
    [...header, 8, 0, 6, 0x80, 0, 1, 0, 0],
    [...header, 8, 0, 5, 0, 0, 0, 0, 1, 1, 2],
    [...header, ...attribute(5, 8), ...attribute(5, 8)],
    [...header, ...attribute(5, 8), ...attribute(2, 8)],
    ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((number) => lengths.map((length) => [...header, ...attribute(number, length)])),
  ]
  return [
    { do: 'open', socket: 'a', cappedAck: false, receiveBufferSize: 1 << 20 },
    log('a', 5, bind),
    ...[LogMessage.Packet, LogMessage.Config, 0x402, 0x4ff].flatMap((type) => bodies.map((body) => raw(type, body))),
    read(),
    ...[0, 1, 4].map((flags) => raw(LogMessage.Config, header, { flags })),
    ...[4, 12, 15, 16, 18].map((cut) => raw(LogMessage.Config, header, { cut })),
    read(),
    counters,
  ]
}

/** Packets of all rules, in all modes and sizes, alone and together; numbers within groups and over all. */
function records(): Step[] {
  const sizes = [0, 1, 2, 3, 4, 5, 31, 63, 96, 500, 3000, 3600, 3700, 9000, 16_030, 17_000, 60_000]
  const modes = [mode(CopyMode.None), mode(CopyMode.Meta), ...[0, 28, 29, 30, 31, 33].map((it) => mode(2, it))]
  const groups = [5, 6, 21]
  const toAll = (config: LogConfig) => groups.map((group) => log(group === 21 ? 'b' : 'a', group, config))
  const everywhere = ports.map((port) => traffic(port, 1, 7))
  return [
    { do: 'open', socket: 'a', receiveBufferSize: 1 << 22 },
    { do: 'open', socket: 'b', receiveBufferSize: 1 << 22 },
    ...everywhere,
    ...toAll(bind),
    // Each flag on its own, then both, then off and on again: what passes while it is off is not counted.
    ...[0, LogFlag.Sequence, LogFlag.GlobalSequence, 3, 0, 3].flatMap((flags) => [
      ...toAll({ flags, threshold: 1 }),
      ...everywhere,
      read(),
      read('b'),
      counters,
    ]),
    ...modes.flatMap((it) => [
      ...toAll(it),
      ...everywhere,
      ...sizes.map((size) => traffic(logPorts.plain, 1, size)),
      read(),
      read('b'),
    ]),
    // Several to a datagram: by the group's number, and by the rule's where that is smaller.
    ...[0, 2, 3, 4, 5].flatMap((threshold) => [
      ...toAll({ threshold, ...mode(CopyMode.Packet) }),
      traffic(logPorts.plain, 7, 5),
      counters,
      ...everywhere,
      traffic(logPorts.eager, 4, 6),
      ...everywhere,
      counters,
      read(),
      read('b'),
    ]),
    delivered,
  ]
}

/** Waiting records are sent when the buffer is full, when the group is unbound, and at the timeout. */
function flushing(): Step[] {
  const buffers = [3776, 3777, 4096, 10_000, 30_000, 131072, 200_000]
  return [
    { do: 'open', socket: 'a', receiveBufferSize: 1 << 23 },
    { do: 'open', socket: 'b', receiveBufferSize: 1 << 23 },
    log('a', 5, { ...bind, threshold: NEVER, flags: 3 }),
    ...buffers.flatMap((bufferSize) => [
      log('a', 5, { bufferSize }),
      traffic(logPorts.plain, Math.ceil(Math.min(2000, bufferSize / 60)), 50),
      traffic(logPorts.plain, 3, 1000),
      traffic(logPorts.plain, 2, 5000),
      traffic(logPorts.prefixed, 30, 13),
      traffic(logPorts.short, 50, 13),
      counters,
      read(),
    ]),
    // The group's end.
    log('a', 5, unbind),
    traffic(logPorts.plain, 2),
    read(),
    counters,
    ...[1, 2, 30].flatMap((count) => [
      log('a', 5, { ...bind, flags: 3 }),
      traffic(logPorts.plain, count, 9),
      log('b', 5, unbind),
      log('a', 5, { bufferSize: 5000, threshold: 50 }),
      counters,
      log('a', 5, unbind),
      read(),
      read('b'),
    ]),
    // Its owner's end: another takes the group, and begins at 0.
    log('a', 5, { ...bind, flags: 3 }),
    traffic(logPorts.plain, 3),
    { do: 'close', socket: 'a' },
    { do: 'counters', socket: 'b' },
    log('b', 5, { ...bind, flags: 3, threshold: 2 }),
    traffic(logPorts.plain, 2),
    read('b'),
    log('b', 5, unbind),
    read('b'),
    // A smaller number than wait already takes effect with the next packet.
    { do: 'open', socket: 'a' },
    log('a', 5, { ...bind, flags: 1 }),
    traffic(logPorts.plain, 5),
    log('a', 5, { threshold: 2 }),
    counters,
    traffic(logPorts.plain, 1),
    read(),
    // Time. A single record has no Done; a new time applies after what waits was sent.
    ...[0, 1, 5].flatMap((timeout) => [
      log('a', 5, { timeout, threshold: 100 }),
      read(),
      traffic(logPorts.plain),
      expire(5),
      counters,
    ]),
    log('a', 5, { timeout: 200 }),
    read(),
    traffic(logPorts.plain, 3),
    log('a', 5, { timeout: LONG }),
    traffic(logPorts.prefixed, 2),
    read(),
    expire(5),
    traffic(logPorts.plain, 1),
    counters,
    log('a', 5, { threshold: 2 }),
    traffic(logPorts.plain, 1),
    read(),
    counters,
    // Two groups, each with its own time.
    log('a', 6, { ...bind, timeout: 20, flags: 3 }),
    log('a', 5, { timeout: LONG, threshold: 100 }),
    read(),
    traffic(logPorts.plain, 1),
    traffic(logPorts.marked, 1),
    expire(6),
    counters,
    log('a', 5, unbind),
    log('a', 6, unbind),
    read(),
  ]
}

/** Receive buffers that are too small: what is lost shows in the counts, and exactly in the numbers. */
function overload(): Step[] {
  const round = (port: number): Step[] => [
    traffic(port, 40, 60),
    counters,
    log('a', 5, {}),
    read('a', 1),
    traffic(port, 1),
    traffic(port, 12, 3000),
    read(),
    traffic(port, 2),
    read(),
    counters,
  ]
  return [1, 4608, 9000, 20_000].flatMap((receiveBufferSize) =>
    [false, true].flatMap((noOverrunErrors): Step[] => [
      { do: 'open', socket: 'a', receiveBufferSize, noOverrunErrors },
      log('a', 5, { ...bind, flags: 3, threshold: 1 }),
      log('a', 6, { ...bind, flags: 3, threshold: 1 }),
      read(),
      ...[1, 2, 10].flatMap((threshold) => [
        log('a', 5, { threshold, bufferSize: threshold * 3776 }),
        ...round(logPorts.plain),
        ...round(logPorts.twice),
        traffic(logPorts.plain, 30, 500),
        traffic(logPorts.marked, 30, 500),
        read(),
        traffic(logPorts.plain, 1),
        traffic(logPorts.marked, 1),
        read(),
      ]),
      log('a', 5, unbind),
      read(),
      counters,
      { do: 'close', socket: 'a' },
    ]),
  )
}

/** Packets that a rule logs and another queues. */
function queued(): Step[] {
  const send = (count: number): Step[] => [traffic(logPorts.queued, count, 5), read()]
  const judge = (verdict: number): Step => ({
    do: 'verdicts',
    socket: 'a',
    verdicts: [{ queue: 0, back: 0, verdict, batch: true }],
  })
  return [
    { do: 'open', socket: 'a' },
    log('a', 6, { ...bind, flags: 3, threshold: 2 }),
    ...send(3),
    {
      do: 'config',
      socket: 'a',
      queue: 0,
      config: { command: { command: 1, family: 0 }, parameters: { copyRange: 0, copyMode: CopyMode.Packet } },
    },
    ...send(4),
    judge(Verdict.Drop),
    ...send(2),
    // The rules are passed once more, the first one too.
    judge(Verdict.Repeat),
    read(),
    judge(Verdict.Accept),
    read(),
    counters,
    delivered,
  ]
}

/** The whole, in parts, each from a fresh machine. */
export const logScripts: Readonly<Record<string, readonly Step[]>> = {
  configuration: configuration(),
  malformed: malformed(),
  records: records(),
  flushing: flushing(),
  overload: overload(),
  queued: queued(),
}
