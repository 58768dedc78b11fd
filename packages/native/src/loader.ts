import { createRequire } from 'node:module'
import type { NativeBinding } from './binding.ts'

export type NativeUnavailableCode = 'PLATFORM_UNSUPPORTED' | 'ADDON_MISSING' | 'ADDON_REFUSED'

/** There is no netlink from this process. Recognise it by `code`; `message` says what can be done about it. */
export class NativeUnavailableError extends Error {
  override readonly name = 'NativeUnavailableError'
  /**
   * - `PLATFORM_UNSUPPORTED`: the operating system has no netlink; only Linux does
   * - `ADDON_MISSING`: neither a prebuilt binary for this platform nor one compiled here was found
   * - `ADDON_REFUSED`: a binary was found and does not load into this runtime; `cause` is the reason
   */
  readonly code: NativeUnavailableCode

  constructor(code: NativeUnavailableCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

interface NodeGypBuild {
  resolve(root: string): string
}

/** The addon of the package at `root`; no cache but that of `require`. */
export function loadFrom(root: string, platform: string): NativeBinding {
  if (platform !== 'linux') {
    throw new NativeUnavailableError(
      'PLATFORM_UNSUPPORTED',
      `netlink is an interface of the Linux kernel and this is ${platform}; the simulated kernel of ringlink runs here`,
    )
  }
  const require = createRequire(import.meta.url)
  const file = findBinary(require, root)
  try {
    return require(file) as NativeBinding
  } catch (cause) {
    throw new NativeUnavailableError(
      'ADDON_REFUSED',
      `${file} does not load: ${cause instanceof Error ? cause.message : String(cause)}. ` +
        `Compile it for this machine: node ${root}scripts/build.mjs --force`,
      cause,
    )
  }
}

function findBinary(require: NodeJS.Require, root: string): string {
  const nodeGypBuild: NodeGypBuild = require('node-gyp-build')
  try {
    return nodeGypBuild.resolve(root)
  } catch (cause) {
    throw new NativeUnavailableError(
      'ADDON_MISSING',
      `the native addon of ringlink is not built for ${process.platform} ${process.arch}. ` +
        `With a C compiler installed (Debian: apt-get install gcc libc6-dev) run: node ${root}scripts/build.mjs`,
      cause,
    )
  }
}
