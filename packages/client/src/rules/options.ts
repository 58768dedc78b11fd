import type { OpenTransport, Transport } from '@ringlink/transport'

/** The table's family (NFPROTO_*): which packets its rules can see. */
export type RuleFamily = 'ip' | 'ip6' | 'inet' | 'bridge' | 'netdev' | 'arp'

/**
 * The hook (NF_*_HOOK) at which packets meet a rule. All families except netdev and arp have the first five; netdev has
 * ingress and egress, inet also has ingress, arp has input and output.
 */
export type RuleHook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting' | 'ingress' | 'egress'

/**
 * The order of a rule among all that see packets at its hook. The names in order: before connection tracking, before
 * destination addresses are translated, …, after source addresses are translated. `bridgeOut` exists only in family
 * bridge.
 */
export type RulePriority =
  | 'raw'
  | 'mangle'
  | 'destinationNat'
  | 'filter'
  | 'security'
  | 'sourceNat'
  | 'bridgeOut'
  | number

/** A protocol that follows the IP header: a name, or its number (IPPROTO_*). */
export type RuleProtocol = 'tcp' | 'udp' | 'udplite' | 'icmp' | 'icmpv6' | 'sctp' | 'dccp' | number

/** The connection tracking state of a packet. */
export type ConnectionState = 'new' | 'established' | 'related' | 'invalid' | 'untracked'

/** Numbers from `from` to `to`, both included. */
export interface NumberRange {
  readonly from: number
  readonly to: number
}

/** One port, a range, or several of both. */
export type RulePorts = number | NumberRange | readonly (number | NumberRange)[]

/** Properties of a packet. */
export interface RuleProperties {
  readonly protocol?: RuleProtocol | undefined
  /** needs a `protocol` that has ports */
  readonly sourcePort?: RulePorts | undefined
  /** needs a `protocol` that has ports */
  readonly destinationPort?: RulePorts | undefined
  /** an IPv4 or IPv6 address, a network (`10.0.0.0/8`), or several of both, all of one IP version */
  readonly sourceAddress?: string | readonly string[] | undefined
  /** an IPv4 or IPv6 address, a network (`10.0.0.0/8`), or several of both, all of one IP version */
  readonly destinationAddress?: string | readonly string[] | undefined
  /** name of the device that the packet arrived on; a trailing `*` matches all names with that prefix */
  readonly inputInterface?: string | undefined
  /** name of the device that the packet leaves through; a trailing `*` matches all names with that prefix */
  readonly outputInterface?: string | undefined
  /** its mark, or the bits of it that are set in `mask` */
  readonly mark?: number | { readonly value: number; readonly mask: number } | undefined
  /** any of these states */
  readonly ctState?: ConnectionState | readonly ConnectionState[] | undefined
  /** the user that owns the sending socket */
  readonly userId?: number | undefined
}

/** The packets that a rule matches: those that have all of the properties. A property left out matches any packet. */
export interface RuleMatch extends RuleProperties {
  /**
   * and none of these. A packet that cannot have a property, such as an IPv6 packet and an IPv4 address, does not match
   * either
   */
  readonly not?: RuleProperties | undefined
}

/** How a rule logs packets. */
export interface RuleLog {
  /** 0 to 65535 */
  readonly group: number
  /** text that the records carry: up to 127 bytes, or 63 if the kernel has only the target NFLOG */
  readonly prefix?: string | undefined
  /** bytes of each packet to copy; the smaller of this and the log's value applies */
  readonly copyRange?: number | undefined
  /**
   * packets that the kernel collects before it delivers them together; the smaller of this and the log's value applies
   */
  readonly threshold?: number | undefined
}

/** Limits how many packets the rest of a rule applies to. */
export interface RuleLimit {
  /** packets per `per` */
  readonly rate: number
  readonly per: 'second' | 'minute' | 'hour' | 'day' | 'week'
  /** packets allowed beyond the rate; default 5 */
  readonly burst?: number | undefined
  /** apply the rest of the rule to the packets over the limit instead; default false */
  readonly over?: boolean | undefined
}

/** The actions of a rule on the packets that it matches, in the order of these members. They are always counted. */
export interface RuleActions {
  /** applies the rest to only so many packets */
  readonly limit?: RuleLimit | undefined
  readonly log?: RuleLog | undefined
  /** sets this mark */
  readonly setMark?: number | undefined
  /** passes packets to a queue, or distributes them over several by their addresses */
  readonly queue?: number | NumberRange | undefined
  /** with `queue`: if no program has bound it, packets continue with the next chain instead of being dropped */
  readonly bypass?: boolean | undefined
  /** with several queues: the processor that handles a packet selects the queue, not the addresses */
  readonly fanout?: boolean | undefined
  /** the verdict: 'accept' sends packets on to the next chain. Without this and `queue` the next rule is evaluated */
  readonly verdict?: 'accept' | 'drop' | undefined
}

/** One rule of the firewall. */
export interface FirewallRule extends RuleActions {
  readonly hook: RuleHook
  /** the device, for the hooks ingress and egress */
  readonly device?: string | undefined
  /**
   * install the rule even if the device does not exist: newer kernels wait for it, older ones refuse. Default false:
   * code `RULES_REFUSED`
   */
  readonly allowMissingDevice?: boolean | undefined
  /** default 'filter' */
  readonly priority?: RulePriority | undefined
  /** default: every packet */
  readonly match?: RuleMatch | undefined
}

/** A rule that feeds a queue. `openQueue` installs it. */
export interface QueueRule extends Omit<FirewallRule, 'queue' | 'bypass' | 'fanout' | 'verdict'> {
  /**
   * what happens to packets once the queue is closed or the program ends or is killed. 'bypass' (the default): they
   * continue as if there had never been a rule; the kernel removes its table with the program, and the rule lets
   * packets pass while no program has the queue. 'block': they are dropped until a program opens the queue again; the
   * rule stays in table `ringlink-queue-<number>` even after the queue closes, and `queue.rules.remove()` removes it.
   * The same in all rules of a queue
   */
  readonly onExit?: 'bypass' | 'block' | undefined
  /** default 'inet'; the same in all rules of a queue */
  readonly family?: RuleFamily | undefined
}

/** A rule that feeds a log group. `openLog` installs it; it is removed with the log or when the program ends. */
export interface LogRule extends Omit<FirewallRule, 'log' | 'queue' | 'bypass' | 'fanout'>, Omit<RuleLog, 'group'> {
  /** default 'inet'; the same in all rules of a log */
  readonly family?: RuleFamily | undefined
}

/** Options of `installRules`. */
export interface InstallOptions {
  /**
   * opens the socket that owns the rules: they live as long as it does; or an open transport, which the rules then own
   */
  readonly transport: Transport | OpenTransport
  /** default 'inet': IPv4 and IPv6 */
  readonly family?: RuleFamily | undefined
  /** name of the table; default a unique one, or `ringlink` for a persistent one */
  readonly table?: string | undefined
  /** the table stays after the program ends, and replaces one of the same name; default false */
  readonly persistent?: boolean | undefined
  /** milliseconds to wait for the kernel's answer to a request; default 5000 */
  readonly requestTimeout?: number | undefined
  /** aborts the installation: `installRules` rejects with the signal's reason, and nothing is left open or installed */
  readonly signal?: AbortSignal | undefined
}
