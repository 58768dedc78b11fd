// Shows, counts and saves the packets that the firewall logs. See --help.
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { readPcapng } from '@ringlink/capture'
import { LogRecordView, Memory } from '@ringlink/codec'
import { printJson, runProgram, stopAsked } from '../command-line/program.ts'
import { RateDisplay } from '../terminal/rates.ts'
import { type Log, openLog, openSocket } from 'ringlink'
import { CaptureOutput } from './capture-output.ts'
import { DeviceNames, unknownDevices } from '../packets/devices.ts'
import { type Entry, entryOfPacket, entryOfRecord, recordOfPacket } from '../packets/entry.ts'
import { type EntryStyle, entryObject, formatEntry, inColour, plain } from '../packets/entry-text.ts'
import { HELP, type LogProgramOptions, parseOptions } from './options.ts'
import { describeTotals, formatStatistics, Statistics } from './statistics.ts'
import { openLogTransport } from './transports.ts'

const { stdout, stderr } = process

/** What is done with each packet: counted, shown, saved. */
class PacketProgram implements AsyncDisposable {
  readonly statistics = new Statistics()
  /** packets that were logged and did not arrive here */
  lost = 0
  #options: LogProgramOptions
  #style: EntryStyle
  #capture: CaptureOutput | undefined
  #text = ''
  #isStopped = false

  constructor(options: LogProgramOptions) {
    this.#options = options
    this.#style = {
      paint: stdout.isTTY && !process.env.NO_COLOR ? inColour : plain,
      devices: options.read === undefined ? new DeviceNames() : unknownDevices,
      linkLayer: options.link,
    }
    if (options.write !== undefined) {
      this.#capture = new CaptureOutput(options.write, options.groups, options.rotation)
    }
  }

  /** No packet is wanted any more. */
  stop(): void {
    this.#isStopped = true
  }

  /** False when there were enough. Without lines nothing is made of a record but what is written to the file. */
  takeRecord(record: LogRecordView, at: bigint, lost: number): boolean {
    this.lost += lost
    this.statistics.count(record)
    this.#capture?.write(record, at, lost)
    if (this.#options.lines) this.#show(entryOfRecord(record, at, lost))
    return this.#wantsMore()
  }

  /** As `takeRecord`, for packets that no log has made. */
  takeEntry(entry: Entry): boolean {
    const { bytes, lost } = entry
    this.lost += lost
    this.statistics.count({
      memory: Memory.from(bytes),
      payloadOffset: 0,
      payloadLength: bytes.length,
      mark: undefined,
    })
    if (this.#options.lines) this.#show(entry)
    return this.#wantsMore()
  }

  #wantsMore(): boolean {
    return !this.#isStopped && this.statistics.packets < this.#options.count
  }

  /** Waits where the output is slower than the log. */
  async settle(): Promise<void> {
    const text = this.#text
    this.#text = ''
    // It fails when nobody reads any more, and then the program is stopped.
    if (text !== '' && stdout.writable && !stdout.write(text)) await once(stdout, 'drain').catch(() => {})
    await this.#capture?.settle()
  }

  /** Writes what is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.settle()
    await this.#capture?.[Symbol.asyncDispose]()
  }

  #show(entry: Entry): void {
    const { devices } = this.#style
    this.#text += `${this.#options.json ? JSON.stringify(entryObject(entry, devices)) : formatEntry(entry, this.#style)}\n`
  }
}

/** Reads the log until it is closed or there were enough packets. */
async function readLog(log: Log, program: PacketProgram): Promise<void> {
  // A batch is what one wake-up of the kernel brought: some datagrams, of one packet or a hundred.
  for await (const records of log) {
    const now = wallClock()
    let lostBefore = 0
    // One object is shown as record after record: its properties are read where the kernel left them, nothing is copied.
    for (const record of records) {
      const lost = records.lost - lostBefore
      lostBefore = records.lost
      const received = record.timestamp()
      if (!program.takeRecord(record, received === undefined ? now : received * 1000n, lost)) return
    }
    await program.settle()
  }
}

async function readCapture(path: string, seconds: number | undefined, program: PacketProgram): Promise<void> {
  stopAsked(seconds).then(() => program.stop())
  const view = new LogRecordView()
  const reader = readPcapng(createReadStream(path))
  let unknown = 0
  for await (const packet of reader.packets()) {
    const record = recordOfPacket(packet, view)
    const entry = record === undefined ? entryOfPacket(packet) : undefined
    if (record !== undefined) {
      if (!program.takeRecord(record, packet.at, Number(packet.dropCount ?? 0))) return
    } else if (entry === undefined) {
      unknown++
    } else if (!program.takeEntry(entry)) {
      return
    }
    await program.settle()
  }
  if (unknown > 0) stderr.write(`log: ${unknown} packets of other link types than NFLOG, Ethernet and IP\n`)
  if (reader.truncated !== undefined) throw new Error(`${path} ends in the middle: ${reader.truncated.message}`)
}

/** Nanoseconds since 1970. */
function wallClock(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n
}

async function follow(options: LogProgramOptions, program: PacketProgram): Promise<string> {
  const { groups, threshold, timeout, copyRange } = options
  const transport = openLogTransport(options.transport, groups)
  // The rules are installed when the group is ours, and go with the log, or with us when we are killed.
  const rule = options.rules.length === 0 ? undefined : options.rules.map((it) => ({ ...it, prefix: options.prefix }))
  const feed = { rule, ruleTransport: openSocket }
  await using log = await openLog({ group: groups, threshold, timeout, copyRange, transport, ...feed })
  const { kind } = log.transport.capabilities
  if (options.json) printJson({ event: 'open', groups, transport: kind })
  else stderr.write(`listening to group ${groups.join(', ')}; Ctrl-C ends it\n`)
  const loop = readLog(log, program)
  // Whoever comes first: the user, the time, a loop that has seen enough, or an error in it.
  const isAsked = await Promise.race([stopAsked(options.seconds).then(() => true), loop.then(() => false)])
  // What the kernel has collected and not delivered comes first; then the loop ends by itself.
  if (isAsked) await log.finish()
  await loop
  return kind
}

async function run(options: LogProgramOptions): Promise<void> {
  await using program = new PacketProgram(options)
  const { statistics } = program
  const read = () => statistics.read(program.lost)
  const isLive = options.stats && (options.json || (stdout.isTTY && !options.lines))
  const display = new RateDisplay(read, describeTotals, stdout, options.json ? 'json' : 'terminal')
  if (isLive) display.start()
  const start = performance.now()
  let source = options.read ?? ''
  try {
    if (options.read === undefined) source = await follow(options, program)
    else await readCapture(options.read, options.seconds, program)
  } finally {
    display.stop()
    await program.settle()
  }
  const seconds = Math.round(performance.now() - start) / 1000
  const { packets } = statistics
  if (options.json) {
    const talkers = options.stats ? { talkers: statistics.topTalkers(10) } : {}
    const from = options.read === undefined ? { transport: source } : { file: source }
    printJson({ event: 'summary', ...from, seconds, ...read(), ...talkers })
  } else if (options.stats) {
    stdout.write(`${formatStatistics(statistics, program.lost, seconds, source)}\n`)
  } else {
    stderr.write(`${packets} packets, ${program.lost} lost\n`)
  }
}

await runProgram('log', async (words) => {
  const options = parseOptions(words)
  if (options === 'help') stdout.write(`${HELP}\n`)
  else await run(options)
})
