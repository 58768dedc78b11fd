// Runs in a network namespace of its own: brings loopback up, runs a user's program that takes queue 0 for UDP port 53,
// sends it datagrams, ends it with SIGINT, and prints what came of all that as JSON.
//
//   unshare -n node kernel.mjs FOLDER COMMAND ARGUMENT...
import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { loadNative } from '../../packages/native/dist/index.js'

const COUNT = 50
const PORT = 53
const LIMIT = 30_000

const [folder, ...command] = process.argv.slice(2)
bringLoopbackUp()
const child = spawn(command[0], command.slice(1), { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
let output = ''
for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
const closed = once(child, 'close')

const arrived = await receiver()
await until('the queue is bound', () => queues().length === 1)
// Bound is not yet answering: the rule comes after the queue. What is sent before the rule passes by the queue.
let warm = 0
await until('the first packet is queued', async () => {
  await send(`warm-up ${warm++}`)
  return queues()[0]?.lastId > 0
})
await until('what was sent so far arrives', () => arrived() === warm)
const before = queues()[0].lastId
for (let number = 0; number < COUNT; number++) await send(`packet ${number}`)
await until('the datagrams arrive', () => arrived() === warm + COUNT)
const queued = queues()[0].lastId - before
child.kill('SIGINT')
const [code, signal] = await closed
await send('one more, without a queue')
while (arrived() < warm + COUNT + 1) await delay(10)
console.log(JSON.stringify({ sent: COUNT, queued, exit: signal ?? code, queuesLeft: queues().length }))
process.exit()

/** The queues that programs hold: number, port id, waiting, ..., and last the id of the newest packet. */
function queues() {
  const lines = readFileSync('/proc/self/net/netfilter/nfnetlink_queue', 'utf8').trim().split('\n')
  return lines.filter(Boolean).map((line) => ({ lastId: Number(line.trim().split(/\s+/)[7]) }))
}

async function until(what, holds) {
  const end = performance.now() + LIMIT
  while (!(await holds())) {
    if (child.exitCode !== null) throw new Error(`the program ended before ${what}: ${output}`)
    if (performance.now() > end) throw new Error(`${what}: not within ${LIMIT / 1000} s. ${output}`)
    await delay(10)
  }
}

async function receiver() {
  const socket = createSocket('udp4')
  let count = 0
  socket.on('message', () => count++)
  socket.bind(PORT, '127.0.0.1')
  await once(socket, 'listening')
  return () => count
}

function send(text) {
  const socket = createSocket('udp4')
  return new Promise((resolve, reject) => {
    socket.send(text, PORT, '127.0.0.1', (error) => {
      socket.close()
      if (error) reject(error)
      else resolve()
    })
  })
}

function bringLoopbackUp() {
  const NEW_LINK = 16
  const REQUEST_WITH_ACK = 5
  const LOOPBACK = 1
  const UP = 1
  const native = loadNative()
  const handle = native.open(0, null, () => {})
  native.bind(handle, 0, 0)
  // nlmsghdr: length, type and flags, sequence, port id | ifinfomsg: family and type, index, flags, change
  const request = new Uint32Array([32, NEW_LINK | (REQUEST_WITH_ACK << 16), 1, 0, 0, LOOPBACK, UP, UP])
  native.attachOutbox(handle, request.buffer)
  const sent = native.send(handle, 0, request.byteLength)
  native.close(handle)
  if (sent < 0) throw new Error(`cannot bring loopback up: errno ${-sent}`)
}
