// Runs inside a network namespace made for a test, does there what it is told over the IPC channel, and ends with it.
// One request at a time; each is answered with { value } or { error }.
import { execFile } from 'node:child_process'
import dgram from 'node:dgram'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { promisify } from 'node:util'

const receivers = new Map()
const servers = new Map()
const executeFile = promisify(execFile)

const actions = {
  async run({ command }) {
    const { stdout } = await executeFile(command[0], command.slice(1))
    return stdout
  },

  // Counts what arrives at a UDP port; `received` tells, `waitFor` resolves once so many are there.
  async listen({ port, address = '127.0.0.1', receiveBufferSize = 1 << 22 }) {
    const socket = dgram.createSocket({
      type: address.includes(':') ? 'udp6' : 'udp4',
      recvBufferSize: receiveBufferSize,
    })
    const state = { socket, payloads: [], count: 0, waiting: undefined }
    socket.on('message', (payload) => {
      state.count++
      if (state.payloads.length < 256) state.payloads.push(payload.toString('latin1'))
      if (state.waiting !== undefined && state.count >= state.waiting.count) state.waiting.resolve()
    })
    await new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(port, address, resolve)
    })
    receivers.set(port, state)
  },

  async received({ port }) {
    // The event loop reads arrived datagrams before a timer that is due later, so this is not too early.
    await new Promise((resolve) => setImmediate(resolve))
    return { count: arrived(port), payloads: receivers.get(port).payloads }
  },

  async waitFor({ port, count }) {
    const state = receivers.get(port)
    if (arrived(port) >= count) return
    await new Promise((resolve) => {
      state.waiting = { count, resolve }
      // A datagram without room at the socket raises no event, and it may be the last.
      state.timer = setInterval(() => {
        if (arrived(port) >= count) resolve()
      }, 20)
    })
    clearInterval(state.timer)
    state.waiting = undefined
  },

  // Sends `count` datagrams, from as many sockets as their buffers need; the payload is `text` with %d replaced by the
  // running number, padded to `size`.
  async send({ port, address = '127.0.0.1', count = 1, size = 0, text = 'packet %d', sendBufferSize = SEND_BUFFER }) {
    const senders = []
    let failed = 0
    for (let number = 0; number < count; number++) {
      const payload = Buffer.from(text.replace('%d', String(number)).padEnd(size, '.'))
      const charge = CHARGE + 2 * payload.length
      if (number === 0 || senders.at(-1).room < charge) senders.push(await openSender(address, sendBufferSize))
      const sender = senders.at(-1)
      sender.room -= charge
      await new Promise((resolve) => {
        sender.socket.send(payload, port, address, (error) => {
          if (error) failed++
          resolve()
        })
      })
    }
    for (const { socket } of senders) socket.close()
    return { failed }
  },

  // A TCP server that counts bytes.
  async serve({ port, address = '127.0.0.1' }) {
    const state = { bytes: 0, server: net.createServer({ allowHalfOpen: false }) }
    state.server.on('connection', (socket) => {
      socket.on('data', (chunk) => {
        state.bytes += chunk.length
      })
      socket.on('error', () => {})
    })
    await new Promise((resolve) => state.server.listen(port, address, resolve))
    servers.set(port, state)
  },

  async served({ port }) {
    return servers.get(port).bytes
  },

  // Connects, sends `bytes` bytes and waits until the other side has closed.
  async connect({ port, address = '127.0.0.1', bytes = 0 }) {
    const socket = net.connect(port, address)
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    socket.resume()
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.end(Buffer.alloc(bytes, 'x'))
    await closed
  },
}

/** Bytes of its sender's buffer that a datagram takes while it waits in a queue, with twice its payload: enough. */
const CHARGE = 1500
const SEND_BUFFER = 1 << 22

/**
 * A socket, and the bytes that it may have in queues before it has to wait: without end where the kernel grants the
 * buffer. A stock kernel grants a twentieth, and what nobody answers stays in it.
 */
async function openSender(address, sendBufferSize) {
  const socket = dgram.createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', sendBufferSize })
  await new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(0, resolve)
  })
  const granted = socket.getSendBufferSize()
  return { socket, room: granted < SEND_BUFFER ? granted : Number.POSITIVE_INFINITY }
}

/**
 * Datagrams that the kernel has brought to a port: read ones, and those that its receive buffer, which stock kernels
 * limit, had no room for.
 */
function arrived(port) {
  const { count, socket } = receivers.get(port)
  const table = socket.address().family === 'IPv6' ? 'udp6' : 'udp'
  // sl local_address rem_address … drops, with the port in hexadecimal.
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = readFileSync(`/proc/self/net/${table}`, 'utf8').trim().split('\n').slice(1)
  const own = rows.map((row) => row.trim().split(/\s+/)).filter(([, address]) => address.endsWith(local))
  return count + own.reduce((total, columns) => total + Number(columns.at(-1)), 0)
}

/** The one who asked may be gone; the agent ends then. */
function reply(message) {
  process.send(message, (error) => {
    if (error) process.exit()
  })
}

process.on('message', async ({ id, action, parameters }) => {
  try {
    reply({ id, value: await actions[action](parameters) })
  } catch (error) {
    reply({ id, error: error.stderr || error.message })
  }
})
process.on('disconnect', () => process.exit())
reply({ id: 0 })
