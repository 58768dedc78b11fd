// A packet filter: drops what --drop matches and accepts the rest. See --help.
import { printJson, runProgram, stopAsked } from '../command-line/program.ts'
import { RateDisplay } from '../terminal/rates.ts'
import { openQueue, openSocket, type Queue } from 'ringlink'
import { HELP, type ProgramOptions, parseOptions } from './options.ts'
import { describeTotals, formatSummary, Tally } from './summary.ts'
import { openQueueTransport } from './transports.ts'

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
  // The rules are installed when the queue is ours, and go before it does, or with us when we are killed.
  const rule = options.rules.map((it) => ({ ...it, onExit: options.onExit }))
  for (const number of options.queues) {
    queues.push(
      await openQueue({
        number,
        transport: openQueueTransport(options.transport, number),
        ruleTransport: openSocket,
        rule: rule.length > 0 ? rule : undefined,
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
  const display = new RateDisplay(() => tally.read(), describeTotals, stdout, style)
  let totals = tally.read()
  let transport = ''
  let seconds = 0
  try {
    await openQueues(options, queues)
    transport = queues[0]?.transport.capabilities.kind ?? ''
    if (options.json) printJson({ event: 'open', queues: options.queues, transport })
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
  if (options.json) printJson({ event: 'summary', transport, seconds: Math.round(seconds * 1000) / 1000, ...totals })
  else stdout.write(`${formatSummary(totals, seconds, transport)}\n`)
}

function closeAll(queues: readonly Queue[]): Promise<unknown> {
  return Promise.all(queues.map((queue) => queue.close()))
}

await runProgram('queue', async (words) => {
  const options = parseOptions(words)
  if (options === 'help') stdout.write(`${HELP}\n`)
  else await run(options)
})
