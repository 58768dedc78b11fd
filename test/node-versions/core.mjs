// The core of the demo, in one process: a queue answers packets that the process sends itself, on the main thread and
// then in a Worker that blocks. Prints what came of it. Runs inside a namespace that has the rule.
import dgram from 'node:dgram'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { openQueue } from '../../packages/ringlink/dist/index.js'

const PORT = 9000
const COUNT = 200

if (isMainThread) {
  const main = await answerPackets((queue) => loop(queue))
  const worker = new Worker(new URL(import.meta.url))
  const { ready, done } = workerMessages(worker)
  await ready
  const delivered = await sendAndReceive()
  console.log(JSON.stringify({ node: process.version, main, worker: { ...(await done), delivered } }))
} else {
  const queue = await openQueue({ number: 0, copyRange: 64 })
  parentPort.postMessage('ready')
  await loop(queue)
  parentPort.postMessage({ accepted: queue.stats.accepted, dropped: queue.stats.dropped })
  await queue.close()
}

async function answerPackets(work) {
  const queue = await openQueue({ number: 0, copyRange: 64 })
  const [delivered] = await Promise.all([sendAndReceive(), work(queue)])
  const { accepted, dropped } = queue.stats
  await queue.close()
  return { accepted, dropped, delivered }
}

async function loop(queue) {
  for await (const packets of queue) {
    for (const packet of packets) packet.id % 4 === 0 ? packet.drop() : packet.accept()
    if (queue.stats.packets >= COUNT) break
  }
}

async function sendAndReceive() {
  const expected = (COUNT * 3) / 4
  const receiver = dgram.createSocket('udp4')
  await new Promise((resolve) => receiver.bind(PORT, '127.0.0.1', resolve))
  let count = 0
  const arrived = new Promise((resolve) => {
    receiver.on('message', () => {
      if (++count === expected) resolve()
    })
  })
  const sender = dgram.createSocket('udp4')
  for (let number = 0; number < COUNT; number++) {
    await new Promise((resolve) => sender.send(`packet ${number}`, PORT, '127.0.0.1', resolve))
  }
  await arrived
  sender.close()
  receiver.close()
  return count
}

function workerMessages(worker) {
  let resolveReady
  let resolveDone
  const ready = new Promise((resolve) => {
    resolveReady = resolve
  })
  const done = new Promise((resolve, reject) => {
    resolveDone = resolve
    worker.on('error', reject)
  })
  worker.on('message', (message) => (message === 'ready' ? resolveReady() : resolveDone(message)))
  return { ready, done }
}
