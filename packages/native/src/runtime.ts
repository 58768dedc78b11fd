/** Runtimes other than Node.js, by their entry in `process.versions`. */
export type RuntimeVersions = Readonly<Record<string, string | undefined>>

const USE_NODE =
  'run this program with Node.js 20.19 or newer (the simulated kernel, @ringlink/transport-sim, runs here)'

/**
 * Why the addon must not be loaded into this runtime; `undefined` if it may be. Bun would load it and end the process
 * at the first libuv function that it lacks.
 */
export function runtimeRefusal({ bun }: RuntimeVersions): string | undefined {
  if (bun === undefined) return undefined
  return `Bun ${bun} has no uv_poll_init, by which the addon of ringlink waits in the event loop; ${USE_NODE}`
}

/** What to do if the addon did not load into this runtime. */
export function loadAdvice({ deno }: RuntimeVersions, cause: unknown, root: string): string {
  if (deno !== undefined) {
    return `Deno ${deno} has no libuv, by which the addon of ringlink waits in the event loop, with or without --allow-ffi; ${USE_NODE}`
  }
  // `node --permission` without --allow-addons, and `node --no-addons`.
  if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_DLOPEN_DISABLED') {
    return 'Start Node.js with --allow-addons if it has --permission, and without --no-addons'
  }
  return `Compile it for this machine: node ${root}bin/ringlink-native.mjs build --force`
}
