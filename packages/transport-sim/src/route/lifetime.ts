/** `INFINITY_LIFE_TIME` */
export const FOREVER = 0xffffffff

/** How long something lives, in seconds from a time in milliseconds on. */
export interface Lifetime {
  /** how long new connections may use it; `FOREVER` */
  readonly preferred: number
  /** how long it is there; `FOREVER` */
  readonly valid: number
  readonly since: number
}

/** What is left of a lifetime. */
export function remaining({ preferred, valid, since }: Lifetime, now: number): { preferred: number; valid: number } {
  if (preferred === FOREVER) return { preferred, valid }
  const gone = Math.floor((now - since) / 1000)
  const left = (seconds: number) => (seconds === FOREVER ? FOREVER : Math.max(0, seconds - gone))
  return { preferred: left(preferred), valid: left(valid) }
}
