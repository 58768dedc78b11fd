// The demo itself, inside the namespace that main.ts has made for it.
import { fileURLToPath } from 'node:url'
import {
  type DemoOutcome,
  type ExampleEvent,
  ExampleProgram,
  progress,
  runDemonstration,
  runSender,
} from '@ringlink/example-shared/demo-inside'
import { raiseLoopback } from '@ringlink/example-shared/loopback'
import { whole } from '@ringlink/example-shared/text'
import { installDemoRules, readRuleCounters } from './firewall.ts'
import { Receiver } from './receiver.ts'
import { formatResult, type QueueSummary } from './result.ts'
import { type SenderReport, UNWANTED } from './traffic.ts'

const QUEUE_NUMBER = 0

function startQueueProgram(transport: string, signal: AbortSignal): ExampleProgram<QueueSummary> {
  const filter = ['--drop-port', `${UNWANTED.port}`, '--drop-text', UNWANTED.text]
  const words = ['--queue', `${QUEUE_NUMBER}`, '--transport', transport, ...filter]
  return new ExampleProgram(besideThis('../main.js'), words, signal, (event) => {
    if (isRate(event)) progress(`${whole(event.packets)} packets answered`)
  })
}

function isRate(event: ExampleEvent): event is QueueSummary {
  return event.event === 'rate'
}

function besideThis(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}

async function demonstrate(transport: string, wantsJson: boolean, signal: AbortSignal): Promise<DemoOutcome> {
  progress('lo comes up, the rules are made')
  await raiseLoopback(1500)
  await using rules = await installDemoRules(QUEUE_NUMBER)
  await using receiver = await Receiver.open()
  const program = startQueueProgram(transport, signal)
  await program.open()
  progress('the queue is open, traffic starts')
  const start = performance.now()
  const sender = await program.during(runSender<SenderReport>(besideThis('sender.js'), signal))
  const seconds = Math.round(performance.now() - start) / 1000
  const queue = await program.end()
  const { datagrams, forbidden, repeated, tcpBytes } = receiver
  const counters = await readRuleCounters(rules)
  await rules.close()
  const result = {
    transport: queue.transport,
    seconds,
    queue,
    sender,
    counters,
    passesAfter: await receiver.passes(),
    receiver: { datagrams, forbidden, repeated, tcpBytes },
  }
  return formatResult(result, wantsJson)
}

await runDemonstration(demonstrate)
