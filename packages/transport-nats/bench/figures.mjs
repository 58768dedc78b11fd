// The figures of fleet.mjs, as text for docs/fleet.md.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, release } from 'node:os'
import { markdownTable } from '../../../scripts/text-table.mjs'

const DOCUMENT = new URL('../../../docs/fleet.md', import.meta.url)
const [BEGIN, END] = ['<!-- generated: figures -->', '<!-- end: figures -->']
const GOAL_RATE = 500_000
const GOAL_RATIO = 1.5
/** Of all cores: more is as much as other programs leave. */
const BUSY = 0.85
const names = {
  receiver: 'receiver on the plain socket, decoding, no NATS',
  seldom: 'the same, reading as seldom as a publisher',
  dropper: 'frames read and dropped, no NATS',
  writer: 'frames read and written to a TCP connection, no NATS',
  alone: 'publisher, to a stand-in for the server that only confirms',
  publisher: 'publisher, with nats-server and consumer on the same cores',
  server: 'nats-server',
  consumer: 'consumer, decoding',
}
/** Parties whose CPU time is compared with that of another. */
const compared = [
  ['alone', 'receiver'],
  ['alone', 'seldom'],
  ['publisher', 'receiver'],
  ['publisher', 'seldom'],
  ['dropper', 'receiver'],
  ['writer', 'receiver'],
]
const measured = Object.keys(names)
const paths = {
  socket: 'kernel → receiver on the plain socket',
  through: 'kernel → publisher → server → consumer',
  fromMemory: 'frames in memory → publisher → server → consumer',
}

function median(list) {
  const sorted = [...list].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

const whole = (value) => Math.round(value).toLocaleString('en-GB')
const microseconds = (nanoseconds) => (nanoseconds / 1000).toFixed(2)

/** What the rounds say: by storage, the median of each figure. */
export function summarize(results) {
  const byStorage = {}
  for (const [storage, rounds] of Object.entries(results)) {
    const cost = (name) => median(rounds.map(({ costs }) => costs[name]))
    const rates = Object.fromEntries(
      Object.keys(paths).map((path) => [path, summarizePath(rounds.map((round) => round[path]))]),
    )
    const ratio = ([name, to]) => median(rounds.map(({ costs }) => costs[name] / costs[to]))
    byStorage[storage] = {
      costs: Object.fromEntries(measured.map((name) => [name, cost(name)])),
      ratios: Object.fromEntries(compared.map((pair) => [pair.join('/'), ratio(pair)])),
      together: median(rounds.map(({ together }) => together.publisher / together.receiver)),
      togetherSeldom: median(rounds.map(({ together }) => together.publisher / together.seldom)),
      rates,
      lost: rounds.reduce(
        (sum, round) => sum + round.costs.lost + round.together.lost + round.socket.lost + round.through.lost,
        0,
      ),
    }
  }
  return byStorage
}

function summarizePath(rounds) {
  const cores = Object.keys(rounds[0].cores).map((name) => [name, median(rounds.map((round) => round.cores[name]))])
  return { rate: median(rounds.map(({ rate }) => rate)), cores: Object.fromEntries(cores) }
}

/** The text of the figures. */
export function describe({ results, records, bytesPerRecord, load, messageSize }) {
  const summary = summarize(results)
  const storages = Object.keys(summary)
  const best = summary[storages[0]]
  return [
    [
      `Measured on ${new Date().toISOString().slice(0, 10)}: medians of ${roundsOf(results)} rounds with`,
      `${whole(records)} records for each row; ${cpus().length} cores (${cpus()[0]?.model}), Linux`,
      `${release()}, Node.js ${process.versions.node}, nats-server ${serverVersion()}, messages of ${whole(messageSize)}`,
      `bytes; load of the machine before: ${load.toFixed(1)}. A record took ${bytesPerRecord.toFixed(1)} bytes of the`,
      `stream. Records that were lost or dropped: ${storages.map((storage) => summary[storage].lost).join(', ')}.`,
    ].join(' '),
    costTable(summary, storages),
    ratioText(summary, storages),
    rateTable(summary, storages),
    boundText(best),
    calculated(best, bytesPerRecord),
  ].join('\n\n')
}

function roundsOf(results) {
  return Object.values(results)[0].length
}

function serverVersion() {
  return execFileSync('nats-server', ['--version'], { encoding: 'utf8' })
    .replace(/^.*?v?(?=\d)/, '')
    .trim()
}

function costTable(summary, storages) {
  const head = ['µs of CPU per record', ...storages.map((storage) => `stream in ${storage}`)]
  const row = (name) => [names[name], ...storages.map((storage) => microseconds(summary[storage].costs[name]))]
  return markdownTable([head, ...Object.keys(summary[storages[0]].costs).map(row)])
}

function ratioText(summary, storages) {
  const texts = (all) => all.map((ratio) => ratio.toFixed(2)).join(' and ')
  const each = (name) => storages.map((storage) => summary[storage][name])
  const of = (pair) => storages.map((storage) => summary[storage].ratios[pair])
  const verdict = (all) => (all.every((ratio) => ratio <= GOAL_RATIO) ? 'met' : 'not met')
  const [alone, shared] = [of('alone/receiver'), of('publisher/receiver')]
  return [
    `The goal is that a publisher costs at most ${GOAL_RATIO} times the receiver.`,
    '',
    `- In the same seconds, where each packet is logged to both, with nats-server and consumer on the same cores, at half`,
    `  the rate of the table: ${texts(each('together'))} times (${verdict(each('together'))}).`,
    `- One after the other, where the receiver has the cores for itself: ${texts(alone)} times (${verdict(alone)}) to a stand-in for the`,
    `  server, which takes and confirms messages, and ${texts(shared)} times (${verdict(shared)}) with nats-server and consumer on the`,
    '  same cores, which take the caches, too.',
    `- A receiver that reads as seldom as the publisher costs less: compared with it, the publisher costs`,
    `  ${texts(each('togetherSeldom'))} times in the same seconds; measured apart ${texts(of('alone/seldom'))} times to the stand-in,`,
    `  and ${texts(of('publisher/seldom'))} times with nats-server.`,
    `- A program that only reads the frames and drops them costs ${texts(of('dropper/receiver'))} times the receiver, and one that writes`,
    `  them to a TCP connection of this machine ${texts(of('writer/receiver'))} times.`,
  ].join('\n')
}

function rateTable(summary, storages) {
  const columns = ['producer', 'receiver', 'publisher', 'server', 'consumer']
  const head = ['way', 'stream', 'records/s', ...columns.map((name) => `${name}, cores`)]
  const rows = []
  for (const storage of storages) {
    for (const [path, { rate, cores }] of Object.entries(summary[storage].rates)) {
      const shares = columns.map((name) => cores[name] ?? (name === 'publisher' ? cores.source : undefined))
      rows.push([
        ...[paths[path], path === 'socket' ? 'none' : storage, whole(rate)],
        ...shares.map((share) => (share === undefined ? '' : share.toFixed(2))),
      ])
    }
  }
  return markdownTable([head, ...rows])
}

function boundText({ rates: { socket, through, fromMemory } }) {
  const used = (cores) => Object.values(cores).reduce((sum, share) => sum + share, 0)
  const [largest] = Object.entries(fromMemory.cores).sort(([, a], [, b]) => b - a)
  const isBusy = used(fromMemory.cores) > BUSY * cpus().length
  const isMet = (rate) => (rate >= GOAL_RATE ? 'met' : 'not met')
  return [
    `Through the server went ${((through.rate / socket.rate) * 100).toFixed(0)} % of the rate of the plain socket with`,
    `the kernel's part on the same cores, and ${((fromMemory.rate / socket.rate) * 100).toFixed(0)} % without it. The goal`,
    `of ${whole(GOAL_RATE)} records a second is ${isMet(through.rate)} with it, and ${isMet(fromMemory.rate)} without. The parties took`,
    `${used(fromMemory.cores).toFixed(2)} of ${cpus().length} cores (${used(through.cores).toFixed(2)} with the kernel's`,
    `part): ${isBusy ? 'the processor is the bound' : 'other work had the rest, or they waited for each other'}. The`,
    `largest share was that of the ${largest[0] === 'source' ? 'publisher' : largest[0]}.`,
  ].join(' ')
}

function calculated({ costs }, bytes) {
  const [publisher, consumer, server] = [costs.publisher, costs.consumer, costs.server].map((cost) => cost / 1e9)
  const rate = GOAL_RATE
  return [
    'Calculated from that, for records of this size:',
    '',
    `- **A host** that logs 20,000 records a second sends ${((20_000 * bytes) / 1e6).toFixed(1)} MB/s and spends ${(20_000 * publisher * 100).toFixed(1)} % of a core.`,
    `- **A consumer** reads ${whole(Math.floor(1 / consumer / 1e4) * 1e4)} records a second for each core that it has; a second program of the same`,
    '  `--consumer` doubles that.',
    `- **A stream** of ${whole(rate)} records a second takes ${((rate * bytes) / 1e6).toFixed(0)} MB/s of network in, as much out for each consumer, ${((rate * bytes * 3600) / 1e9).toFixed(0)} GB`,
    `  of disk an hour and ${(rate * server).toFixed(2)} cores of the server. That is ${whole(rate / 20_000)} hosts of 20,000 records a second, or ${whole(rate / 1000)} of`,
    '  1000.',
    `- **A million records** cost ${((1e6 * bytes) / 1e6).toFixed(0)} MB in the stream, ${(1e6 * publisher).toFixed(2)} s of CPU on the host, ${(1e6 * server).toFixed(2)} s at the server and ${(1e6 * consumer).toFixed(2)} s`,
    '  at the consumer.',
  ].join('\n')
}

/** Replaces the figures of the document. */
export function writeFigures(text) {
  const document = readFileSync(DOCUMENT, 'utf8')
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`docs/fleet.md must have ${BEGIN} and ${END}`)
  writeFileSync(DOCUMENT, `${document.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${document.slice(end)}`)
}
