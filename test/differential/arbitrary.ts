/** Scripts at random: sensible enough that most of them queue packets, careless enough to be wrong everywhere. */

import { CopyMode, QueueCommand, type QueueConfig, queueVerdict } from '@ringlink/codec'
import fc, { type Arbitrary } from 'fast-check'
import { ports, type ScriptVerdict, type SocketName, type Step } from './script.ts'

export const optional = <Value>(arbitrary: Arbitrary<Value>) => fc.option(arbitrary, { nil: undefined, freq: 2 })
/** A record without the members that came out as `undefined`. */
export const sparse = <Value extends object>(arbitrary: Arbitrary<Value>): Arbitrary<Value> =>
  arbitrary.map((value) => Object.fromEntries(Object.entries(value).filter(([, it]) => it !== undefined)) as Value)

/** A command, settings, or both. */
export const attributes = <Config extends object>(command: Arbitrary<Config>, settings: Arbitrary<Config>) =>
  fc.oneof(
    { weight: 4, arbitrary: settings },
    { weight: 1, arbitrary: command },
    { weight: 1, arbitrary: fc.tuple(command, settings).map(([first, second]) => ({ ...first, ...second })) },
  )

export const socket: Arbitrary<SocketName> = fc.oneof(
  { weight: 6, arbitrary: fc.constant('a' as const) },
  { weight: 1, arbitrary: fc.constant('b' as const) },
)
const queue = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 1 }) },
  { weight: 1, arbitrary: fc.constant(2) },
)
const flags = fc.oneof(fc.constantFrom(0, 1, 4, 8, 16, 0x1d), fc.nat({ max: 0x3f }))

const settings: Arbitrary<QueueConfig> = sparse(
  fc.record({
    parameters: optional(
      fc.record({ copyRange: fc.nat({ max: 300 }), copyMode: fc.constantFrom<CopyMode>(0, 1, 2, 2, 2, 2) }),
    ),
    maximumLength: optional(fc.oneof(fc.nat({ max: 12 }), fc.constant(1024))),
    flags: optional(flags),
    mask: optional(flags),
  }),
) as Arbitrary<QueueConfig>
const command: Arbitrary<QueueConfig> = fc
  .constantFrom(QueueCommand.Bind, QueueCommand.Bind, QueueCommand.Unbind, QueueCommand.None)
  .map((value) => ({ command: { command: value, family: 0 } }))
const config = fc.record({
  do: fc.constant('config' as const),
  socket,
  queue,
  config: attributes(command, settings),
  acknowledge: fc.boolean(),
})

const verdictValue = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(0, 1, 1, 1, 4, 5) },
  { weight: 2, arbitrary: fc.tuple(fc.nat({ max: 3 }), fc.boolean()).map(([to, bypass]) => queueVerdict(to, bypass)) },
  { weight: 1, arbitrary: fc.constantFrom(2, 6, 0x10001, 0x10004, 0xff, 0xfff10000) },
)
const verdict: Arbitrary<ScriptVerdict> = sparse(
  fc.record({
    queue,
    back: fc.integer({ min: -4, max: 20 }),
    verdict: verdictValue,
    batch: fc.boolean().map((value) => (value ? true : undefined)),
    mark: optional(fc.constantFrom(0, 7, 0xffffffff)),
    priority: optional(fc.constantFrom(0, 6, 0x10002)),
    text: fc.option(fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 200 }), { nil: undefined, freq: 1 }),
    acknowledge: fc.boolean(),
  }) as Arbitrary<ScriptVerdict>,
)

/** Datagrams to one of these ports. */
export const trafficTo = (ports: readonly number[]): Arbitrary<Step> =>
  fc.record({
    do: fc.constant('traffic' as const),
    port: fc.constantFrom(...ports),
    count: fc.integer({ min: 1, max: 12 }),
    size: fc.oneof(fc.nat({ max: 150 }), fc.nat({ max: 5000 })),
  })

export const reading = sparse(
  fc.record({ do: fc.constant('read' as const), socket, batches: optional(fc.integer({ min: 1, max: 2 })) }),
) as Arbitrary<Step>

export const counting: Arbitrary<Step> = fc.record({ do: fc.constant('counters' as const), socket })

/** Messages of a subsystem, by its first type, with attributes that are as they should be by chance only. */
export const rawMessage = (firstType: number, maximumAttribute: number): Arbitrary<Step> =>
  fc.record({
    do: fc.constant('raw' as const),
    socket,
    type: fc.integer({ min: firstType, max: firstType + 4 }),
    flags: fc.constantFrom(0, 1, 4, 5),
    body: fc
      .array(
        fc.record({
          number: fc.nat({ max: maximumAttribute }),
          length: fc.nat({ max: 14 }),
          bytes: fc.uint8Array({ maxLength: 12 }),
        }),
        { maxLength: 3 },
      )
      .map((attributes) => [
        0,
        0,
        0,
        0,
        ...attributes.flatMap(({ number, length, bytes }) => [length, 0, number, 0, ...bytes]),
      ]),
  })

const step: Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: config as Arbitrary<Step> },
  { weight: 5, arbitrary: trafficTo(Object.values(ports)) },
  { weight: 5, arbitrary: reading },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('verdicts' as const),
      socket,
      verdicts: fc.array(verdict, { minLength: 1, maxLength: 6 }),
    }),
  },
  { weight: 2, arbitrary: counting },
  { weight: 1, arbitrary: rawMessage(0x300, 23) },
)

export const open = (socket: SocketName): Arbitrary<Step> =>
  sparse(
    fc.record({
      do: fc.constant('open' as const),
      socket: fc.constant(socket),
      receiveBufferSize: optional(fc.oneof(fc.integer({ min: 1, max: 20_000 }), fc.constant(1 << 20))),
      noOverrunErrors: fc.boolean(),
      cappedAck: fc.boolean(),
      extendedAck: fc.boolean(),
    }),
  ) as Arbitrary<Step>

const bound = (queue: number): Step => ({
  do: 'config',
  socket: 'a',
  queue,
  config: {
    command: { command: QueueCommand.Bind, family: 0 },
    parameters: { copyRange: 0, copyMode: CopyMode.Packet },
  },
})
const last: readonly Step[] = [
  { do: 'read', socket: 'a' },
  { do: 'read', socket: 'b' },
  { do: 'counters', socket: 'a' },
  { do: 'delivered' },
]

/**
 * A whole script: two sockets, of which one has queues 0 and 1, some dozens of steps, and a look at everything at the
 * end.
 */
export const anyScript: Arbitrary<readonly Step[]> = fc
  .tuple(open('a'), open('b'), fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }))
  .map(([a, b, steps]) => [a, b, bound(0), bound(1), ...steps, ...last])
