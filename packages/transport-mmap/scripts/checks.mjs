// The checks of check-kernel.mjs, on the given kernel: a real one with netlink rings, or in tests the simulated one.
//
// A check is { name, run(kernel) }: it returns what it found, throws when that is wrong, or throws Skip with the
// reason. The kernel is { lib, kernel, probe, openPlain, dumps, single, notify, queue, leftovers }; realKernel()
// describes these.

const NETFILTER = 12
const NOOP = 1 // NLMSG_NOOP
const ACKNOWLEDGED_REQUEST = 5 // NLM_F_REQUEST | NLM_F_ACK
const VERDICT = (3 << 8) | 1 // NFNL_SUBSYS_QUEUE, NFQNL_MSG_VERDICT
const EBUSY = 16
const EINVAL = 22
const HEADER = 16
const LIMIT = 20_000

export class Skip extends Error {}

/** Runs the checks with these names, in order; calls `report` with each result. */
export async function runChecks(kernel, report = () => {}, limit = LIMIT, names = CHECK_NAMES) {
  const results = []
  for (const { name, run } of checks.filter((check) => names.includes(check.name))) {
    // A request ends after the check that waits for it, so that the limit is the only one.
    const result = await runCheck(name, () => run({ ...kernel, requestTimeout: 2 * limit }), limit)
    results.push(result)
    report(result)
  }
  return results
}

async function runCheck(name, run, limit) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came for ${limit / 1000} seconds`)), limit)
  })
  try {
    return { name, status: 'PASS', detail: (await Promise.race([run(), late])) ?? '' }
  } catch (error) {
    const status = error instanceof Skip ? 'SKIP' : 'FAIL'
    return { name, status, detail: error instanceof Error ? error.message : String(error) }
  } finally {
    clearTimeout(timer)
  }
}

function ensure(condition, text) {
  if (!condition) throw new Error(text)
}

function equal(actual, expected, what) {
  ensure(actual === expected, `${what}: ${actual} instead of ${expected}`)
}

/** Opens a ring, and always closes it. */
async function withRing({ lib, kernel }, options, use) {
  const transport = lib.openNetlinkRingOn(kernel, { protocol: NETFILTER, ...options })
  try {
    return await use(transport)
  } finally {
    await transport.close()
  }
}

function writeHeader(memory, offset, length, type, flags = 0, sequence = 0) {
  memory.u8.fill(0, offset, offset + length)
  memory.u32[offset >> 2] = length
  memory.u16[(offset + 4) >> 1] = type
  memory.u16[(offset + 6) >> 1] = flags
  memory.u32[(offset + 8) >> 2] = sequence
  return length
}

function request(what, type, body = []) {
  const size = HEADER + body.length
  const write = (memory, offset) => {
    writeHeader(memory, offset, size, type)
    memory.u8.set(body, offset + HEADER)
    return size
  }
  return { what, size, write }
}

const noop = request('a request without an effect', NOOP)

function commit(transport, length, type, flags, sequence) {
  const { outbox } = transport
  writeHeader(outbox.memory, outbox.reserve(length), length, type, flags, sequence)
  outbox.commit(length)
}

/** Receives batches until `count` frames came; passes each to `use` and releases it. */
function collect(transport, count, use = () => {}) {
  let seen = 0
  while (seen < count) {
    const batch = transport.poll(1000)
    ensure(batch !== undefined, `${seen} of ${count} messages came`)
    seen += batch.length
    use(batch)
    batch.release()
  }
  return seen
}

/** The sequence number that an answer repeats, from the header of the request in it. */
const sequenceOf = ({ memory }, offset) => memory.u32[(offset + 8) >> 2]

/** Identifies a table's row: its counters change, its type and length do not. */
const shape = (rows) => rows.map((row) => `${row.view.type} ${row.view.length}`).join(', ')

async function dumpOn({ lib, requestTimeout }, transport, { name, protocol, type, body }) {
  const session = new lib.Session(transport, { protocol, requestTimeout })
  try {
    return shape(await session.dump(request(`a dump of ${name}`, type, body)))
  } finally {
    await session.close()
  }
}

/** Checks that the rows of a table are the same over a ring and over a plain socket. Returns how many there are. */
async function compareDump(kernel, table, options, before = async () => {}) {
  const { lib } = kernel
  const transport = lib.openNetlinkRingOn(kernel.kernel, { protocol: table.protocol, ...options })
  await before(transport)
  const expected = await dumpOn(kernel, await kernel.openPlain({ protocol: table.protocol }), table)
  equal(await dumpOn(kernel, transport, table), expected, table.name)
  equal(transport.stats.lost, 0, 'lost')
  return `${expected.split(', ').length} rows of ${table.name}`
}

const checks = [
  {
    name: 'probe',
    run: ({ probe }) => {
      const refusal = probe()
      ensure(refusal === undefined, `${refusal?.step}: ${refusal?.explanation}`)
      return 'this kernel has memory-mapped netlink'
    },
  },
  {
    name: 'ring set-up and its refusals',
    run: ({ lib, kernel }) => {
      const { pageSize } = kernel
      const good = [pageSize, 4, pageSize, 4]
      const system = kernel.system(lib.checkNetlinkRingOptions({ protocol: NETFILTER }, pageSize))(() => {})
      const set = (option, words) => system.setRing(option, Uint32Array.from(words))
      try {
        equal(typeof system.map(pageSize) === 'number', true, 'mapping without a ring is refused')
        equal(set(6, [pageSize, 4, pageSize, 5]), -EINVAL, 'a frame count that does not fit the blocks')
        equal(set(6, [100, 4, 100, 4]), -EINVAL, 'blocks that are not pages')
        equal(set(6, [pageSize, 4, 20, 4]), -EINVAL, 'frames shorter than their header')
        equal(set(6, good), 0, 'a receive ring')
        equal(set(6, good), -EBUSY, 'a second one')
        equal(set(7, good), 0, 'a transmit ring')
        equal(system.map(4 * pageSize), -EINVAL, 'mapping one of two rings')
        const buffer = system.map(8 * pageSize)
        ensure(typeof buffer !== 'number', `mapping both rings: ${buffer}`)
        equal(buffer.byteLength, 8 * pageSize, 'bytes mapped')
        ensure(
          new Uint8Array(buffer).every((byte) => byte === 0),
          'the memory is not zeroed',
        )
        equal(set(6, [0, 0, 0, 0]), -EBUSY, 'a release while mapped')
        system.unmap()
        equal(set(6, [0, 0, 0, 0]), 0, 'a release after unmapping')
        ensure(system.bind(0) > 0, 'bind')
      } finally {
        system.unmap()
        system.close()
      }
      return `two rings of 4 frames of ${pageSize} bytes, and nine refusals as expected`
    },
  },
  {
    name: 'acked requests, more than the ring has frames',
    run: (kernel) =>
      withRing(kernel, { frames: 8 }, async (transport) => {
        const session = new kernel.lib.Session(transport, { requestTimeout: kernel.requestTimeout })
        const rows = await Promise.all(Array.from({ length: 200 }, () => session.request(noop)))
        equal(transport.stats.lost, 0, 'lost')
        return `${rows.length} acknowledged, ${transport.capabilities.frameCount} frames, nothing lost`
      }),
  },
  {
    name: 'a reply through the receive queue, then its acknowledgement',
    run: async ({ lib, kernel, single, requestTimeout }) => {
      const { protocol, name, type, body } = single
      const session = new lib.Session(lib.openNetlinkRingOn(kernel, { protocol }), { protocol, requestTimeout })
      try {
        equal((await session.request(request(name, type, body))).length, 1, 'replies')
        return name
      } finally {
        await session.close()
      }
    },
  },
  {
    name: 'a notification, through the receive queue',
    run: async (kernel) => {
      if (kernel.notify.skip !== undefined) throw new Skip(kernel.notify.skip)
      const { protocol, group, cause } = kernel.notify
      return withRing(kernel, { protocol, groups: [group] }, async (transport) => {
        await cause()
        collect(transport, 1, (batch) => {
          equal(batch.groups(0), 1 << (group - 1), 'groups')
          equal(batch.fullLength(0), batch.byteLength(0), 'bytes')
        })
        equal(transport.stats.lost, 0, 'lost')
        return `of group ${group}`
      })
    },
  },
  {
    name: 'dumps that are longer than the ring',
    run: async (kernel) => {
      const seen = []
      for (const table of kernel.dumps) seen.push(await compareDump(kernel, table, { frames: 4, frameSize: 3776 }))
      return seen.join(', ')
    },
  },
  {
    name: 'dumps in large frames, before and after a long receive',
    run: async (kernel) => {
      const { protocol, group, cause, skip } = kernel.notify
      const seen = []
      // With a buffer of more than 16 KiB: from then on the kernel makes larger parts.
      const receiveLong = async (transport) => {
        transport.joinGroup(group)
        await cause()
        collect(transport, 1)
        transport.leaveGroup(group)
      }
      for (const table of kernel.dumps) {
        const options = { frames: 8, frameSize: 32768 }
        seen.push(await compareDump(kernel, table, options))
        if (skip === undefined && table.protocol === protocol) await compareDump(kernel, table, options, receiveLong)
      }
      return seen.join(', ')
    },
  },
  {
    name: 'transmit ring',
    run: (kernel) =>
      withRing(kernel, { frames: 128, transmitFrames: 8 }, (transport) => {
        const before = transport.stats.systemCalls
        for (let i = 0; i < 24; i++) commit(transport, 1500, NOOP, ACKNOWLEDGED_REQUEST, i + 1)
        equal(transport.outbox.flush(), 24, 'messages sent')
        const calls = transport.stats.systemCalls - before
        ensure(calls <= 2, `${calls} system calls for 12 frames in a ring of 8`)
        const sequences = []
        collect(transport, 24, (batch) => {
          for (const frame of batch) sequences.push(sequenceOf(batch, frame.offset))
        })
        equal(sequences.join(), Array.from({ length: 24 }, (_, i) => i + 1).join(), 'acknowledged, in order')
        return `24 messages of 1500 bytes in ${calls} system calls`
      }),
  },
  {
    name: 'hold',
    run: (kernel) => {
      const steps = kernel.lib.stepsOverSkip(
        kernel.kernel.system(kernel.lib.checkNetlinkRingOptions({ protocol: NETFILTER }, kernel.kernel.pageSize)),
      )
      return withRing(kernel, { frames: 16, batchSize: 1 }, (transport) => {
        const ask = (sequence) => {
          commit(transport, HEADER, NOOP, ACKNOWLEDGED_REQUEST, sequence)
          transport.outbox.flush()
          const batch = transport.poll(1000)
          ensure(batch !== undefined, `no answer to request ${sequence}`)
          equal(sequenceOf(batch, batch.offset(0)), sequence, 'sequence number')
          return batch
        }
        const leases = []
        for (let sequence = 1; sequence <= 100; sequence++) {
          const batch = ask(sequence)
          if (sequence <= 8) leases.push(batch.hold(0))
          batch.release()
        }
        leases.forEach((lease, index) => {
          equal(sequenceOf(lease, lease.offset), index + 1, 'what was held')
        })
        for (const index of [5, 1, 7, 0, 3, 6, 2, 4]) leases[index].release()
        for (let sequence = 101; sequence <= 150; sequence++) ask(sequence).release()
        const { copied, lost, held } = transport.stats
        equal(lost, 0, 'lost')
        equal(held, 0, 'still held')
        equal(copied, steps ? 0 : 8, 'copied to be held')
        return steps ? '8 frames held in the ring, none copied' : 'this kernel stops at held frames: 8 were copied out'
      })
    },
  },
  {
    name: 'overrun',
    run: (kernel) =>
      withRing(kernel, { frames: 4, batchSize: 1 }, (transport) => {
        const { frameCount, exactLoss } = transport.capabilities
        // The kernel sends an error even if no answer was requested, so the outbox sends all of them at once.
        for (let i = 0; i < 40; i++) commit(transport, HEADER + 4, VERDICT, 1, i + 1)
        transport.outbox.flush()
        let lost = 0
        collect(transport, frameCount, (batch) => {
          lost += batch.lost
        })
        for (let batch = transport.poll(0); batch !== undefined; batch = transport.poll(0)) {
          lost += batch.lost
          batch.release()
        }
        commit(transport, HEADER, NOOP, ACKNOWLEDGED_REQUEST, 99)
        transport.outbox.flush()
        collect(transport, 1, (batch) => {
          lost += batch.lost
          equal(sequenceOf(batch, batch.offset(0)), 99, 'messages after the loss')
        })
        equal(lost, transport.stats.lost, 'lost in batches and in stats')
        if (!exactLoss) {
          ensure(lost > 0, 'an unreported loss')
          return `${lost} known to be lost; this kernel does not count them`
        }
        equal(lost, 40 - frameCount, 'lost')
        return `${lost} of 40 lost, counted exactly`
      }),
  },
  {
    name: 'packet queue',
    run: async (kernel) => {
      const { lib, queue: traffic } = kernel
      if (traffic.skip !== undefined) throw new Skip(traffic.skip)
      const count = 200
      const number = 7
      let copied = 0
      const { send, arrived, close } = await traffic.prepare(number)
      const queue = await lib.openQueue({
        number,
        copyRange: 128,
        maxLength: 1024,
        transport: (needs) => lib.openNetlinkRingOn(kernel.kernel, needs),
      })
      try {
        const held = []
        let seen = 0
        // Packets in the queue still occupy the sender's buffer: it waits until some are answered.
        const sending = send(count)
        for await (const packets of queue) {
          for (const packet of packets) {
            seen++
            if (held.length < 16) held.push({ packet: packet.hold(), payload: String(packet.payload()) })
            else packet.accept()
          }
          if (seen === count) break
        }
        for (const { packet, payload } of held.reverse()) {
          equal(String(packet.payload()), payload, 'a packet that was held')
          packet.accept()
        }
        queue.flush()
        await sending
        equal(await arrived(count), count, 'packets delivered')
        equal(queue.stats.lost, 0, 'lost')
        copied = queue.transport.stats.copied
        return `${count} packets answered, ${held.length} of them held (${copied} copied)`
      } finally {
        await queue.close()
        await close()
      }
    },
  },
  {
    name: 'closing',
    run: async (kernel) => {
      const { lib } = kernel
      const transport = lib.openNetlinkRingOn(kernel.kernel, { protocol: NETFILTER, frames: 16 })
      commit(transport, HEADER, NOOP, ACKNOWLEDGED_REQUEST, 1)
      transport.outbox.flush()
      const batch = transport.poll(1000)
      ensure(batch !== undefined, 'no answer')
      const { u8 } = batch.memory
      const lease = batch.hold(0)
      await transport.close()
      ensure(batch.released && lease.released, 'a batch or a lease outlived its transport')
      const left = kernel.leftovers(u8)
      equal(left.join(), '', 'left')
      return 'batch and lease detached, nothing left'
    },
  },
]

export const CHECK_NAMES = checks.map(({ name }) => name)
