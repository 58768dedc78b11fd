import { Memory } from '@ringlink/codec'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readKernelEvent } from '../../src/by-hand/kernel-event.ts'

function read(text: string) {
  const bytes = new TextEncoder().encode(text)
  return readKernelEvent(Memory.from(bytes), 0, bytes.length)
}

test('an event that Linux 6.18 sent', () => {
  const lines = ['ACTION=add', 'DEVPATH=/devices/virtual/net/br0', 'SUBSYSTEM=net', 'DEVTYPE=bridge', 'INTERFACE=br0']
  expect(read(['add@/devices/virtual/net/br0', ...lines, 'IFINDEX=7', 'SEQNUM=4711', ''].join('\0'))).toEqual({
    action: 'add',
    path: '/devices/virtual/net/br0',
    properties: {
      ...{ ACTION: 'add', DEVPATH: '/devices/virtual/net/br0', SUBSYSTEM: 'net', DEVTYPE: 'bridge' },
      ...{ INTERFACE: 'br0', IFINDEX: '7', SEQNUM: '4711' },
    },
  })
})

test('values with =, text without it, and a name that would harm the object', () => {
  const { properties, unknown } = read('change@/x\0A=b=c\0nothing\0__proto__=1\0=2')
  expect(properties).toEqual({ A: 'b=c' })
  expect(unknown).toEqual(['nothing', '__proto__=1', '=2'])
})

test("udev's own messages, and other bytes, are refused or read", () => {
  for (const text of ['', '\0', 'libudev\0rest', '@/x']) {
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'MESSAGE_TYPE' }))
  }
  const property = fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    const memory = Memory.from(Uint8Array.from([...new TextEncoder().encode('add@/x\0'), ...bytes]))
    expect(readKernelEvent(memory, 0, 7 + bytes.length)).toMatchObject({ action: 'add' })
  })
  fc.assert(property, { numRuns: 500 })
})
