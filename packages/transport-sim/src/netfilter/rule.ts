/** The packets that a rule matches; a property left out matches any packet. */
export interface RuleMatch {
  /** `Family` */
  readonly family?: number | undefined
  /** protocol of the transport header: 6 TCP, 17 UDP, 1 ICMP, 58 ICMPv6 */
  readonly protocol?: number | undefined
  readonly sourcePort?: number | undefined
  readonly destinationPort?: number | undefined
  readonly mark?: number | undefined
  readonly inputDevice?: number | undefined
  readonly outputDevice?: number | undefined
}

/** How a packet is logged on its way. */
export interface RuleLog {
  readonly group: number
  /** text that the log entry carries; default empty, as the firewall's own rules have it */
  readonly prefix?: string | undefined
  /** bytes to copy at most, within the group's own range */
  readonly copyLength?: number | undefined
  /** entries to send together, if fewer than the group's threshold */
  readonly threshold?: number | undefined
}

/** A rule: its actions run in the order of these members. Without `queue` and `verdict` the next rule is evaluated. */
export interface Rule {
  /** `Hook` */
  readonly hook: number
  /**
   * rules of lower priority see a packet first; those of one priority make up a chain, in which ACCEPT ends the search.
   * Default 0
   */
  readonly priority?: number | undefined
  readonly match?: RuleMatch | undefined
  /** gives the packet this mark */
  readonly mark?: number | undefined
  readonly log?: RuleLog | undefined
  /** hands it to that queue, or to one of a range, always the same for the same addresses */
  readonly queue?: number | { readonly from: number; readonly to: number } | undefined
  /** let packets pass if the queue has no listener */
  readonly bypass?: boolean | undefined
  readonly verdict?: 'accept' | 'drop' | undefined
}
