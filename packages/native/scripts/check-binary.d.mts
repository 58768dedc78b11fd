export interface BinaryTarget {
  /** the machine, as `uname -m` prints it */
  readonly machine: 'x86_64' | 'aarch64'
  readonly libc: 'gnu' | 'musl'
  /** path of musl's dynamic loader; without it, the symbols of musl are not checked */
  readonly sysroot?: { readonly loader: string }
}

/** Throws an error that lists all problems of the binary; returns a summary. */
export function checkBinary(name: string, file: string, target: BinaryTarget): string
