// What we send and receive, captured by nlmon and read by Wireshark's dissectors: no message of ours is malformed to
// them. For kernels with nlmon.

import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openConntrack, openLog, openQueue } from '@ringlink/client'
import { Namespace } from '@ringlink/test-support/namespace'
import type { TransportNeeds } from '@ringlink/transport'
import { openSocket } from '@ringlink/transport-socket'
import { NOT_HERE, step } from './steps.ts'

const PORT = 9000
const NETFILTER = 12

await using namespace = await Namespace.open()
const transport = (needs: TransportNeeds) => openSocket({ ...needs, networkNamespace: namespace.path })
const inside = ['--net', `--target=${namespace.pid}`, '--']
let file: string
let capture: ChildProcess

await step('a capture of netlink begins', async () => {
  const made = spawnSync('nsenter', [...inside, 'ip', 'link', 'add', 'monitor', 'type', 'nlmon'], { encoding: 'utf8' })
  if (made.status !== 0 || spawnSync('tshark', ['--version']).status !== 0) {
    console.log(`skipped: no capture of netlink can be made: ${made.stderr.trim() || 'tshark is not installed'}`)
    process.exit(NOT_HERE)
  }
  await namespace.run('ip', 'link', 'set', 'monitor', 'up')
  await namespace.listen(PORT)
  file = join(mkdtempSync(join(tmpdir(), 'ringlink-nlmon-')), 'netlink.pcapng')
  capture = spawn('nsenter', [...inside, 'dumpcap', '-q', '-i', 'monitor', '-w', file], { stdio: 'ignore' })
  // It has begun once a message of another program is in the file.
  const empty = 1024
  while ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) < empty) await namespace.run('ip', 'link')
  return undefined
})

await step('a queue, a log, their rules and connections are used', async () => {
  const rule = { hook: 'output', match: { protocol: 'udp', destinationPort: PORT } } as const
  const queue = await openQueue({ number: 5, copyRange: 200, transport, rule })
  await namespace.send({ port: PORT, count: 3 })
  for await (const packets of queue) {
    packets.accept()
    break
  }
  await queue.configure({ copyRange: 100 })
  await queue.rules?.counters()
  await queue.close()
  const log = await openLog({ group: 5, transport, rule: { ...rule, prefix: 'monitored' } })
  await namespace.send({ port: PORT })
  await log.finish()
  await using connections = await openConntrack({ transport })
  await connections.count()
  await connections.flush()
  return undefined
})

await step('no message is malformed to tshark', async () => {
  capture.kill('SIGINT')
  await once(capture, 'exit')
  const fields = ['frame.protocols', 'netlink.hdr_pid', '_ws.malformed'].flatMap((field) => ['-e', field])
  const words = ['-r', file, '-Y', `netlink.family == ${NETFILTER}`, '-T', 'fields', ...fields]
  const output = execFileSync('tshark', words, { encoding: 'utf8' })
  rmSync(dirname(file), { recursive: true })
  const messages = output.split('\n').filter((line) => line !== '')
  assert.ok(messages.length > 20, `${messages.length} messages of netfilter`)
  assert.deepEqual(
    messages.filter((line) => (line.split('\t')[2] ?? '') !== ''),
    [],
  )
  console.log(`${messages.length} messages`)
  return undefined
})
