// A stand-in for nats-server that takes every message and confirms it, without storing it: what a publisher costs when
// its server does not take the same cores. It speaks as much of the NATS client protocol as `publish()` needs.
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Port of the stand-in. */
export const STAND_IN_PORT = 4335
const MAXIMUM_PAYLOAD = 1 << 20
const CRLF = 2

/** Opens it on the loopback device. */
export async function openStandIn() {
  const server = createServer(serveClient).listen(STAND_IN_PORT, '127.0.0.1')
  await once(server, 'listening')
}

function serveClient(socket) {
  const info = { server_id: 'STANDIN', version: '2.9.10', proto: 1, headers: true, max_payload: MAXIMUM_PAYLOAD }
  let subscription = ''
  let sequence = 0
  // What is still to come of the message that is being read, in bytes, and where its confirmation goes.
  let left = 0
  let reply = ''
  let rest = Buffer.alloc(0)
  socket.setNoDelay(true)
  socket.write(`INFO ${JSON.stringify(info)}\r\n`)
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    let bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    rest = Buffer.alloc(0)
    while (bytes.length > 0) {
      if (left > 0) {
        const taken = Math.min(left, bytes.length)
        bytes = bytes.subarray(taken)
        left -= taken
        if (left === 0) confirm()
        continue
      }
      const end = bytes.indexOf('\r\n')
      if (end < 0) {
        rest = Buffer.from(bytes)
        return
      }
      takeCommand(bytes.toString('latin1', 0, end).split(' '))
      bytes = bytes.subarray(end + CRLF)
    }
  })

  function takeCommand(words) {
    if (words[0] === 'PING') socket.write('PONG\r\n')
    if (words[0] === 'SUB') subscription = words.at(-1)
    if (words[0] !== 'HPUB') return
    reply = words[2]
    left = Number(words.at(-1)) + CRLF
  }

  function confirm() {
    const answer = `{"stream":"STANDIN","seq":${++sequence}}`
    socket.write(`MSG ${reply} ${subscription} ${answer.length}\r\n${answer}\r\n`)
  }
}
