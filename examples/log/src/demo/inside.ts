// The demo itself, inside the namespace that main.ts has made for it.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
import { formatResult, type LogSummary } from './result.ts'
import { installDemoRules, readRuleCounters } from './rules.ts'
import { type PacketEvent, PacketTally, readBack, readWithTshark } from './tally.ts'
import { ADDRESS, MAIN_GROUP, type SenderReport, SMALL_GROUP, TCP_PORT, THRESHOLD, UDP_PORT } from './traffic.ts'

/** milliseconds after which the kernel hands over what is less than a threshold full */
const TIMEOUT = 100

function isPacket(event: ExampleEvent): event is PacketEvent {
  return event.event === 'packet'
}

function besideThis(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}

/** Takes what is sent, so that it does not come back as errors. */
async function openReceivers(): Promise<AsyncDisposable> {
  const socket = createSocket('udp4')
  socket.bind(UDP_PORT, ADDRESS)
  const server = createServer((connection) => {
    // The sender gave up, and its report has the reason.
    connection.on('error', () => {})
    connection.resume()
  })
  server.listen(TCP_PORT, ADDRESS)
  await Promise.all([once(socket, 'listening'), once(server, 'listening')])
  return {
    async [Symbol.asyncDispose]() {
      socket.close()
      server.close()
    },
  }
}

async function demonstrate(transport: string, wantsJson: boolean, signal: AbortSignal): Promise<DemoOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'ringlink-demo-'))
  try {
    return await demonstrateIn(folder, transport, wantsJson, signal)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function demonstrateIn(
  folder: string,
  transport: string,
  wantsJson: boolean,
  signal: AbortSignal,
): Promise<DemoOutcome> {
  progress('lo comes up, the rules are made')
  await raiseLoopback(1500)
  await using rules = await installDemoRules()
  await using _receivers = await openReceivers()
  const file = join(folder, 'log.pcapng')
  const tally = new PacketTally()
  const groups = ['--group', `${MAIN_GROUP}`, '--group', `${SMALL_GROUP}`]
  const settings = ['--transport', transport, '--threshold', `${THRESHOLD}`, '--timeout', `${TIMEOUT}`]
  const program = new ExampleProgram<LogSummary>(
    besideThis('../main.js'),
    [...groups, ...settings, '--write', file],
    signal,
    (event) => {
      if (isPacket(event)) tally.add(event)
    },
  )
  await program.open()
  progress('the log is open, traffic starts')
  const start = performance.now()
  const sender = await program.during(runSender<SenderReport>(besideThis('sender.js'), signal))
  const counters = await readRuleCounters(rules)
  await program.during(tally.reach(counters.reduce((total, count) => total + count, 0)))
  const seconds = Math.round(performance.now() - start) / 1000
  const summary = await program.end()
  progress('the capture is read back')
  const capture = await readBack(file)
  const tshark = readWithTshark(file)
  const result = { seconds, sender, counters: await readRuleCounters(rules), summary, tally, capture, tshark }
  return formatResult(result, wantsJson)
}

await runDemonstration(demonstrate)
