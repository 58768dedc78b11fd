// Measures log records through one NATS server at a threshold of 64, beside the same records over the plain socket, in
// one interleaved run, and writes the figures into docs/fleet.md. As root, on a machine that does nothing else.
//
//   npm run bench:fleet                                builds, measures for two minutes, and writes the document
//   unshare -n node packages/transport-nats/bench/fleet.mjs [--rounds 8] [--storage file,memory] [--document]
//
// Each round sends the same packets first to a receiver on the plain socket, then to a publisher whose
// stream a consumer reads at that time:
//
// - at a rate that everybody follows: the CPU time per record of each party, in processes that are warm
// - as fast as the machine sends: the time until the last record was decoded, and what each party took of the cores
// - and once more from frames in memory, without the kernel's share
import { fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Session } from '../../client/dist/index.js'
import { openSocket } from '../../transport-socket/dist/index.js'
import { createStream } from '../dist/index.js'
import { describe, writeFigures } from './figures.mjs'
import { THRESHOLD } from './parties.mjs'

const SERVER = 'nats://127.0.0.1:4333'
const STREAM_BYTES = 4e9
/** Records a second that everybody follows, and of one measurement: whole datagrams. */
const RATE = 400_000
const RECORDS = 6400 * THRESHOLD
/** Rounds before the first one that counts: the compiler is done by then. */
const WARM = 3
const PORTS = { receiver: 9364, publisher: 9365, source: 9366 }
const GROUPS = { receiver: 64, publisher: 65, source: 66 }
const parties = fileURLToPath(new URL('parties.mjs', import.meta.url))
const build = fileURLToPath(new URL('../../../bench/build/', import.meta.url))

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '8' },
    document: { type: 'boolean', default: false },
    'message-size': { type: 'string', default: '983040' },
    storage: { type: 'string', default: 'file,memory' },
  },
})

/** A process of parties.mjs. */
class Party {
  #child
  #last = { records: 0, cpu: 0 }

  static async open(name, ...words) {
    const party = new Party()
    party.#child = fork(parties, [name, ...words.map(String)])
    await once(party.#child, 'message')
    return party
  }

  /** Resolves to the next message of the process. */
  async said() {
    const [message] = await once(this.#child, 'message')
    return message
  }

  /** Resolves when the process has `records` more: to what they cost, and when they were there. */
  async takes(records) {
    const before = this.#last
    const answer = this.said()
    this.#child.send({ until: before.records + records })
    const now = await answer
    this.#last = now
    const since = (name) => (now[name] ?? 0) - (before[name] ?? 0)
    return { at: now.at, records: since('records'), cpu: since('cpu'), lost: since('lost'), bytes: since('bytes') }
  }

  close() {
    this.#child.disconnect()
  }
}

/** CPU seconds of a process, by its threads. */
function cpuOf(pid) {
  let sum = 0
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    try {
      sum += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0])
    } catch {
      // A thread that has just ended.
    }
  }
  return sum / 1e9
}

/** Sends packets to a port. Resolves to the CPU seconds of that: the kernel makes the records in it. */
async function flood(to, count, rate) {
  const options = ['mode=flood', `port=${PORTS[to]}`, 'size=64', `count=${count}`, ...(rate ? [`rate=${rate}`] : [])]
  const child = spawn('bash', ['-c', 'TIMEFORMAT="%U %S"; time "$0" "$@"', join(build, 'send'), ...options], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let text = ''
  child.stderr.on('data', (chunk) => {
    text += chunk
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`send: ${text}`)
  const [user, system] = text.trim().split('\n').at(-1).split(' ').map(Number)
  return user + system
}

function prepareSender() {
  if (existsSync(join(build, 'send'))) return
  mkdirSync(build, { recursive: true })
  const source = fileURLToPath(new URL('../../../bench/peers/send.c', import.meta.url))
  const { status, stderr } = spawnSync('cc', ['-O2', '-o', join(build, 'send'), source], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`cannot build the sender: ${stderr}`)
}

async function bringLoopbackUp() {
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
}

async function startServer(folder) {
  const server = spawn('nats-server', ['-a', '127.0.0.1', '-p', '4333', '-js', '-sd', folder], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await new Promise((resolve, reject) => {
    server.stderr.on('data', (chunk) => String(chunk).includes('ready') && resolve())
    server.once('error', reject)
  })
  return server
}

/** The CPU time of each party for the same records, at a rate that all of them follow. */
async function measureCosts({ receiver, publisher, consumer, server }) {
  const alone = receiver.takes(RECORDS)
  await flood('receiver', RECORDS, RATE)
  const socket = await alone
  const before = cpuOf(server.pid)
  const taken = Promise.all([publisher.takes(RECORDS), consumer.takes(RECORDS)])
  await flood('publisher', RECORDS, RATE)
  const [published, consumed] = await taken
  const perRecord = (seconds) => (seconds / RECORDS) * 1e9
  return {
    ...{ socket: perRecord(socket.cpu), publisher: perRecord(published.cpu) },
    ...{ server: perRecord(cpuOf(server.pid) - before), consumer: perRecord(consumed.cpu) },
    lost: socket.lost + published.lost + consumed.lost,
  }
}

/** As many records as `flood` sends at once, until the last one of them is decoded. */
async function measureRate(records, parties, send) {
  const server = parties.server === undefined ? 0 : cpuOf(parties.server.pid)
  const names = Object.keys(parties).filter((name) => name !== 'server')
  const started = Date.now()
  const taken = Promise.all(names.map((name) => parties[name].takes(records)))
  const producer = send === undefined ? undefined : await send()
  const results = await taken
  const seconds = (Math.max(...results.map(({ at }) => at)) - started) / 1000
  const cores = Object.fromEntries(names.map((name, index) => [name, results[index].cpu / seconds]))
  if (producer !== undefined) cores.producer = producer / seconds
  if (parties.server !== undefined) cores.server = (cpuOf(parties.server.pid) - server) / seconds
  return {
    rate: records / seconds,
    cores,
    lost: results.reduce((sum, { lost }) => sum + lost, 0),
    bytes: Math.max(...results.map(({ bytes }) => bytes)),
  }
}

async function measureStorage(storage, server, rounds) {
  const [live, memory] = [`LIVE_${storage}`, `MEMORY_${storage}`]
  for (const stream of [live, memory])
    await createStream({ servers: SERVER, stream, maximumBytes: STREAM_BYTES, storage })
  const size = values['message-size']
  const receiver = await Party.open('receiver', PORTS.receiver, GROUPS.receiver)
  const publisher = await Party.open('publisher', SERVER, live, size, PORTS.publisher, GROUPS.publisher)
  const consumer = await Party.open('consumer', SERVER, live)
  const source = await Party.open('source', SERVER, memory, size, PORTS.source, GROUPS.source)
  const ready = source.said()
  await flood('source', 8 * 64 * THRESHOLD, RATE / 10)
  await ready
  const reader = await Party.open('consumer', SERVER, memory)
  const results = []
  for (let round = -WARM; round < rounds; round++) {
    const costs = await measureCosts({ receiver, publisher, consumer, server })
    const socket = await measureRate(RECORDS, { receiver }, () => flood('receiver', RECORDS))
    const through = await measureRate(RECORDS, { publisher, consumer, server }, () => flood('publisher', RECORDS))
    const fromMemory = await measureRate(RECORDS, { source, consumer: reader, server })
    if (round >= 0) results.push({ costs, socket, through, fromMemory })
    console.error(`stream in ${storage}, round ${round}: ${JSON.stringify({ costs, socket, through, fromMemory })}`)
  }
  for (const party of [receiver, publisher, consumer, source, reader]) party.close()
  return results
}

async function main() {
  const [load] = loadavg()
  prepareSender()
  await bringLoopbackUp()
  const folder = mkdtempSync(join(tmpdir(), 'ringlink-bench-'))
  const server = await startServer(folder)
  try {
    const results = {}
    for (const storage of values.storage.split(','))
      results[storage] = await measureStorage(storage, server, Math.ceil(Number(values.rounds) / 2))
    const { bytes } = results[values.storage.split(',')[0]].at(-1).fromMemory
    const figures = { results, records: RECORDS, bytesPerRecord: bytes / RECORDS, load }
    const text = describe({ ...figures, messageSize: Number(values['message-size']) })
    console.log(text)
    if (values.document) writeFigures(text)
  } finally {
    server.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

await main()
