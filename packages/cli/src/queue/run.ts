import { openQueue, openSocket, type Queue, type QueuePacket } from 'ringlink'
import type { ExitCode } from '../command-line/command.ts'
import { Stop } from '../command-line/stop.ts'
import type { QueueArguments } from '../commands/queue.ts'
import { wallClock } from '../packets/clock.ts'
import { entryOfPacket } from '../packets/entry.ts'
import { PacketPrinter } from '../packets/printer.ts'
import { Statistics } from '../packets/statistics.ts'
import { openSimulatedQueue } from '../simulated/kernel.ts'
import { output } from '../terminal/output.ts'
import { RateDisplay, type RateStyle } from '../terminal/rates.ts'
import { transportOpener } from '../transports.ts'
import { type QueueSettings, readSettings } from './settings.ts'
import { describeTotals, formatSummary, Tally } from './summary.ts'

/** Answers queues until it is stopped. */
export async function runQueue(given: QueueArguments): Promise<ExitCode> {
  const settings = readSettings(given)
  const stop = new Stop(settings.seconds)
  const queues: Queue[] = []
  const program = new QueueProgram(settings, new Tally(queues))
  let seconds = 0
  try {
    await openQueues(settings, queues)
    program.begin(queues)
    const start = performance.now()
    const loops = queues.map((queue) => program.answer(queue))
    // The first of these: the user, the time, a loop that has seen enough, or its error.
    await Promise.race([stop.requested, ...loops])
    seconds = (performance.now() - start) / 1000
    // The kernel's counters are gone once the queues are closed.
    program.tally.read()
    await closeAll(queues)
    // Loops over a closed queue end by themselves; what they answered last is in the totals.
    await Promise.all(loops)
  } finally {
    program.stop()
    // No packet is left without a verdict, even after an error. Closing is idempotent.
    await closeAll(queues)
  }
  program.summarize(seconds)
  return 0
}

/** One queue for each number, each with its own socket, so that the kernel can distribute its work. */
async function openQueues(settings: QueueSettings, queues: Queue[]): Promise<void> {
  // The rules are installed once the queue is bound, and removed before it closes, or with the process if it is killed.
  const rule = settings.rules.map((it) => ({
    ...it,
    onExit: settings.onExit,
    ...(settings.offload === undefined ? {} : { offload: { packets: settings.offload } }),
  }))
  for (const number of settings.queues) {
    const queue = await openQueue({
      number,
      transport: transportOpener(settings.transport, (needs) => openSimulatedQueue(needs, number)),
      ruleTransport: openSocket,
      rule: rule.length > 0 ? rule : undefined,
      unanswered: settings.unanswered,
      maxLength: settings.maxLength,
      copyRange: settings.copyRange,
      failOpen: settings.failOpen,
      segmentationOffload: settings.segmentationOffload,
    })
    queues.push(queue)
  }
}

function closeAll(queues: readonly Queue[]): Promise<unknown> {
  return Promise.all(queues.map((queue) => queue.close()))
}

/** What happens with the packets, and what is shown. */
class QueueProgram {
  readonly tally: Tally
  #settings: QueueSettings
  #display: RateDisplay<ReturnType<Tally['read']>>
  #printer: PacketPrinter | undefined
  /** kept only if they are shown: finding addresses costs as much as a filter */
  #talkers: Statistics | undefined
  #transport = ''

  constructor(settings: QueueSettings, tally: Tally) {
    this.#settings = settings
    this.tally = tally
    const style = styleFor(settings)
    if (style === 'view') this.#talkers = new Statistics()
    if (settings.print) this.#printer = new PacketPrinter(settings)
    const details = () => this.#talkers?.lines(8) ?? []
    this.#display = new RateDisplay({ read: () => tally.read(), describe: describeTotals, style, details })
  }

  begin(queues: readonly Queue[]): void {
    const { json, queues: numbers } = this.#settings
    this.#transport = queues[0]?.transport.capabilities.kind ?? ''
    if (json) output.json({ event: 'open', queues: numbers, transport: this.#transport })
    else process.stderr.write(`answering queue ${numbers.join(', ')}; Ctrl-C ends it\n`)
    this.#display.start()
  }

  /** Accepts or drops every packet of a queue, until that is closed or enough packets were seen. */
  async answer(queue: Queue): Promise<void> {
    const { isDropped, count, offload } = this.#settings
    // The changes of an accepted packet; undefined sends the shorter verdict without changes.
    const changes = this.#settings.mark === undefined ? undefined : { mark: this.#settings.mark }
    const { tally } = this
    for await (const packets of queue) {
      const now = this.#printer === undefined ? 0n : wallClock()
      for (const packet of packets) {
        tally.bytes += packet.fullLength
        this.#talkers?.count(packet)
        const drops = isDropped?.(packet) === true
        // Before the verdict, after which the packet may not be read any more.
        if (this.#printer !== undefined) this.#print(this.#printer, packet, now, drops)
        if (drops && offload !== undefined) packet.offload('drop')
        else if (drops) packet.drop()
        else packet.accept(changes)
        if (++tally.answered >= count) return
      }
      await this.#printer?.settle()
    }
  }

  stop(): void {
    this.#display.stop()
    this.#printer?.flush()
  }

  summarize(seconds: number): void {
    const totals = this.tally.read()
    const transport = this.#transport
    if (this.#settings.json) {
      output.json({ event: 'summary', transport, seconds: Math.round(seconds * 1000) / 1000, ...totals })
      return
    }
    output.line(formatSummary(totals, seconds, transport))
    const talkers = this.#talkers?.lines(10) ?? []
    if (talkers.length > 0) output.line(['', ...talkers].join('\n'))
  }

  #print(printer: PacketPrinter, packet: QueuePacket, now: bigint, drops: boolean): void {
    const { isPrinted } = this.#settings
    if (isPrinted !== undefined && !isPrinted(packet)) return
    printer.print(entryOfPacket(packet, packet.headers(), now, { verdict: drops ? 'drop' : 'accept' }))
  }
}

function styleFor({ json, print }: QueueSettings): RateStyle {
  if (json) return 'json'
  if (print) return 'none'
  return process.stdout.isTTY ? 'view' : 'lines'
}
