export interface BinaryTarget {
  /** as `uname -m` says it */
  readonly machine: 'x86_64' | 'aarch64'
  readonly libc: 'gnu' | 'musl'
  /** where musl's dynamic loader is; without it, what musl has is not checked */
  readonly sysroot?: { readonly loader: string }
}

/** Throws with everything that is wrong with the binary; returns a summary. */
export function checkBinary(name: string, file: string, target: BinaryTarget): string
