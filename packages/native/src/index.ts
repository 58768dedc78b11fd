/**
 * The one native addon of ringlink: system calls on netlink sockets, and readiness on the event loop.
 *
 * @packageDocumentation
 */
import { fileURLToPath } from 'node:url'
import type { NativeBinding } from './binding.ts'
import { loadFrom } from './loader.ts'

export type { NativeBinding } from './binding.ts'
export type { NativeHandle } from './handle.ts'
export type { NativeUnavailableCode } from './loader.ts'
export { NativeUnavailableError } from './loader.ts'
export type { UringBinding, UringFrames, UringQueues } from './uring-binding.ts'

// From src/ and from dist/ alike.
const root = fileURLToPath(new URL('..', import.meta.url))

let loaded: NativeBinding | undefined

/**
 * The addon, loaded once per thread.
 *
 * @throws NativeUnavailableError
 */
export function loadNative(platform: string = process.platform): NativeBinding {
  if (platform !== process.platform) return loadFrom(root, platform)
  loaded ??= loadFrom(root, platform)
  return loaded
}
