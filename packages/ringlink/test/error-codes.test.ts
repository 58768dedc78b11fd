/** The README's table of errors against the sources of all packages, and each code thrown as a user meets it. */

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import {
  type AttributeSet,
  AttributeWriter,
  DoneView,
  Errno,
  isNetlinkError,
  MAXIMUM_ATTRIBUTES,
  MAXIMUM_DEPTH,
  Memory,
  MessageView,
  Protocol,
  QueuePacketView,
  queueAttributes,
  readAttributes,
} from '@ringlink/codec'
import { Ipv4View } from '@ringlink/packet'
import { FunctionTransport } from '@ringlink/test-support/function-transport'
import { doneMessage, errorMessage, packetMessage, rowMessage } from '@ringlink/test-support/messages'
import { describe, expect, test } from 'vitest'
import { loadFrom } from '../../native/src/loader.ts'
import { openRingOn } from '../../transport-mmap/src/open-ring.ts'
import { checkReadable } from '../../transport-nats/src/consume/deliveries.ts'
import { readEnvelope } from '../../transport-nats/src/envelope.ts'
import { type NatsErrorCode, openNats } from '../../transport-nats/src/index.ts'
import { explain } from '../../transport-nats/src/server.ts'
import { SimKernel } from '../../transport-sim/src/index.ts'
import type { ErrorCode } from '../src/errors.ts'
import { fanOut, installRules, openConntrack, openFamily, openLog, openQueue, Session } from '../src/index.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const isBuilt = existsSync(`${root}packages/ringlink/dist/fan-out/worker.js`)
const NONE = `${tmpdir()}/there-is-no-such-folder/`

const request = { what: 'list tables', type: 0x0a01 }
const refusing = (errno: number) => new FunctionTransport((datagram) => [errorMessage(datagram, errno)])
const session = (kernel: ConstructorParameters<typeof FunctionTransport>[0], frameSize = 2048) =>
  new Session(new FunctionTransport(kernel, { frameSize }), { requestTimeout: 20 })
const simulated = (options: object = {}) => new SimKernel().open({ protocol: Protocol.Netfilter, ...options })

/** A message of `length` bytes that says so, of a type. */
function message(length: number, type = 0x0300): Memory {
  const memory = new Memory(Math.max(16, (length + 3) & ~3))
  memory.u32[0] = length
  memory.u16[2] = type
  return memory
}

/** Attributes as `write` writes them, read as those of a queue's packets or of another set. */
function read(write: (writer: AttributeWriter) => void, set: AttributeSet = queueAttributes): void {
  const memory = new Memory(16 * (MAXIMUM_ATTRIBUTES + 2))
  const writer = new AttributeWriter().wrap(memory, 0, memory.byteLength)
  write(writer)
  readAttributes(set, memory, 0, writer.position)
}

const bottomless: AttributeSet = {
  name: 'DEEP',
  members: { inner: { number: 1, kernelName: 'DEEP_INNER', format: { kind: 'nested', set: () => bottomless } } },
  names: [undefined, 'inner'],
}

const absent = {
  name: 'absent',
  protocol: 16,
  generic: { name: 'absent', version: 1 },
  operations: {},
  groups: {},
} as never

/** A set of at most two ports, in a rule on a simulated kernel. */
async function smallSet() {
  const kernel = new SimKernel()
  const rules = await installRules([{ hook: 'output', match: { protocol: 'udp', destinationPort: { in: 'small' } } }], {
    sets: { small: { type: 'port', size: 2 } },
    transport: (needs) => kernel.open(needs),
  })
  return rules.set('small')
}

/**
 * An error of the JetStream API, by its number; packages/transport-nats/test has a server that answers with each of
 * them.
 */
function refused(code: number): never {
  throw explain(
    'publish',
    Object.assign(new Error('refused'), { name: 'JetStreamApiError', code }),
    'no message was stored',
  )
}

/** An envelope of another version. */
function envelope(version: number): Uint8Array {
  return Uint8Array.from([...new TextEncoder().encode('RLNF'), version])
}

/** What throws each code, as a user meets it. */
const failures: Record<ErrorCode | NatsErrorCode, () => unknown> = {
  ARGUMENT: () => openQueue({ number: '0' } as never),
  VALUE_RANGE: () => openQueue({ number: -1 }),
  KERNEL: () => session((datagram) => [errorMessage(datagram, Errno.EINVAL)]).request(request),
  SHORT_HEADER: () => new MessageView().wrap(new Memory(8), 0, 8),
  MESSAGE_LENGTH: () => new MessageView().wrap(message(8), 0, 16),
  MESSAGE_TYPE: () => new DoneView().wrap(new MessageView().wrap(message(20), 0, 20)),
  UNALIGNED: () => new MessageView().wrap(new Memory(32), 2, 16),
  ATTRIBUTE_MISSING: () => new QueuePacketView().wrap(message(20), 0, 20),
  ATTRIBUTE_LENGTH: () => readAttributes(queueAttributes, new Memory(4), 0, 4),
  ATTRIBUTE_SIZE: () => read((writer) => writer.reserve(queueAttributes.members.mark.number, 2)),
  ATTRIBUTE_COUNT: () =>
    read((writer) => {
      for (let count = 0; count <= MAXIMUM_ATTRIBUTES; count++) writer.reserve(77, 0)
    }),
  NESTED_DEPTH: () =>
    read((writer) => {
      const starts = Array.from({ length: MAXIMUM_DEPTH + 1 }, () => writer.beginNest(1))
      for (const start of starts.reverse()) writer.endNest(start)
    }, bottomless),
  PACKET_HEADER: () => new Ipv4View().wrap(Memory.from(new Uint8Array(20).fill(0x65)), 0, 20),
  NO_SPACE: () => new AttributeWriter().wrap(new Memory(8), 0, 8).reserve(1, 16),
  ATTRIBUTE_UNKNOWN: () =>
    session(() => []).request({ ...request, set: queueAttributes, attributes: { color: 1 } as never }),
  SYSTEM: () => simulated({ protocol: 250 }),
  CLOSED: async () => {
    const transport = simulated()
    await transport.close()
    transport.poll()
  },
  BUSY: () => {
    const transport = simulated()
    transport.receive().catch(() => {})
    return transport.receive()
  },
  NO_FREE_FRAMES: () => {
    const transport = new FunctionTransport(undefined, { batchSize: 1, slabs: 1 })
    transport.deliver(packetMessage(1), packetMessage(2))
    transport.poll()
    transport.poll()
  },
  OUTBOX_FULL: () => {
    const { outbox } = simulated()
    outbox.commit(outbox.reserve(outbox.memory.byteLength) + outbox.memory.byteLength)
    outbox.reserve(4)
  },
  OUTBOX_STATE: () => simulated().outbox.commit(4),
  RELEASED: async () => {
    const transport = new FunctionTransport()
    transport.deliver(packetMessage(1))
    const batch = await transport.receive()
    batch.release()
    batch.offset(0)
  },
  UNSUPPORTED: () => new FunctionTransport().readProcNet('netlink'),
  RING_UNSUPPORTED: () => openRingOn([], { protocol: Protocol.Netfilter }),
  TIMEOUT: () => session(() => []).request(request),
  DUMP_INTERRUPTED: () =>
    session((datagram) => [rowMessage(datagram, 0x0a00), doneMessage(datagram, { interrupted: true })]).dump(request),
  TRUNCATED: () =>
    session((datagram) => {
      const row = new Uint8Array(600)
      row.set(rowMessage(datagram, 0x0a00))
      new DataView(row.buffer).setUint32(0, row.length, true)
      return [row, doneMessage(datagram)]
    }, 256).dump(request),
  MALFORMED: () =>
    session((datagram) => {
      const row = rowMessage(datagram, 0x0a00)
      new DataView(row.buffer).setUint32(0, 7, true)
      return [row, doneMessage(datagram)]
    }).dump(request),
  VERDICT_GIVEN: async () => {
    const transport = new FunctionTransport((datagram) => [errorMessage(datagram, 0)])
    await using queue = await openQueue({ number: 0, transport })
    transport.deliver(packetMessage(1))
    for await (const packet of queue.packets()) {
      packet.accept()
      packet.accept()
    }
  },
  QUEUE_REFUSED: () => openQueue({ number: 0, transport: refusing(Errno.EPERM) }),
  QUEUE_UNSUPPORTED: () => openQueue({ number: 0, transport: refusing(Errno.EINVAL) }),
  LOG_REFUSED: () => openLog({ group: 0, transport: refusing(Errno.EPERM) }),
  LOG_UNSUPPORTED: () => openLog({ group: 0, transport: refusing(Errno.EINVAL) }),
  RULES_REFUSED: () => installRules([{ hook: 'output' }], { transport: refusing(Errno.EPERM) }),
  RULES_UNSUPPORTED: () => installRules([{ hook: 'output' }], { transport: refusing(Errno.EINVAL) }),
  CONNTRACK_REFUSED: () => openConntrack({ transport: refusing(Errno.EPERM) }),
  CONNTRACK_UNSUPPORTED: () => openConntrack({ transport: refusing(Errno.EINVAL) }),
  CONNECTION_GONE: () => openConntrack({ transport: refusing(Errno.ENOENT) }),
  CONNECTION_EXISTS: () => openConntrack({ transport: refusing(Errno.EEXIST) }),
  FAMILY_UNSUPPORTED: () => openFamily(absent, { transport: refusing(Errno.ENOENT) }),
  SET_FULL: async () => (await smallSet()).add([1, 2, 3]),
  ELEMENT_EXISTS: async () => {
    const set = await smallSet()
    await set.add(1)
    await set.add(1, { exclusive: true })
  },
  ELEMENT_MISSING: async () => (await smallSet()).delete([9]),
  NATS_UNREACHABLE: () => openNats({ servers: 'nats://127.0.0.1:1', stream: 'S' }),
  NATS_REFUSED: () => openNats({ servers: 'nats://127.0.0.1:1', stream: 'S', credentials: NONE }),
  STREAM_MISSING: () => refused(10059),
  STREAM_FULL: () => refused(10077),
  CONSUMER_UNUSABLE: () => refused(10014),
  ENVELOPE_FOREIGN: () => readEnvelope(new Uint8Array(3)),
  ENVELOPE_VERSION: () => readEnvelope(envelope(9)),
  BYTE_ORDER: () => checkReadable({ byteOrder: 'big', compression: 'none', protocol: Protocol.Route }),
  WORKER_FAILED: () => fanOut({ queues: '0', module: 'data:text/javascript,throw new Error("no")' }),
  PLATFORM_UNSUPPORTED: () => loadFrom(NONE, 'darwin'),
  ADDON_MISSING: () => loadFrom(NONE, 'linux'),
  ADDON_REFUSED: () => loadFrom(NONE, 'linux', { ...process.versions, bun: '1.3.0' }),
}

describe('each code is thrown', () => {
  const needsBuild = (code: string) => code === 'WORKER_FAILED' && !isBuilt
  for (const [code, fail] of Object.entries(failures)) {
    const title = needsBuild(code) ? `${code} (skipped: Workers run what was built, npm run build)` : code
    test.skipIf(needsBuild(code))(title, async () => {
      const error = await (async () => fail())().then(
        () => undefined,
        (reason: unknown) => reason,
      )
      expect(error).toMatchObject({ code })
      expect(isNetlinkError(error, code)).toBe(true)
    })
  }
})

test('the table of errors in the README is current', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/error-table.mjs', '--check'], { cwd: root })
  expect([status, String(stderr)]).toEqual([0, ''])
})

test('the README lists the codes that are thrown above, and no other', () => {
  const readme = readFileSync(`${root}README.md`, 'utf8')
  const listed = [...readme.matchAll(/^\| `([A-Z_]+)` +\|/gm)].map(([, code]) => code)
  expect(listed.sort()).toEqual(Object.keys(failures).sort())
})

test('no source throws a code that is not declared', () => {
  const sources = readdirSync(`${root}packages`)
    .map((name) => `${root}packages/${name}/src`)
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`))
    .filter((path) => path.endsWith('.ts'))
  const thrown = sources.flatMap((path) => {
    const text = readFileSync(path, 'utf8')
    return [...text.matchAll(/new \w*Error\(\s*'([A-Z_]{3,})'/g)].map(([, code]) => ({ path, code: code ?? '' }))
  })
  expect(thrown.filter(({ code }) => !(code in failures))).toEqual([])
  expect(thrown.length).toBeGreaterThan(50)
})
