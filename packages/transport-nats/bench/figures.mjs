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
  producer: 'kernel and sender',
  socket: 'receiver on the plain socket, decoding, no NATS',
  frames: 'frames read and dropped, no NATS',
  written: 'frames read and written to a TCP connection, no NATS',
  receiver: 'receiver',
  publisher: 'publisher, not decoding',
  source: 'publisher',
  server: 'nats-server',
  consumer: 'consumer, decoding',
}
const measured = ['socket', 'frames', 'written', 'publisher', 'server', 'consumer']
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
    byStorage[storage] = {
      costs: Object.fromEntries(measured.map((name) => [name, cost(name)])),
      ratio: median(rounds.map(({ costs }) => costs.publisher / costs.socket)),
      frames: median(rounds.map(({ costs }) => costs.frames / costs.socket)),
      written: median(rounds.map(({ costs }) => costs.written / costs.socket)),
      own: median(rounds.map(({ costs }) => costs.publisher / costs.written)),
      rates,
      lost: rounds.reduce((sum, round) => sum + round.costs.lost + round.socket.lost + round.through.lost, 0),
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
  const texts = (name) => storages.map((storage) => summary[storage][name].toFixed(2)).join(' and ')
  const isMet = storages.every((storage) => summary[storage].ratio <= GOAL_RATIO)
  return [
    `The publisher costs ${texts('ratio')} times the receiver; the goal of ${GOAL_RATIO} is ${isMet ? 'met' : 'not met'}.`,
    `A program that only reads the frames and drops them costs ${texts('frames')} times the receiver, and one that`,
    `writes them to a TCP connection of this machine, to a program that reads and does nothing, ${texts('written')} times:`,
    `the publisher costs ${texts('own')} times what that costs.`,
  ].join(' ')
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
