// Opens a queue with a rule under limits of this process and prints, in one line of JSON each, what came of it. The
// arguments: the limit, `descriptors` or `memory`, and the transport, one of `ways` or `the best`.
import { spawnSync } from 'node:child_process'
import dgram from 'node:dgram'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { openQueue, openTransport, type TransportNeeds } from 'ringlink'
import { transportOptions, type Way } from './life.ts'

const PORT = 9000
/** More than any transport needs. */
const MOST_DESCRIPTORS = 12
const MIB = 1 << 20
/**
 * What this program may allocate beside, in bytes. A ring of the default size is larger, a socket's frames are smaller.
 */
const SPARE = 48 * MIB

const [limit = '', way = ''] = process.argv.slice(2)
const choice = way === 'the best' ? {} : transportOptions[way as Way]
const sender = dgram.createSocket('udp4')
await new Promise<void>((resolve) => sender.bind(0, '127.0.0.1', resolve))
if (limit === 'descriptors') await withFewDescriptors()
else await withLittleMemory()
sender.close()

async function withFewDescriptors(): Promise<void> {
  await attempt()
  const before = descriptors()
  for (let free = 0, isOpen = false; free < MOST_DESCRIPTORS && !isOpen; free++) {
    const taken = takeAllBut(free)
    const outcome = await open()
    for (const descriptor of taken) closeSync(descriptor)
    report({ outcome, left: descriptors() - before })
    isOpen = typeof outcome === 'string'
  }
}

async function withLittleMemory(): Promise<void> {
  const large = way === 'socket' ? { batchSize: 64, liveBatches: 400 } : { frames: 32768, frameSize: 32000 }
  const sizes = way === 'the best' ? { frameSize: 32000 } : large
  const before = descriptors()
  const [, kilobytes] = /^VmSize:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  limitMemory(`${Number(kilobytes) * 1024 + SPARE}`)
  const outcome = await open(sizes)
  limitMemory('unlimited')
  report({ outcome, left: descriptors() - before })
  await attempt(sizes)
}

async function attempt(sizes = {}): Promise<void> {
  report({ outcome: await open(sizes), left: 0 })
}

/** Opens a queue, has it answer a packet, and closes it: the kind of transport, or the error. */
async function open(sizes = {}): Promise<string | { code: unknown; message: string }> {
  try {
    await using queue = await openQueue({
      number: 5,
      copyRange: 64,
      transport: (needs: TransportNeeds) => openTransport({ ...needs, ...sizes, ...choice }),
      rule: { hook: 'output', match: { protocol: 'udp', destinationPort: PORT } },
    })
    await new Promise<unknown>((resolve) => sender.send('x', PORT, '127.0.0.1', resolve))
    for await (const packets of queue) {
      packets.accept()
      break
    }
    return queue.transport.capabilities.kind
  } catch (error) {
    const { code, message } = error as Error & { code: unknown }
    return { code, message }
  }
}

/** Takes all descriptors that are left, and gives some back. */
function takeAllBut(free: number): readonly number[] {
  const taken: number[] = []
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EMFILE') throw error
  }
  for (const descriptor of taken.splice(0, free)) closeSync(descriptor)
  return taken
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

function limitMemory(bytes: string): void {
  const { status, stderr } = spawnSync('prlimit', [`--pid=${process.pid}`, `--as=${bytes}:unlimited`])
  if (status !== 0) throw new Error(`prlimit: ${stderr}`)
}

function report(what: unknown): void {
  console.log(JSON.stringify(what))
}
