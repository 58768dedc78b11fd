// What a whole machine can lack, tried in a guest: io_uring by the sysctl, and each module that queues, logs, rules and
// connections need.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { probeUring } from '@ringlink/transport-mmap'
import { installRules, openConntrack, openLog, openQueue, openTransport } from 'ringlink'
import { onlyInGuest, step } from './steps.ts'

onlyInGuest()

const SYSCTL = '/proc/sys/kernel/io_uring_disabled'
const LOADER = '/proc/sys/kernel/modprobe'
const NETFILTER = 12

await step('io_uring is forbidden by the sysctl', async () => {
  if (!existsSync(SYSCTL)) return 'this kernel has no kernel.io_uring_disabled, which Linux 6.6 introduced'
  const before = await probeUring()
  if (!before.works) return before.reason
  const queue = await openQueue({ number: 1, ring: true })
  writeFileSync(SYSCTL, '2')
  try {
    // What is open continues.
    await queue.configure({ copyRange: 100 })
    await queue.close()
    const transport = await openTransport({ protocol: NETFILTER })
    assert.equal(transport.capabilities.kind, 'socket')
    await transport.close()
    await assert.rejects(openTransport({ protocol: NETFILTER, ring: true }), {
      code: 'RING_UNSUPPORTED',
      message: /EPERM.*kernel\.io_uring_disabled/,
    })
  } finally {
    writeFileSync(SYSCTL, '0')
  }
  const transport = await openTransport({ protocol: NETFILTER, ring: true })
  assert.equal(transport.capabilities.kind, 'uring')
  await transport.close()
  return undefined
})

const nothing = { hook: 'output', match: { protocol: 'udp', destinationPort: 9 } } as const
/** What is opened, the modules to unload for it (those that use a module before it), and the error without them. */
const needs = [
  ['a queue', ['nft_queue', 'xt_NFQUEUE', 'nfnetlink_queue'], 'QUEUE_UNSUPPORTED', () => openQueue({ number: 1 })],
  ['a log', ['nft_log', 'xt_NFLOG', 'nfnetlink_log'], 'LOG_UNSUPPORTED', () => openLog({ group: 1 })],
  ['connections', ['nf_conntrack_netlink'], 'CONNTRACK_UNSUPPORTED', () => openConntrack()],
  ['rules', [...nftModules(), 'nf_tables'], 'RULES_UNSUPPORTED', () => installRules([nothing])],
] as const

for (const [what, modules, code, open] of needs) {
  await step(`${what} without module ${modules.at(-1)}`, async () => {
    const loader = readFileSync(LOADER, 'utf8').trim()
    writeFileSync(LOADER, '/bin/false')
    try {
      execFileSync('modprobe', ['-d', '/kernel', '-r', ...modules])
      await assert.rejects(use(open), (error: Error & { code: string }) => {
        assert.equal(error.code, code)
        assert.match(error.message, new RegExp(`module ${modules.at(-1)}`))
        return true
      })
    } finally {
      writeFileSync(LOADER, loader)
    }
    // The kernel loads it by itself where it may.
    await use(open)
    return undefined
  })
}

async function use(open: () => Promise<AsyncDisposable>): Promise<void> {
  await using _opened = await open()
}

/** Those that are loaded: extensions of nf_tables. */
function nftModules(): string[] {
  const names = readFileSync('/proc/modules', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
  return names.filter((name) => name.startsWith('nft_'))
}
