import { Errno } from '@ringlink/codec/errors'
import type { NativeBinding } from '@ringlink/native'
import { SetupFlag } from '../../../src/uring/rings.ts'

/** The addon on a kernel before 6.1, which refuses deferred work as an unknown flag. */
export function withoutDeferredWork(native: NativeBinding): NativeBinding {
  const uringSetUp: NativeBinding['uringSetUp'] = (handle, submissions, completions, flags, idle) =>
    (flags & SetupFlag.DeferredWork) !== 0
      ? -Errno.EINVAL
      : native.uringSetUp(handle, submissions, completions, flags, idle)
  return { ...native, uringSetUp }
}
