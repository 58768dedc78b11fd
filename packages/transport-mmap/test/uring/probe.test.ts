import { constants } from 'node:os'
import { loadNative, type NativeBinding } from '@ringlink/native'
import { expect, test } from 'vitest'
import { openUring, probeUring } from '../../src/uring/open-uring.ts'

const { errno } = constants

/** The addon, with system calls that say what a machine says that has no ring for us. */
function refusing(calls: Partial<NativeBinding>): NativeBinding {
  return { ...loadNative(), ...calls }
}

test.each([
  ['EPERM', errno.EPERM, 'forbidden'],
  ['ENOSYS', errno.ENOSYS, 'has no io_uring'],
  ['EINVAL', errno.EINVAL, 'too old'],
  ['ENOMEM', errno.ENOMEM, 'memory'],
])('setting up that fails with %s is explained, and nothing stays open', (name, number, words) => {
  const native = refusing({ uringSetUp: () => -number })
  const before = native.openHandles()
  const probe = probeUring(native)
  expect(probe).toMatchObject({ works: false, step: 'set up io_uring', errno: number })
  expect(probe).toMatchObject({ reason: expect.stringContaining(name) })
  expect(probe).toMatchObject({ reason: expect.stringContaining(words) })
  expect(native.openHandles()).toBe(before)
  expect(() => openUring({ protocol: 0 }, native)).toThrow(
    expect.objectContaining({ code: 'SYSTEM', operation: 'set up io_uring', errno: number }),
  )
})

test('a runtime that allows no memory of others in an ArrayBuffer is told from a kernel that is too old', () => {
  const native = refusing({ uringSetUp: () => 0, uringMap: () => -errno.EOPNOTSUPP })
  const probe = probeUring(native)
  expect(probe).toMatchObject({ works: false, step: 'map io_uring', errno: errno.EOPNOTSUPP })
  expect(probe).toMatchObject({ reason: expect.stringContaining('JavaScript runtime') })
})
