import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import type { NativeHandle } from '../src/index.ts'
import { ask, errno, NETLINK_ROUTE, native, openHandle, openSocket } from './support.ts'

const SOL_SOCKET = 1
const SO_TYPE = 3
const SO_RCVBUF = 8
const SOL_NETLINK = 270
const NETLINK_NO_ENOBUFS = 5

test('a bound socket has the requested port id, or one that the kernel chose', () => {
  const first = openHandle()
  const second = openHandle()
  const third = openHandle()
  const chosen = native.bind(first, 0, 0)
  expect(chosen).toBeGreaterThan(0)
  const high = 0xf000_0000 + process.pid
  expect(native.bind(second, high, 0)).toBe(high)
  expect(native.bind(third, chosen, 0)).toBe(-errno.EADDRINUSE)
  for (const handle of [first, second, third]) native.close(handle)
})

test('an unknown protocol is refused by the kernel', () => {
  expect(native.open(99, null, () => {})).toBe(-errno.EPROTONOSUPPORT)
})

test('options are set and read back', () => {
  const handle = openHandle()
  expect(native.getOption(handle, SOL_SOCKET, SO_TYPE)).toBe(3)
  expect(native.getOption(handle, SOL_NETLINK, NETLINK_NO_ENOBUFS)).toBe(0)
  expect(native.setOption(handle, SOL_NETLINK, NETLINK_NO_ENOBUFS, 1)).toBe(0)
  expect(native.getOption(handle, SOL_NETLINK, NETLINK_NO_ENOBUFS)).toBe(1)
  expect(native.setOption(handle, SOL_NETLINK, 9999, 1)).toBe(-errno.ENOPROTOOPT)
  native.close(handle)
})

test('buffer sizes are those of the kernel’s accounting', () => {
  const handle = openHandle()
  expect(native.setReceiveBuffer(handle, 65536)).toBe(131072)
  expect(native.getOption(handle, SOL_SOCKET, SO_RCVBUF)).toBe(131072)
  expect(native.setSendBuffer(handle, 65536)).toBe(131072)
  native.close(handle)
})

test('after an overrun the lost messages are counted exactly', () => {
  const socket = openSocket()
  native.setReceiveBuffer(socket.handle, 1)
  expect(native.drops(socket.handle)).toBe(0)
  const asked = 100
  for (let i = 0; i < asked; i++) expect(ask(socket)).toBe(16)
  expect(native.receive(socket.handle, 0, 16)).toBe(-errno.ENOBUFS)
  let received = 0
  for (let count = 0; count >= 0; received += count) {
    count = native.receive(socket.handle, 0, 16)
    if (count < 0) {
      expect(count).toBe(-errno.EAGAIN)
      break
    }
  }
  expect(received).toBeGreaterThan(0)
  expect(native.drops(socket.handle)).toBe(asked - received)
  native.close(socket.handle)
})

test('another object than a handle is a bad descriptor, another type than a number an invalid argument', () => {
  const handle = openHandle()
  const nothing: unknown[] = [{}, null, undefined, 1, native, Object.create(handle)]
  for (const object of nothing) expect(native.drops(object as NativeHandle)).toBe(-errno.EBADF)
  expect(native.bind(handle, 'x' as unknown as number, 0)).toBe(-errno.EINVAL)
  expect(native.open(NETLINK_ROUTE, null, 1 as unknown as () => void)).toBe(-errno.EINVAL)
  native.close(handle)
})

test('/proc/net can be read, and nothing else', () => {
  const { handle, portId } = openSocket()
  expect(native.readProcNet(handle, 'netlink')).toMatch(new RegExp(`\\s${portId}\\s`))
  expect(native.readProcNet(handle, 'absent')).toBe(-errno.ENOENT)
  for (const name of ['', '/etc/passwd', '..', '../status', 'stat/../../status', 'netlink\0']) {
    expect(native.readProcNet(handle, name)).toBe(-errno.EINVAL)
  }
  native.close(handle)
})

test('an invalid namespace is refused', () => {
  expect(native.open(NETLINK_ROUTE, '/nowhere', () => {})).toBe(-errno.ENOENT)
  expect(native.open(NETLINK_ROUTE, '/dev/null', () => {})).toBe(-errno.EINVAL)
  expect(native.open(NETLINK_ROUTE, 9999, () => {})).toBe(-errno.EBADF)
  expect(native.open(NETLINK_ROUTE, '/dev\0/null', () => {})).toBe(-errno.EINVAL)
})

test('a FIFO that nobody writes to is refused as a namespace, and waits for nobody', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ringlink-fifo-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const fifo = join(directory, 'fifo')
  execFileSync('mkfifo', [fifo])
  // In a process of its own, which can be ended if it waits.
  const fixture = fileURLToPath(new URL('fixtures/open-fifo.mjs', import.meta.url))
  const { stdout } = spawnSync(process.execPath, [fixture, fifo], { encoding: 'utf8', timeout: 10_000 })
  expect(stdout).toBe(`${-errno.EINVAL}`)
})

const mayUnshare = spawnSync('unshare', ['-n', 'true']).status === 0

test.skipIf(!mayUnshare)(
  'opens in another network namespace and comes back (needs CAP_SYS_ADMIN for `unshare -n`)',
  async () => {
    const inside = spawn('unshare', ['-n', 'sh', '-c', 'echo ready; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
    onTestFinished(() => void inside.kill())
    await once(inside.stdout, 'data')
    const path = `/proc/${inside.pid}/ns/net`
    const descriptor = openSync(path, 'r')
    const byPath = openSocket({ namespace: path })
    const byDescriptor = openSocket({ namespace: descriptor })
    closeSync(descriptor)
    const home = openHandle()
    const taken = openHandle()
    // A port is taken once per namespace.
    const port = 0xa000_0000 + process.pid
    const foreign = native.open(NETLINK_ROUTE, path, () => {}) as NativeHandle
    expect(native.bind(foreign, port, 0)).toBe(port)
    expect(native.bind(home, port, 0)).toBe(port)
    expect(native.bind(taken, port, 0)).toBe(-errno.EADDRINUSE)
    const table = String(native.readProcNet(foreign, 'netlink'))
    for (const { portId } of [byPath, byDescriptor, { portId: port }]) {
      expect(table).toMatch(new RegExp(`\\s${portId}\\s`))
    }
    expect(native.close(foreign)).toBe(0)
    expect(native.readProcNet(byPath.handle, 'netlink')).not.toMatch(new RegExp(`\\s${port}\\s`))
    expect(native.readProcNet(home, 'netlink')).toMatch(new RegExp(`\\s${port}\\s`))
    for (const handle of [byPath.handle, byDescriptor.handle, home, taken]) native.close(handle)
  },
)

const mayUnshareUser = spawnSync('unshare', ['-Ur', 'unshare', '-n', 'true']).status === 0

test.skipIf(!mayUnshareUser)(
  'refuses to enter a namespace that it could not come back from, and stays alive (needs user namespaces)',
  () => {
    const script = fileURLToPath(new URL('./fixtures/no-return.mjs', import.meta.url))
    const { stdout, status } = spawnSync('unshare', ['-Ur', process.execPath, script], { encoding: 'utf8' })
    expect({ stdout, status }).toEqual({ stdout: String(-errno.EPERM), status: 0 })
  },
)
