import { loadNative, type NativeBinding } from '@ringlink/native'
import { checkUringOptions, type UringOptions } from './options.ts'
import { UringTransport } from './uring-transport.ts'

/**
 * Opens a socket that io_uring receives from. Throws code `SYSTEM` with the errno when the system refuses (if io_uring
 * refuses, `probeUring` explains it), `ARGUMENT` for an option out of bounds, the signal's reason, and the codes of
 * `@ringlink/native`.
 *
 * @param native the system calls; a test of other kernels passes its own
 */
export function openUring(options: UringOptions, native: NativeBinding = loadNative()): UringTransport {
  const checked = checkUringOptions(options)
  options.signal?.throwIfAborted()
  return new UringTransport(checked, native)
}
