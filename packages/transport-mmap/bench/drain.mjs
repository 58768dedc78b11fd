// Measures how fast a full queue of 60,000 packets is drained: a ring of io_uring, and one with a kernel thread,
// against the socket. Each repetition runs all of them in turn; the result is the ratio within a repetition. With the
// thread, as many packets as there are frames are received before the clock starts.
//
//   unshare -n node packages/transport-mmap/bench/drain.mjs [repetitions] [payload bytes]    from the built packages, as root
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openSocket } from '@ringlink/transport-socket'
import { openQueue } from '../../client/dist/index.js'
import { openUring } from '../dist/index.js'

const COUNT = 60_000
const PORT = 9999
const FRAMES = 4096
const [repetitions = 5, size = 64] = process.argv.slice(2).map(Number)

const transports = {
  socket: openSocket,
  ring: (needs) => openUring({ ...needs, frames: FRAMES }),
  thread: (needs) => openUring({ ...needs, frames: FRAMES, kernelThread: true }),
}

function command(name, ...words) {
  const { status, error } = spawnSync(name, words, { stdio: 'inherit' })
  if (status !== 0) throw new Error(`${name} ${words.join(' ')}: ${error?.message ?? status}`)
}

/** Packets per second. */
async function drain(transport, fill) {
  const queue = await openQueue({
    ...{ number: 0, transport, copyRange: size + 128, maxLength: 65_536 },
    ...{ receiveBufferSize: 1 << 29, verdictBatching: 'never' },
  })
  // Blocks this thread, so that nothing is read.
  command(fill, String(PORT), String(COUNT), String(size))
  const start = performance.now()
  let seen = 0
  for await (const packets of queue) {
    for (const packet of packets) packet.accept()
    seen += packets.length
    if (seen >= COUNT) break
  }
  const seconds = (performance.now() - start) / 1000
  const counters = queue.counters()
  await queue.close()
  if (counters.waiting + counters.queueDropped + counters.userDropped > 0) throw new Error(JSON.stringify(counters))
  return COUNT / seconds
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]
}

// A process has the port open and reads nothing, so that an accepted packet costs as much as a delivered one.
const sink = "require('dgram').createSocket('udp4').bind(9999, () => process.kill(process.pid, 'SIGSTOP'))"
const directory = mkdtempSync(join(tmpdir(), 'ringlink-drain-'))
const receiver = spawn(process.execPath, ['-e', sink], { stdio: 'ignore' })
try {
  const fill = join(directory, 'fill')
  command('cc', '-O2', '-o', fill, fileURLToPath(new URL('fill.c', import.meta.url)))
  command('ip', 'link', 'set', 'lo', 'up')
  command('iptables', ...`-w -A OUTPUT -p udp --dport ${PORT} -j NFQUEUE --queue-num 0`.split(' '))
  await once(receiver, 'spawn')
  const names = Object.keys(transports)
  const rates = Object.fromEntries(names.map((name) => [name, []]))
  for (let repetition = -1; repetition < repetitions; repetition++) {
    for (const name of repetition % 2 === 0 ? names : names.toReversed()) {
      const rate = await drain(transports[name], fill)
      // The first round warms up.
      if (repetition >= 0) rates[name].push(rate)
    }
  }
  for (const name of names) {
    const ratios = rates[name].map((rate, index) => rate / rates.socket[index])
    const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`
    const packets = `${Math.round(median(rates[name]) / 1000)} thousand packets/s`
    console.log(`${size} bytes, ${name}: ${packets}, ${median(ratios).toFixed(3)} x the socket (${spread})`)
  }
} finally {
  receiver.kill('SIGKILL')
  rmSync(directory, { recursive: true })
}
