// Measures log records through one NATS server at a threshold of 64, beside the same records over the plain socket, in
// one interleaved run, and writes the figures into docs/fleet.md. As root, on a machine that does nothing else.
//
//   npm run bench:fleet                                builds, measures for three minutes, and writes the document
//   unshare -n node packages/transport-nats/bench/fleet.mjs [--rounds 16] [--storage file,memory] [--document]
//   unshare -n node packages/transport-nats/bench/fleet.mjs --quick        a few records: does it work?
//
// Each round sends the same packets first to receivers on the plain socket, then to programs that read their frames and
// drop them, or write them to a TCP connection, then to a publisher whose server is a stand-in that only confirms, and
// to one whose stream a consumer reads at that time:
//
// - at a rate that everybody follows: the CPU time per record of each party, in processes that are warm
// - as fast as the machine sends: the time until the last record was decoded, and what each party took of the cores
// - half as many a second, to both receivers and the publisher at once
// - and once more from frames in memory, without the kernel's share
//
// In the end every record must be accounted for: sent = stored + dropped, stored = decoded.
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
import { PUBLISHED_INTERVAL, THRESHOLD } from './parties.mjs'
import { STAND_IN_PORT } from './stand-in.mjs'

const SERVER = 'nats://127.0.0.1:4333'
const STREAM_BYTES = 4e9
/** Rounds before the first one that counts. */
const WARM = 2
/**
 * Before these, each party gets the records so many times, as fast as it may without losing any: a publisher's code
 * runs once for thousands of records, and the compiler is done with it that late.
 */
const WARM_FEEDS = 24
const WARM_RATE = 700_000
const PORTS = {
  ...{ receiver: 9364, publisher: 9365, source: 9366, dropper: 9367, writer: 9368, seldom: 9369, alone: 9370 },
  // Packets to it are logged to the receivers and to the publisher at once.
  together: 9371,
}
const GROUPS = { receiver: 64, publisher: 65, source: 66, dropper: 67, writer: 68, seldom: 69, alone: 70 }
const parties = fileURLToPath(new URL('parties.mjs', import.meta.url))
const build = fileURLToPath(new URL('../../../bench/build/', import.meta.url))

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '16' },
    quick: { type: 'boolean', default: false },
    document: { type: 'boolean', default: false },
    'message-size': { type: 'string', default: '983040' },
    storage: { type: 'string', default: 'file,memory' },
  },
})

/** Records a second that everybody follows, and of one measurement: whole datagrams. */
const RATE = values.quick ? 50_000 : 400_000
/** The same where three parties get each of them. */
const TOGETHER_RATE = RATE / 2
const RECORDS = (values.quick ? 40 : 6400) * THRESHOLD
const rounds = values.quick
  ? { feeds: 0, warm: 0, measured: 1 }
  : { feeds: WARM_FEEDS, warm: WARM, measured: Math.ceil(Number(values.rounds) / 2) }

/** A process of parties.mjs. */
class Party {
  #child
  /** what it said last */
  last = { records: 0, cpu: 0 }

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
    const before = this.last
    const answer = this.said()
    this.#child.send({ until: before.records + records })
    const now = await answer
    this.last = now
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
  // It ends with this process, however that ends.
  const command = ['--pdeathsig', 'KILL', 'nats-server', '-a', '127.0.0.1', '-p', '4333', '-js', '-sd', folder]
  const server = spawn('setpriv', command, {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await new Promise((resolve, reject) => {
    server.stderr.on('data', (chunk) => String(chunk).includes('ready') && resolve())
    server.once('error', reject)
  })
  return server
}

/** Sends the records of a measurement to one party; resolves to what each of `parties` has done when it has them. */
async function feed(to, rate, ...parties) {
  const taken = Promise.all(parties.map((party) => party.takes(RECORDS)))
  await flood(to, RECORDS, rate)
  return taken
}

/** Nanoseconds of CPU time per record of a measurement, of so many seconds in all. */
function perRecord(cpu) {
  return (cpu / RECORDS) * 1e9
}

async function warmUp({ publisher, consumer, ...others }) {
  for (let i = 0; i < rounds.feeds; i++) {
    for (const [name, party] of Object.entries(others)) await feed(name, WARM_RATE, party)
    await feed('publisher', WARM_RATE, publisher, consumer)
  }
}

/** The CPU time of each party for the same records, at a rate that all of them follow. */
async function measureCosts({ receiver, seldom, dropper, writer, alone, publisher, consumer, server }) {
  const costs = { lost: 0 }
  const note = (name, { cpu, lost }) => {
    costs[name] = perRecord(cpu)
    costs.lost += lost
  }
  for (const [name, party] of Object.entries({ receiver, seldom, dropper, writer, alone })) {
    const [taken] = await feed(name, RATE, party)
    note(name, taken)
  }
  const before = cpuOf(server.pid)
  const [published, consumed] = await feed('publisher', RATE, publisher, consumer)
  note('publisher', published)
  note('server', { cpu: cpuOf(server.pid) - before, lost: 0 })
  note('consumer', consumed)
  return costs
}

/** The CPU time of receivers and publisher for the same packets, in the same seconds and beside the same load. */
async function measureTogether({ receiver, seldom, publisher, consumer }) {
  const parties = [receiver, seldom, publisher, consumer]
  const taken = await feed('together', TOGETHER_RATE, ...parties)
  const [often, rarely, published] = taken.map(({ cpu }) => perRecord(cpu))
  return {
    ...{ receiver: often, seldom: rarely, publisher: published },
    lost: taken.reduce((sum, { lost }) => sum + lost, 0),
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

async function measureStorage(storage, server) {
  const [live, memory] = [`LIVE_${storage}`, `MEMORY_${storage}`]
  for (const stream of [live, memory])
    await createStream({ servers: SERVER, stream, maximumBytes: STREAM_BYTES, storage })
  const size = values['message-size']
  const both = (port) => `${port},${PORTS.together}`
  const standIn = `nats://127.0.0.1:${STAND_IN_PORT}`
  const [receiver, seldom, dropper, writer, alone, publisher, consumer, source] = await Promise.all([
    Party.open('receiver', both(PORTS.receiver), GROUPS.receiver),
    Party.open('receiver', both(PORTS.seldom), GROUPS.seldom, PUBLISHED_INTERVAL),
    Party.open('dropper', PORTS.dropper, GROUPS.dropper),
    Party.open('writer', size, PORTS.writer, GROUPS.writer),
    Party.open('publisher', standIn, 'STANDIN', size, PORTS.alone, GROUPS.alone),
    Party.open('publisher', SERVER, live, size, both(PORTS.publisher), GROUPS.publisher),
    Party.open('consumer', SERVER, live),
    Party.open('source', SERVER, memory, size, PORTS.source, GROUPS.source),
  ])
  const ready = source.said()
  await flood('source', (values.quick ? 2 : 8) * 64 * THRESHOLD, 40_000)
  await ready
  const reader = await Party.open('consumer', SERVER, memory)
  const measured = { receiver, seldom, dropper, writer, alone, publisher, consumer }
  await warmUp(measured)
  const results = []
  for (let round = -rounds.warm; round < rounds.measured; round++) {
    const costs = await measureCosts({ ...measured, server })
    const together = await measureTogether(measured)
    const socket = await measureRate(RECORDS, { receiver }, () => flood('receiver', RECORDS))
    const through = await measureRate(RECORDS, { publisher, consumer, server }, () => flood('publisher', RECORDS))
    const fromMemory = await measureRate(RECORDS, { source, consumer: reader, server })
    const result = { costs, together, socket, through, fromMemory }
    if (round >= 0) results.push(result)
    console.error(`stream in ${storage}, round ${round}: ${JSON.stringify(result)}`)
  }
  checkCounts(storage, publisher.last, consumer.last)
  for (const party of [...Object.values(measured), source, reader]) party.close()
  return results
}

/** Every record that was sent to the publisher is accounted for, and the consumer has decoded what is stored. */
function checkCounts(storage, { stored, dropped, lost }, { decoded }) {
  const sent = (rounds.feeds + 3 * (rounds.warm + rounds.measured)) * RECORDS
  const lostByKernel = lost - dropped
  const text = [
    `stream in ${storage}: ${sent} records sent = ${stored} stored + ${dropped} dropped + ${lostByKernel} lost;`,
    `${decoded} decoded`,
  ].join(' ')
  console.log(text)
  if (sent !== stored + dropped + lostByKernel || decoded !== stored) throw new Error(`they must be equal: ${text}`)
}

async function main() {
  const [load] = loadavg()
  prepareSender()
  await bringLoopbackUp()
  const folder = mkdtempSync(join(tmpdir(), 'ringlink-bench-'))
  const server = await startServer(folder)
  const [sink, standIn] = [await Party.open('sink'), await Party.open('standIn')]
  try {
    const results = {}
    for (const storage of values.storage.split(',')) results[storage] = await measureStorage(storage, server)
    const { bytes } = results[values.storage.split(',')[0]].at(-1).fromMemory
    const figures = { results, records: RECORDS, bytesPerRecord: bytes / RECORDS, load }
    const text = describe({ ...figures, messageSize: Number(values['message-size']) })
    if (!values.quick) console.log(text)
    if (values.document && !values.quick) writeFigures(text)
  } finally {
    sink.close()
    standIn.close()
    server.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

await main()
