// Loads this platform's prebuilt binary from platforms/ and makes the kernel answer a request through it. The release
// workflow runs this on a machine of each kind. Needs only Node and a checkout.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'

const ROUTE = 0
const NEW_LINK = 16
const GET_LINK = 18
const REQUEST_DUMP = 0x301
const TIMEOUT = 5000

const libc = process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'gnu'
const name = `linux-${process.arch}-${libc}`
const native = createRequire(import.meta.url)(`../platforms/${name}/ringlink.node`)

const handle = native.open(ROUTE, null, () => {})
assert(typeof handle === 'object', `open: ${handle}`)
const frames = new ArrayBuffer(65536)
// nlmsghdr: length, type and flags, sequence, port id | ifinfomsg
const request = new Uint32Array([32, GET_LINK | (REQUEST_DUMP << 16), 1, 0, 0, 0, 0, 0])
assert(native.bind(handle, 0, 0) >= 0)
assert.equal(native.attachFrames(handle, frames, 32768, 2, new Uint32Array(8)), 0)
assert.equal(native.attachOutbox(handle, request.buffer), 0)
assert.equal(native.send(handle, 0, 32), 32)
assert(native.receiveBlocking(handle, 0, 1, TIMEOUT) >= 1)
assert.equal(new Uint16Array(frames)[2], NEW_LINK)
assert.equal(native.close(handle), 0)
console.log(`${name}: Node ${process.version} loads it, and the kernel answers`)
