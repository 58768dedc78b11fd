/** Scripts for logs at random. */

import { type CopyMode, LogCommand, type LogConfig } from '@ringlink/codec'
import fc, { type Arbitrary } from 'fast-check'
import { attributes, counting, open, optional, rawMessage, reading, socket, sparse, trafficTo } from './arbitrary.ts'
import { LONG } from './log-scripts.ts'
import { logPorts, type SocketName, type Step } from './script.ts'
import { counters, delivered, read, traffic } from './steps.ts'

const group = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(5, 6, 21) },
  { weight: 1, arbitrary: fc.constantFrom(0, 65535) },
)

const settings: Arbitrary<LogConfig> = sparse(
  fc.record({
    mode: optional(
      fc.record({
        copyRange: fc.oneof(fc.nat({ max: 300 }), fc.constant(0xffffffff)),
        copyMode: fc.constantFrom<CopyMode>(0, 1, 2, 2, 2, 2),
      }),
    ),
    bufferSize: optional(fc.oneof(fc.integer({ min: 3700, max: 20_000 }), fc.constantFrom(0, 131072, 131073))),
    threshold: optional(fc.oneof(fc.nat({ max: 6 }), fc.constantFrom(100, 0xffffffff))),
    flags: optional(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.nat({ max: 0xffff }))),
  }),
) as Arbitrary<LogConfig>
const command: Arbitrary<LogConfig> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ command: { command: LogCommand.Bind }, timeout: LONG }) },
  { weight: 2, arbitrary: fc.constant({ command: { command: LogCommand.Unbind } }) },
  { weight: 1, arbitrary: fc.nat({ max: 9 }).map((it) => ({ command: { command: it as LogCommand }, timeout: LONG })) },
)
const config = sparse(
  fc.record({
    do: fc.constant('log' as const),
    socket,
    group,
    config: attributes(command, settings),
    family: optional(fc.nat({ max: 12 })),
    acknowledge: fc.boolean(),
  }),
) as Arbitrary<Step>

/** One packet alone is sent by its timer: that comes out the same however fast the machine is. */
const expiry: Arbitrary<readonly Step[]> = fc
  .record({
    socket,
    where: fc.constantFrom(
      { group: 5, port: logPorts.plain },
      { group: 21, port: logPorts.other },
      { group: 6, port: logPorts.marked },
    ),
    timeout: fc.nat({ max: 3 }),
  })
  .map(({ socket, where: { group, port }, timeout }) => {
    const configure = (config: LogConfig): Step => ({ do: 'log', socket, group, config })
    return [
      configure({ threshold: 1 }),
      traffic(port),
      configure({ threshold: 100, timeout }),
      read(socket),
      traffic(port),
      { do: 'expire', socket, group },
      configure({ timeout: LONG }),
    ]
  })

const steps: Arbitrary<readonly Step[]> = fc.oneof(
  ...[
    { weight: 4, arbitrary: config },
    { weight: 8, arbitrary: trafficTo(Object.values(logPorts)) },
    { weight: 4, arbitrary: reading },
    { weight: 2, arbitrary: counting },
    { weight: 1, arbitrary: rawMessage(0x400, 7) },
  ].map(({ weight, arbitrary }) => ({ weight, arbitrary: arbitrary.map((it) => [it]) })),
  { weight: 1, arbitrary: expiry },
)

const bound = (socket: SocketName, group: number, flags: number): Step => ({
  do: 'log',
  socket,
  group,
  config: { command: { command: LogCommand.Bind }, timeout: LONG, flags },
})
const last: readonly Step[] = [
  counters,
  ...[5, 6, 21].map(
    (group): Step => ({
      do: 'log',
      socket: 'a',
      group,
      config: { command: { command: LogCommand.Unbind } },
    }),
  ),
  read('a'),
  read('b'),
  counters,
  delivered,
]

/** A whole script: two sockets with three groups, some dozens of steps, and a look at everything at the end. */
export const anyLogScript: Arbitrary<readonly Step[]> = fc
  .tuple(open('a'), open('b'), fc.nat({ max: 3 }), fc.array(steps, { minLength: 20, maxLength: 60, size: 'max' }))
  .map(([a, b, flags, steps]) => [
    a,
    b,
    bound('a', 5, flags),
    bound('a', 6, flags),
    bound('b', 21, flags),
    ...steps.flat(),
    ...last,
  ])
