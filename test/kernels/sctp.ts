// SCTP through a queue: the kernel leaves its checksum, a CRC, to the device, also where packets are queued with
// segmentation offload; what is sent back with other bytes must carry it. For kernels with SCTP.

import assert from 'node:assert/strict'
import { openQueue, type QueuePacket } from '@ringlink/client'
import { transportChecksum } from '@ringlink/packet'
import { Namespace } from '@ringlink/test-support/namespace'
import { soakTransports } from '../soak/round.ts'
import { NOT_HERE, step } from './steps.ts'

const MESSAGES = 20
const SIZE = 3000
/** Connects to itself and sends messages to the other end; prints how many bytes have arrived. */
const TALK = `
import socket
def open():
  end = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)
  end.settimeout(100)
  return end
listener, client = open(), open()
listener.bind(('127.0.0.1', 0))
listener.listen(1)
client.connect(listener.getsockname())
server, _ = listener.accept()
for _ in range(${MESSAGES}):
  client.sendall(b'x' * ${SIZE})
total = 0
while total < ${MESSAGES * SIZE}:
  total += len(server.recv(65536))
print(total)
`
const answers: Record<string, (packet: QueuePacket) => void> = {
  'accepted as they are': (packet) => packet.accept(),
  'sent back, with a checksum': (packet) => packet.accept({ edit: {} }),
  'with a new payload': (packet) => packet.accept({ edit: { payload: packet.headers().payload().slice() } }),
}

await using namespace = await Namespace.open()
await step('an association of SCTP', async () => {
  try {
    await namespace.run('/usr/bin/python3', '-c', TALK)
  } catch (error) {
    console.log(`skipped: there can be no association of SCTP: ${String(error).trim().split('\n').at(-1)}`)
    process.exit(NOT_HERE)
  }
  return undefined
})
// So that messages are larger than packets.
await namespace.setLoopback(true, 1500)

for (const [name, openIn] of await soakTransports())
  for (const segmentationOffload of [false, true])
    for (const [what, answer] of Object.entries(answers))
      await step(`${name}, ${segmentationOffload ? 'partial' : 'complete'} checksums, packets ${what}`, async () => {
        const transport = openIn(namespace.path)
        const rule = { hook: 'output', match: { protocol: 'sctp' } } as const
        const queue = await openQueue({ number: 5, transport, ruleTransport: transport, segmentationOffload, rule })
        const seen = { partial: 0, valid: 0, invalid: 0 }
        const reading = (async () => {
          for await (const packets of queue)
            for (const packet of packets) {
              const isValid = transportChecksum(packet.headers()) === 'valid'
              seen[packet.isChecksumPartial ? 'partial' : isValid ? 'valid' : 'invalid']++
              answer(packet)
            }
        })()
        const talk = await namespace.run('/usr/bin/python3', '-c', TALK)
        await queue.close()
        await reading
        assert.equal(Number(talk), MESSAGES * SIZE)
        assert.equal(seen.invalid, 0)
        assert.equal(seen.partial > 0, segmentationOffload)
        return undefined
      })
