// Measures log records through one NATS server at a threshold of 64, against the plain socket, in one interleaved run:
//
// - the CPU time per record of a receiver that decodes (socket), of a publisher, and of a consumer that decodes
// - records per second through a server: a publisher that has its records in memory, the server, and a consumer, at
//   once
// - bytes per record in the stream
//
//   unshare -n node packages/transport-nats/bench/fleet.mjs [repetitions] [records]    from the built packages, as root
//
// The traffic is bench/build/send (npm run bench builds it), at 400,000 packets a second at most.
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openLog, Session } from '../../client/dist/index.js'
import { copyBatch } from '../../transport/dist/index.js'
import { openSocket } from '../../transport-socket/dist/index.js'
import { createStream, openNats, publish } from '../dist/index.js'

const send = fileURLToPath(new URL('../../../bench/build/send', import.meta.url))
const SERVER = 'nats://127.0.0.1:4333'
const GROUP = 64
const PORT = 9364
const RATE = 400_000
const WARM = 0.2
const [role = 'main', ...words] = process.argv.slice(2)

const roles = { socket: decodeSocket, publisher: publishSocket, consumer: decodeStream, source: publishMemory }
if (role in roles) {
  process.send?.(await roles[role](...words))
  process.exit()
}
await main(Number(role) || 3, Number(words[0]) || 1_000_000)

/** A log of the traffic of this namespace. */
function openTraffic() {
  return openLog({
    ...{ group: GROUP, copyRange: 64, threshold: 64, timeout: 200, bufferSize: 65_536, receiveBufferSize: 1 << 28 },
    ...{ transport: openSocket, rule: { hook: 'output', match: { protocol: 'udp', destinationPort: PORT } } },
  })
}

/** What every consumer of records does with one. */
function look(record) {
  const { memory, payloadOffset } = record
  return (record.mark ?? 0) + memory.u8[payloadOffset + 9] + memory.u8[payloadOffset + 22]
}

function meter(count) {
  let start
  let first = 0
  let wall = 0
  return (seen) => {
    if (start === undefined && seen >= count * WARM) {
      start = process.cpuUsage()
      first = seen
      wall = performance.now()
    }
    if (seen < count) return undefined
    const { user, system } = process.cpuUsage(start)
    return { records: seen - first, cpu: (user + system) / 1e6, wall: (performance.now() - wall) / 1000 }
  }
}

async function decodeSocket(count) {
  const log = await openTraffic()
  const measure = meter(Number(count))
  process.send('ready')
  let sum = 0
  for await (const records of log) {
    for (const record of records) sum += look(record)
    const result = measure(log.stats.records + log.stats.lost)
    if (result !== undefined) return { ...result, lost: log.stats.lost, sum }
  }
}

async function publishSocket(count, stream) {
  const log = await openTraffic()
  const publisher = await publish(log.frames(), { servers: SERVER, stream, bufferSize: 1 << 28 })
  const measure = meter(Number(count))
  process.send('ready')
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    const { messages, droppedMessages } = publisher.stats
    const result = measure(messages)
    if (result === undefined) continue
    await log.finish()
    await publisher.finish({ timeout: 20_000 })
    return { ...result, lost: log.stats.lostMessages + droppedMessages }
  }
}

async function decodeStream(count, stream) {
  const transport = await openNats({ servers: SERVER, stream, prefetch: 16 })
  const log = await openLog({ group: 'any', transport, readInterval: 0 })
  const measure = meter(Number(count))
  process.send('ready')
  let sum = 0
  for await (const records of log) {
    for (const record of records) sum += look(record)
    const result = measure(log.stats.records)
    if (result !== undefined) return { ...result, lost: log.stats.lost, sum, done: Date.now() }
  }
}

/** Frames of the real kernel, as copies. */
async function realFrames() {
  const log = await openTraffic()
  const sender = flood(40_000)
  const batches = []
  for await (const batch of log.frames()) {
    batches.push(copyBatch(batch))
    if (batches.length === 8) break
  }
  sender.kill()
  await log.close()
  return batches
}

async function publishMemory(count, stream, compression) {
  const batches = await realFrames()
  let publisher
  let next = 0
  let stopped = false
  // As fast as the server takes them: what is not confirmed stays below a bound, so that nothing is dropped.
  const source = {
    stats: { lost: 0 },
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        while (publisher === undefined || (publisher.pendingFrames > 2000 && !stopped)) await new Promise(setImmediate)
        return stopped ? { done: true } : { done: false, value: batches[next++ % batches.length] }
      },
    }),
  }
  publisher = await publish(source, { servers: SERVER, stream, compression })
  process.send('ready')
  const started = Date.now()
  const measure = meter(Number(count))
  while (publisher.stats.messages < Number(count))
    await new Promise((resolve) => setTimeout(resolve, 2)).then(() => measure(publisher.stats.messages))
  stopped = true
  await publisher.finish({ timeout: 20_000 })
  const { storedMessages, storedBytes } = publisher.stats
  return { started, storedMessages, storedBytes, droppedMessages: publisher.stats.droppedMessages }
}

function flood(count) {
  const options = ['mode=flood', `port=${PORT}`, 'size=64', `count=${Math.round(count)}`, `rate=${RATE}`]
  return spawn(send, options, { stdio: ['pipe', 'ignore', 'inherit'] })
}

async function run(name, ...given) {
  const child = fork(fileURLToPath(import.meta.url), [name, ...given.map(String)])
  await once(child, 'message')
  const result = once(child, 'message').then(([message]) => message)
  return { result }
}

async function main(repetitions, count) {
  const session = new Session(await openSocket({ protocol: 0 }), { protocol: 0 })
  await session.request({
    what: 'bring device 1 up',
    write({ u16, u32 }, offset) {
      u32.set([32, 16, 0, 0, 0, 1, 1, 1], offset >> 2)
      u16.set([16, 0], (offset + 4) >> 1)
      return 32
    },
  })
  await session.close()
  const folder = mkdtempSync(join(tmpdir(), 'ringlink-bench-'))
  const server = spawn('nats-server', ['-a', '127.0.0.1', '-p', '4333', '-js', '-sd', folder], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await new Promise((resolve) => server.stderr.on('data', (chunk) => String(chunk).includes('ready') && resolve()))
  try {
    for (let round = 0; round < repetitions; round++) console.log(JSON.stringify(await measureOnce(count, round)))
  } finally {
    server.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }

  async function measureOnce(records, round) {
    const [live, memory] = [`LIVE${round}`, `MEMORY${round}`]
    for (const stream of [live, memory])
      await createStream({ servers: SERVER, stream, maximumBytes: 4e9, storage: round % 2 === 0 ? 'file' : 'memory' })
    const perRecord = ({ cpu, records: measured }) => Math.round((cpu / measured) * 1e9)
    const receiver = await run('socket', records)
    const first = flood(records * 1.1)
    const socket = await receiver.result
    first.kill()
    const publishing = await run('publisher', records, live)
    const second = flood(records * 1.1)
    const published = await publishing.result
    second.kill()
    const consumer = await (await run('consumer', records * 0.99, live)).result
    const both = await run('consumer', records * 0.99, memory)
    const source = await (await run('source', records, memory, 'none')).result
    const through = await both.result
    const seconds = (through.done - source.started) / 1000
    return {
      storage: round % 2 === 0 ? 'file' : 'memory',
      nanosecondsPerRecord: {
        socket: perRecord(socket),
        publisher: perRecord(published),
        consumer: perRecord(consumer),
      },
      publisherToSocket: Number((perRecord(published) / perRecord(socket)).toFixed(2)),
      socketRecordsPerCpuSecond: Math.round(1e9 / perRecord(socket)),
      throughServerPerSecond: Math.round((records * 0.99) / seconds),
      consumerPerSecond: Math.round(consumer.records / consumer.wall),
      bytesPerRecord: Number((source.storedBytes / source.storedMessages).toFixed(1)),
      lost: [socket.lost, published.lost, consumer.lost, through.lost],
    }
  }
}
