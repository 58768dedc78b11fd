import type { NativeBinding, NativeHandle } from '@ringlink/native'

/**
 * The addon on a kernel whose io_uring stops waking: each ring wakes its event loop that many times; plain sockets
 * always do.
 */
export function wakingOnly(native: NativeBinding, times: number): NativeBinding {
  const rings = new WeakSet<NativeHandle>()
  const open: NativeBinding['open'] = (protocol, networkNamespace, onReadable) => {
    let woken = 0
    const handle = native.open(protocol, networkNamespace, (status) => {
      if (typeof handle === 'number' || !rings.has(handle) || ++woken <= times) onReadable(status)
    })
    return handle
  }
  const uringSetUp: NativeBinding['uringSetUp'] = (handle, ...parameters) => {
    rings.add(handle)
    return native.uringSetUp(handle, ...parameters)
  }
  return { ...native, open, uringSetUp }
}
