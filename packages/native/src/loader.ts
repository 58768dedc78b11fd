import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { NativeBinding } from './binding.ts'
import { libcOf, prebuiltPackage } from './prebuilt.ts'
import { loadAdvice, type RuntimeVersions, runtimeRefusal } from './runtime.ts'

/** Why there is no netlink from this process. */
export type NativeUnavailableCode =
  /** the operating system has no netlink; only Linux does */
  | 'PLATFORM_UNSUPPORTED'
  /** neither the optional package with the binary for this platform nor one compiled here was found */
  | 'ADDON_MISSING'
  /** a binary was found and does not load into this runtime (`cause` is the reason), or none ever could: Bun */
  | 'ADDON_REFUSED'

/**
 * The brand of every error of ringlink (`errorBrand` of `@ringlink/codec`, which this package does not import), by
 * which `isNetlinkError` recognises it.
 */
const errorBrand = Symbol.for('ringlink.error')

/** Netlink is not available in this process. Recognise it by `code`; `message` says what to do. */
export class NativeUnavailableError extends Error {
  override readonly name = 'NativeUnavailableError'
  readonly code: NativeUnavailableCode

  constructor(code: NativeUnavailableCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}
Object.defineProperty(NativeUnavailableError.prototype, errorBrand, { value: true })

/**
 * The addon of the package at `root` (ends with a slash). A binary compiled there comes first, because the user
 * requested it (`ringlink-native build`); then the optional package of this platform. No cache except that of
 * `require`.
 */
export function loadFrom(root: string, platform: string, versions: RuntimeVersions = process.versions): NativeBinding {
  if (platform !== 'linux') {
    throw new NativeUnavailableError(
      'PLATFORM_UNSUPPORTED',
      `netlink is an interface of the Linux kernel and this is ${platform}; the simulated kernel of ringlink runs here`,
    )
  }
  const refused = runtimeRefusal(versions)
  if (refused !== undefined) throw new NativeUnavailableError('ADDON_REFUSED', refused)
  const require = createRequire(`${root}package.json`)
  const prebuilt = () => prebuiltPackage(platform, process.arch, libcOf(process.execPath))
  let unloadable: NativeUnavailableError | undefined
  // The second is looked up only when it is needed: that takes a tenth of the time that opening a first queue does.
  for (const find of [() => compiledIn(root), () => resolvePrebuilt(require, prebuilt())]) {
    const file = find()
    if (file === undefined) continue
    try {
      return require(file) as NativeBinding
    } catch (cause) {
      unloadable ??= doesNotLoad(file, cause, loadAdvice(versions, cause, root))
    }
  }
  throw unloadable ?? new NativeUnavailableError('ADDON_MISSING', absence(root, platform, prebuilt()))
}

function compiledIn(root: string): string | undefined {
  const file = `${root}build/Release/ringlink.node`
  return existsSync(file) ? file : undefined
}

function resolvePrebuilt(require: NodeJS.Require, name: string | undefined): string | undefined {
  try {
    return name === undefined ? undefined : require.resolve(name)
  } catch {
    return undefined
  }
}

function doesNotLoad(file: string, cause: unknown, advice: string): NativeUnavailableError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new NativeUnavailableError('ADDON_REFUSED', `${file} does not load: ${reason}. ${advice}`, cause)
}

function absence(root: string, platform: string, prebuilt: string | undefined): string {
  const build = `compile the addon with a C compiler: npx ringlink-native build, or node ${root}bin/ringlink-native.mjs build`
  if (prebuilt === undefined) {
    return `no prebuilt addon is published for ${platform} ${process.arch} (${libcOf(process.execPath)}); ${build}`
  }
  return (
    `the optional package ${prebuilt}, which has the addon for this machine, is not installed; install without ` +
    `--omit=optional (npm) or --no-optional (pnpm), and with a lock file that was made for this platform too. Or ${build}`
  )
}
