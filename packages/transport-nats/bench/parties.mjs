// The parties of fleet.mjs, each a process of its own: what it has done so far is told as a count of records with the
// CPU time of the whole process, compiler and garbage collector included, when the count reaches what fleet.mjs asks
// for.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLog } from '../../client/dist/index.js'
import { copyBatch } from '../../transport/dist/index.js'
import { openSocket } from '../../transport-socket/dist/index.js'
import { openNats, publish } from '../dist/index.js'
import { openStandIn } from './stand-in.mjs'

/** Bytes of payload that the kernel copies of each packet, and records in a datagram. */
const COPIED = 64
export const THRESHOLD = 64
/** Room for a datagram of 64 such records. */
const BUFFER = 16_384
/** Frames that the source of frames in memory keeps unconfirmed at most: less than the publisher's memory. */
const UNCONFIRMED = 4000

const SINK_PORT = 4334
/** Milliseconds that frames wait at most for others of their piece. */
const PIECE_WAIT = 100

/** Milliseconds between two reads of a log that is published, as `ringlink log --to` reads it. */
export const PUBLISHED_INTERVAL = 50

/** Milliseconds between two looks whether a publisher is done: the consumer is later. */
const LOOK = 50

const parties = {
  ...{
    receiver: receive,
    dropper: dropFrames,
    writer: writeFrames,
    sink: openSink,
    standIn: serveStandIn,
    publisher: publishLog,
    consumer: consume,
    source: publishMemory,
  },
}
const [party = '', ...words] = process.argv.slice(2)
if (party in parties) {
  process.on('disconnect', () => process.exit())
  await parties[party](...words)
}

/** A log of what is sent to a port, or to several: `9364,9371`. */
function openTraffic(ports, group, readInterval) {
  const rule = (port) => ({ hook: 'output', match: { protocol: 'udp', destinationPort: Number(port) } })
  return openLog({
    ...{ group: Number(group), copyRange: COPIED, threshold: THRESHOLD, timeout: 200, bufferSize: BUFFER },
    ...{ receiveBufferSize: 1 << 29, transport: openSocket, readInterval },
    rule: ports.split(',').map(rule),
  })
}

/** Answers `{ until }` once `seen()` is that much; returns a function that looks. */
function answerCounts(seen, extra = () => ({})) {
  let until = Number.POSITIVE_INFINITY
  const look = () => {
    if (seen() < until) return
    until = Number.POSITIVE_INFINITY
    const { user, system } = process.cpuUsage()
    process.send({ records: seen(), cpu: (user + system) / 1e6, at: Date.now(), ...extra() })
  }
  process.on('message', (message) => {
    until = message.until
    look()
  })
  process.send('ready')
  return look
}

/** Reads frames and drops them. */
async function dropFrames(port, group) {
  const log = await openTraffic(port, group)
  let records = 0
  const look = answerCounts(
    () => records + log.stats.lostMessages,
    () => ({ lost: log.stats.lostMessages }),
  )
  for await (const batch of log.frames()) {
    records += batch.length * THRESHOLD
    look()
  }
}

/** Reads what is written to its port, and does nothing with it. */
async function openSink() {
  const server = createServer((socket) => socket.resume()).listen(SINK_PORT, '127.0.0.1')
  await once(server, 'listening')
  process.send('ready')
}

/** Confirms the messages of a publisher. */
async function serveStandIn() {
  await openStandIn()
  process.send('ready')
}

/** Reads frames and writes them to a TCP connection, in pieces as long as messages: every publisher does that. */
async function writeFrames(messageSize, port, group) {
  const log = await openTraffic(port, group)
  const connection = connect(SINK_PORT, '127.0.0.1')
  await once(connection, 'connect')
  const free = []
  const take = () => free.pop() ?? Buffer.allocUnsafeSlow(Number(messageSize))
  let [piece, length, records, written] = [take(), 0, 0, 0]
  let timer
  const look = answerCounts(
    () => written + log.stats.lostMessages,
    () => ({ lost: log.stats.lostMessages }),
  )
  const flush = () => {
    clearTimeout(timer)
    const [full, count] = [piece, records]
    connection.write(full.subarray(0, length), () => {
      free.push(full)
      written += count
      look()
    })
    ;[piece, length, records] = [take(), 0, 0]
  }
  for await (const batch of log.frames()) {
    for (let i = 0; i < batch.length; i++) {
      const [offset, byteLength] = [batch.offset(i), batch.byteLength(i)]
      if (length + byteLength > piece.length) flush()
      if (length === 0) timer = setTimeout(flush, PIECE_WAIT)
      piece.set(batch.memory.u8.subarray(offset, offset + byteLength), length)
      length += byteLength
      records += THRESHOLD
    }
  }
}

/** What every receiver does with a record. */
function sumOf(record) {
  const { memory, payloadOffset } = record
  return (record.mark ?? 0) + memory.u8[payloadOffset + 9] + memory.u8[payloadOffset + 22]
}

async function decode(log) {
  let sum = 0
  const look = answerCounts(
    () => log.stats.records + log.stats.lost,
    () => ({ decoded: log.stats.records, lost: log.stats.lost, sum }),
  )
  for await (const records of log) {
    for (const record of records) sum += sumOf(record)
    look()
  }
}

async function receive(port, group, readInterval) {
  await decode(await openTraffic(port, group, readInterval === undefined ? undefined : Number(readInterval)))
}

async function consume(servers, stream) {
  const transport = await openNats({ servers, stream })
  await decode(await openLog({ group: 'any', transport, readInterval: 0 }))
}

async function publishLog(servers, stream, messageSize, port, group) {
  const log = await openTraffic(port, group, PUBLISHED_INTERVAL)
  const publisher = await publish(log.frames(), {
    servers,
    stream,
    messageSize: Number(messageSize),
    bufferSize: 1 << 28,
  })
  const { stats } = publisher
  const look = answerCounts(
    () => stats.storedMessages + stats.droppedMessages + log.stats.lostMessages,
    () => ({
      ...{ stored: stats.storedMessages, dropped: stats.droppedMessages, bytes: stats.storedBytes },
      lost: stats.droppedMessages + log.stats.lostMessages,
    }),
  )
  setInterval(look, LOOK)
}

/** Publishes the same frames of the real kernel again and again, as fast as the server takes them. */
async function publishMemory(servers, stream, messageSize, port, group) {
  const batches = await readFrames(port, group)
  let [publisher, resume] = [undefined, () => {}]
  let [wanted, next] = [0, 0]
  const source = {
    stats: { lost: 0 },
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        // Asleep while others are measured.
        while (wanted === 0 || publisher.stats.messages >= wanted)
          await new Promise((resolve) => {
            resume = resolve
          })
        while (publisher.pendingFrames > UNCONFIRMED) await sleep(1)
        return { done: false, value: batches[next++ % batches.length] }
      },
    }),
  }
  publisher = await publish(source, { servers, stream, messageSize: Number(messageSize) })
  process.on('message', ({ until }) => {
    wanted = until
    resume()
  })
  const { stats } = publisher
  const look = answerCounts(
    () => stats.storedMessages,
    () => ({ bytes: stats.storedBytes, lost: stats.droppedMessages }),
  )
  setInterval(look, LOOK)
}

/** Frames of the real kernel, as copies. */
async function readFrames(port, group) {
  const log = await openTraffic(port, group)
  process.send('ready')
  const batches = []
  for await (const batch of log.frames()) {
    batches.push(copyBatch(batch))
    if (batches.length === 8) break
  }
  await log.close()
  return batches
}
