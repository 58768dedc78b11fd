// A packet filter: drops what --drop matches and accepts the rest. See --help.
import { openQueue, type Queue } from 'ringlink'
import { HELP, type ProgramOptions, parseOptions, UsageError } from './options.ts'
import { RateDisplay } from './rates.ts'
import { formatSummary, Tally } from './summary.ts'
import { openTransportNamed } from './transports.ts'

const { stdout, stderr } = process

/** Accepts or drops every packet of one queue, until the queue is closed or enough packets were seen. */
async function answer(queue: Queue, options: ProgramOptions, tally: Tally): Promise<void> {
  const { isDropped, count = Number.POSITIVE_INFINITY } = options
  // What an accepted packet is changed to; undefined sends the shorter verdict that changes nothing.
  const changes = options.mark === undefined ? undefined : { mark: options.mark }

  // A batch is what one wake-up of the kernel brought. Its verdicts are sent together when the loop asks for the next.
  for await (const packets of queue) {
    // One object is shown as packet after packet: its properties are read where the kernel left them, nothing is copied.
    for (const packet of packets) {
      tally.bytes += packet.fullLength
      if (isDropped(packet)) packet.drop()
      else packet.accept(changes)
      // Leaving the loop is always safe: packets of the batch without a verdict get the queue's `unanswered` one.
      if (++tally.answered >= count) return
    }
  }
}

/** One queue for each number, each with a socket of its own, so that the kernel can spread its work over them. */
async function openQueues(options: ProgramOptions, queues: Queue[]): Promise<void> {
  for (const number of options.queues) {
    queues.push(
      await openQueue({
        number,
        transport: openTransportNamed(options.transport),
        unanswered: options.unanswered,
        maxLength: options.maxLength,
        copyRange: options.copyRange,
        failOpen: options.failOpen,
        segmentationOffload: options.segmentationOffload,
      }),
    )
  }
}

async function run(options: ProgramOptions): Promise<void> {
  const queues: Queue[] = []
  const tally = new Tally(queues)
  const style = options.json ? 'json' : stdout.isTTY ? 'terminal' : 'lines'
  const display = new RateDisplay(tally, stdout, style)
  let totals = tally.read()
  let transport = ''
  let seconds = 0
  try {
    await openQueues(options, queues)
    transport = queues[0]?.transport.capabilities.kind ?? ''
    if (options.json) print({ event: 'open', queues: options.queues, transport })
    else stderr.write(`answering queue ${options.queues.join(', ')}; Ctrl-C ends it\n`)
    display.start()
    const start = performance.now()
    const loops = queues.map((queue) => answer(queue, options, tally))
    // Whoever comes first: the user, the time, a loop that has seen enough, or an error in one.
    await Promise.race([stopAsked(options.seconds), ...loops])
    seconds = (performance.now() - start) / 1000
    // The kernel's counters are gone once the queues are closed.
    totals = tally.read()
    await closeAll(queues)
    // Loops over a closed queue end by themselves; what they answered last is in the totals.
    await Promise.all(loops)
    totals = { ...tally.read(), waiting: totals.waiting }
  } finally {
    display.stop()
    // Nothing is left without a verdict, also after an error. Closing a second time does nothing.
    await closeAll(queues)
  }
  if (options.json) print({ event: 'summary', transport, seconds: Math.round(seconds * 1000) / 1000, ...totals })
  else stdout.write(`${formatSummary(totals, seconds, transport)}\n`)
}

function closeAll(queues: readonly Queue[]): Promise<unknown> {
  return Promise.all(queues.map((queue) => queue.close()))
}

/** Resolves when the program is to end: a signal, the time of --seconds, or a pipe that nobody reads any more. */
function stopAsked(seconds: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => resolve()
    // Once only: a second Ctrl-C ends the program the hard way.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, stop)
    stdout.on('error', stop)
    if (seconds !== undefined) setTimeout(stop, seconds * 1000).unref()
  })
}

function print(value: object): void {
  stdout.write(`${JSON.stringify(value)}\n`)
}

async function main(): Promise<number> {
  try {
    const options = parseOptions(process.argv.slice(2))
    if (options === 'help') stdout.write(`${HELP}\n`)
    else await run(options)
    return 0
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    stderr.write(`queue: ${text}\n`)
    if (!(error instanceof UsageError)) return 1
    stderr.write('queue: --help shows what there is\n')
    return 2
  }
}

process.exitCode = await main()
