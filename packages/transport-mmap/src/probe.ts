/** Why one back end does not work here. */
export interface RingProbe {
  readonly backend: 'netlink' | 'uring'
  /** the operation that failed */
  readonly step: string
  /** positive, as in `errno.h`; 0: it had no effect and reported no error */
  readonly errno: number
  /** the meaning, and what to do */
  readonly explanation: string
}
