/** Why one back end does not work here. */
export interface RingProbe {
  readonly backend: 'netlink' | 'uring'
  /** what was tried */
  readonly step: string
  /** positive, as in `errno.h`; 0: it did nothing, and did not say why */
  readonly errno: number
  /** what that means, and what can be done about it */
  readonly explanation: string
}
