import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Errno, QueueMessage, queueConfigAttributes, writeNfnetlinkMessage } from '@ringlink/codec'
import { kernelTests, kernelUnavailable, type Namespace } from '@ringlink/test-support/namespace'
import { describe, expect, test } from 'vitest'
import { openQueue } from '../../src/index.ts'
import { answer, KernelQueues, PORT, UDP } from './kernel-queues.ts'

describe.skipIf(kernelUnavailable)(kernelTests('opening and changing a queue of the real kernel'), () => {
  const kernel = KernelQueues.use()

  test('a queue owned by another socket is refused, and the owner continues', async () => {
    await kernel.namespace.queueOutput(5, UDP)
    const owner = await kernel.open()
    await expect(kernel.open()).rejects.toMatchObject({
      code: 'QUEUE_REFUSED',
      message: expect.stringMatching(/^cannot bind queue 5: this process already owns it, through another transport/),
      cause: { code: 'KERNEL', errno: Errno.EPERM },
    })
    await kernel.namespace.send({ port: PORT })
    await answer(owner, 1, (packet) => packet.accept())
    await kernel.namespace.waitFor(PORT, 1)
  })

  test('a queue without CAP_NET_ADMIN is refused', () => {
    const script = fileURLToPath(new URL('../fixtures/open-queue.mjs', import.meta.url))
    const drop = ['--bounding-set', '-net_admin', '--inh-caps', '-net_admin']
    const { stdout, stderr } = spawnSync('setpriv', [...drop, process.execPath, script], { encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      code: 'QUEUE_REFUSED',
      message: expect.stringMatching(/^cannot bind queue 5: CAP_NET_ADMIN is missing/),
    })
  })

  test('a flag that this kernel does not support is refused with its code, and nothing stays bound', async () => {
    const queue = await kernel.open({ conntrack: true }).catch((error: unknown) => {
      // A kernel built without the conntrack glue refuses it; one that has it binds the queue.
      expect(error).toMatchObject({ code: 'QUEUE_UNSUPPORTED', cause: { errno: Errno.EOPNOTSUPP } })
      return kernel.open()
    })
    expect(queue.counters()?.number).toBe(5)
  })

  test('verdicts after the privilege is dropped end the loop with EPERM instead of being lost silently', async ({
    skip,
  }) => {
    // In a user namespace there is no second user to become.
    if (process.getuid?.() === 0 && !canChangeUser()) skip('this user namespace maps only one user')
    const script = fileURLToPath(new URL('../fixtures/drop-privileges.mjs', import.meta.url))
    await kernel.namespace.queueOutput(5, UDP)
    const child = kernel.namespace.run(process.execPath, script)
    await waitForQueue(kernel.namespace)
    await kernel.namespace.send({ port: PORT })
    expect(JSON.parse(await child)).toEqual({ code: 'KERNEL', errno: Errno.EPERM })
  })

  test('settings change while the loop runs, with packets in flight', async () => {
    await kernel.namespace.queueOutput(5, UDP)
    const queue = await kernel.open({ copyRange: 512 })
    await kernel.namespace.send({ port: PORT, size: 200, count: 200 })
    const lengths: number[] = []
    for await (const packets of queue) {
      for (const packet of packets) {
        lengths.push(packet.payloadLength)
        packet.accept()
      }
      if (lengths.length === 64) {
        await queue.configure({ copyRange: 100 })
        await kernel.namespace.send({ port: PORT, size: 200 })
      }
      if (lengths.length === 201) break
    }
    expect(lengths.slice(0, 200)).toEqual(new Array(200).fill(228))
    expect(lengths[200]).toBe(100)
    await expect(queue.configure({ copyRange: 60_000 })).rejects.toMatchObject({ code: 'ARGUMENT' })
    await expect(queue.configure({ copyRange: -1 })).rejects.toMatchObject({ code: 'VALUE_RANGE' })
    await kernel.namespace.waitFor(PORT, 201)
  })

  test('several queues run at the same time', async () => {
    const numbers = [10, 11, 12, 13]
    for (const [index, number] of numbers.entries()) {
      await kernel.namespace.listen(9200 + index)
      await kernel.namespace.queueOutput(number, { protocol: 'udp', destinationPort: 9200 + index })
    }
    const opened = await Promise.all(numbers.map((number) => kernel.open({ number })))
    const loops = opened.map((queue) => answer(queue, 50, (packet) => packet.accept()))
    await Promise.all(numbers.map((_, index) => kernel.namespace.send({ port: 9200 + index, count: 50 })))
    await Promise.all(loops)
    for (const index of numbers.keys()) await kernel.namespace.waitFor(9200 + index, 50)
  })

  test('opening and closing hundreds of queues leaks no descriptor', async () => {
    const descriptors = () => readdirSync('/proc/self/fd').length
    await (await openQueue({ number: 7, transport: kernel.socket() })).close()
    const before = descriptors()
    for (let round = 0; round < 300; round++) {
      const queue = await openQueue({
        number: 7,
        copyRange: 64,
        transport: kernel.socket({ liveBatches: 1, batchSize: 1 }),
      })
      const loop = answer(queue, 1, (packet) => packet.accept())
      await queue.close()
      await loop
    }
    await expect(openQueue({ number: 70_000, transport: kernel.socket() })).rejects.toMatchObject({
      code: 'VALUE_RANGE',
    })
    expect(descriptors()).toBe(before)
  })

  test('the kernel names the attribute that it refuses', async () => {
    const queue = await kernel.open()
    const refused = queue.session.request({
      what: 'set flags without mask',
      write: (memory, offset, limit) =>
        writeNfnetlinkMessage(memory, offset, limit, queueConfigAttributes, {
          type: QueueMessage.Config,
          flags: 0,
          sequence: 0,
          resourceId: 5,
          attributes: { flags: 1 },
        }),
    })
    await expect(refused).rejects.toMatchObject({ code: 'KERNEL', errno: Errno.EINVAL })
  })
})

function canChangeUser(): boolean {
  const nobody = 65534
  return spawnSync(process.execPath, ['-e', ''], { uid: nobody }).error === undefined
}

/** Resolves once a queue is bound in the namespace: polls the kernel's list, not a clock. */
async function waitForQueue(namespace: Namespace): Promise<void> {
  while ((await namespace.run('cat', '/proc/net/netfilter/nfnetlink_queue')).trim() === '');
}
