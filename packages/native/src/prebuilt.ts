import { closeSync, openSync, readSync } from 'node:fs'

/** Platforms with a prebuilt binary, each in a separate package: {@link prebuiltPackage}. */
const prebuiltPlatforms = ['linux-x64-gnu', 'linux-x64-musl', 'linux-arm64-gnu', 'linux-arm64-musl']

/** The C libraries that a Linux binary can be linked with, as the package names spell them. */
export type LibC = 'gnu' | 'musl'

/** Name of the optional package with the addon for a platform; `undefined` if none is published. */
export function prebuiltPackage(platform: string, architecture: string, libc: LibC): string | undefined {
  const name = `${platform}-${architecture}-${libc}`
  return prebuiltPlatforms.includes(name) ? `@ringlink/native-${name}` : undefined
}

// The program headers, and the path of the dynamic loader that they point to, are at the start of the file.
const ELF_START = 4096

/**
 * The C library that an executable is linked with, by the dynamic loader (PT_INTERP) that it names. An executable that
 * cannot be read (`node --permission`) counts as linked with glibc.
 */
export function libcOf(executable: string): LibC {
  const start = Buffer.alloc(ELF_START)
  let file: number | undefined
  try {
    file = openSync(executable, 'r')
    readSync(file, start, 0, ELF_START, 0)
  } catch {
    return 'gnu'
  } finally {
    if (file !== undefined) closeSync(file)
  }
  return start.includes('/ld-musl-') ? 'musl' : 'gnu'
}
