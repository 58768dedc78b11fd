/**
 * How many times longer than elsewhere things take on this machine: an emulated one sets RINGLINK_SLOWNESS
 * (scripts/kernels/guest.mjs).
 */
const slowness = Number(process.env.RINGLINK_SLOWNESS ?? 1)

/** A limit in milliseconds, after which something has failed, for the speed of this machine. */
export function patience(milliseconds: number): number {
  return Math.ceil(milliseconds * slowness)
}

/** How often something is repeated here, so that it takes as long as `times` do elsewhere; `least` in any case. */
export function repetitions(times: number, least = 1): number {
  return Math.max(least, Math.ceil(times / slowness))
}
