import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { constants } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { FRAME_WORDS } from '../../transport/src/frames/descriptor.ts'
import { loadNative, type NativeBinding, type NativeHandle } from '../src/index.ts'

export const native: NativeBinding = loadNative()
export const errno = constants.errno

export const NETLINK_ROUTE = 0
export const NETLINK_USERSOCK = 2

/** Length of the kernel's answer to {@link ask}: a header, an error number, the header of the request. */
export const ACK_LENGTH = 36

const REQUEST = 1
const ACK = 4
const DUMP = 0x300
const NOOP = 1
const GET_LINK = 18
const OUTBOX_LENGTH = 64

export interface Socket {
  readonly handle: NativeHandle
  readonly portId: number
  readonly frames: Uint8Array<ArrayBuffer>
  readonly words: Uint32Array<ArrayBuffer>
  readonly outbox: Uint32Array<ArrayBuffer>
}

export interface SocketOptions {
  protocol?: number
  namespace?: string | number | null
  groups?: number
  frameSize?: number
  frameCount?: number
  onReadable?: (status: number) => void
}

export function openHandle(protocol = NETLINK_ROUTE, onReadable: (status: number) => void = () => {}): NativeHandle {
  const handle = native.open(protocol, null, onReadable)
  if (typeof handle === 'number') throw new Error(`open failed: ${handle}`)
  return handle
}

/** A bound socket with frames and an outbox. */
export function openSocket(options: SocketOptions = {}): Socket {
  const { protocol = NETLINK_ROUTE, namespace = null, groups = 0, frameSize = 32768, frameCount = 16 } = options
  const handle = native.open(protocol, namespace, options.onReadable ?? (() => {}))
  if (typeof handle === 'number') throw new Error(`open failed: ${handle}`)
  const frames = new Uint8Array(frameSize * frameCount)
  const words = new Uint32Array(frameCount * FRAME_WORDS)
  const outbox = new Uint32Array(OUTBOX_LENGTH / 4)
  const portId = native.bind(handle, 0, groups)
  const failed = [
    portId,
    native.attachFrames(handle, frames.buffer, frameSize, frameCount, words),
    native.attachOutbox(handle, outbox.buffer),
  ].find((result) => result < 0)
  if (failed !== undefined) throw new Error(`setting up failed: ${failed}`)
  return { handle, portId, frames, words, outbox }
}

function send(socket: Socket, length: number, type: number, flags: number): number {
  socket.outbox.fill(0)
  socket.outbox[0] = length
  new Uint16Array(socket.outbox.buffer, 4, 2).set([type, REQUEST | flags])
  return native.send(socket.handle, 0, length)
}

/** Sends a request that has no effect and is acknowledged; the kernel has answered when this returns. */
export function ask(socket: Socket): number {
  return send(socket, 16, NOOP, ACK)
}

/** Requests all network interfaces. */
export function askForLinks(socket: Socket): number {
  return send(socket, 32, GET_LINK, DUMP)
}

/** The words of one frame (frame.h). */
export function wordsOf(socket: Socket, frame: number): number[] {
  return [...socket.words.subarray(frame * FRAME_WORDS, (frame + 1) * FRAME_WORDS)]
}

export function descriptors(): string[] {
  return readdirSync('/proc/self/fd')
}

function descriptorsOf(kind: string): string[] {
  return descriptors().filter((name) => {
    try {
      return readlinkSync(`/proc/self/fd/${name}`).startsWith(kind)
    } catch {
      return false // the descriptor of the listing itself
    }
  })
}

/** Descriptors of all sockets of this process. */
export function sockets(): string[] {
  return descriptorsOf('socket:')
}

/** Whether an event loop of this process watches the descriptor. */
export function isRegistered(descriptor: string): boolean {
  const watched = new RegExp(`^tfd: +${descriptor} `, 'm')
  return descriptorsOf('anon_inode:[eventpoll]').some((name) =>
    watched.test(readFileSync(`/proc/self/fdinfo/${name}`, 'utf8')),
  )
}

/** Lets the event loop poll its descriptors and run their callbacks. */
export async function turns(count = 3): Promise<void> {
  for (let i = 0; i < count; i++) await setImmediate()
}

/** Runs `fixtures/<name>` to its end; a process that does not end by itself is killed and has no status. */
export function runFixture(name: string, ...flags: string[]): SpawnSyncReturns<string> {
  const path = fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
  return spawnSync(process.execPath, [...flags, path], { encoding: 'utf8', timeout: 20_000 })
}
