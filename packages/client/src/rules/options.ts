import type { OpenTransport, Transport } from '@ringlink/transport'

/** The table's family: which packets its rules can see. */
export type RuleFamily = 'ip' | 'ip6' | 'inet' | 'bridge' | 'netdev' | 'arp'

/**
 * Where on its way a packet meets a rule. All families but netdev and arp have the first five; netdev has ingress and egress, inet
 * has ingress too, arp has input and output.
 */
export type RuleHook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting' | 'ingress' | 'egress'

/**
 * When a rule's turn is, among all that see packets at its hook. The words, in their order: before connection tracking, before
 * destination addresses are translated, …, after source addresses are. `bridgeOut` is of family bridge alone.
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

/** A protocol behind the IP header: a name, or its number. */
export type RuleProtocol = 'tcp' | 'udp' | 'udplite' | 'icmp' | 'icmpv6' | 'sctp' | 'dccp' | number

/** What connection tracking says of a packet. */
export type ConnectionState = 'new' | 'established' | 'related' | 'invalid' | 'untracked'

/** Numbers from `from` to `to`, both among them. */
export interface NumberRange {
  readonly from: number
  readonly to: number
}

/** One port, a range of them, or several of both. */
export type RulePorts = number | NumberRange | readonly (number | NumberRange)[]

/** Properties of a packet. */
export interface RuleProperties {
  readonly protocol?: RuleProtocol | undefined
  /** needs `protocol`, one that has ports */
  readonly sourcePort?: RulePorts | undefined
  /** needs `protocol`, one that has ports */
  readonly destinationPort?: RulePorts | undefined
  /** an IPv4 or IPv6 address, a network (`10.0.0.0/8`), or several of both, all of one IP version */
  readonly sourceAddress?: string | readonly string[] | undefined
  /** an IPv4 or IPv6 address, a network (`10.0.0.0/8`), or several of both, all of one IP version */
  readonly destinationAddress?: string | readonly string[] | undefined
  /** name of the device that it came in by; one that ends with `*` stands for all names that begin so */
  readonly inputInterface?: string | undefined
  /** name of the device that it goes out by; one that ends with `*` stands for all names that begin so */
  readonly outputInterface?: string | undefined
  /** its mark, or those bits of it that `mask` has */
  readonly mark?: number | { readonly value: number; readonly mask: number } | undefined
  /** any of these */
  readonly ctState?: ConnectionState | readonly ConnectionState[] | undefined
  /** the user whose socket sends it */
  readonly userId?: number | undefined
}

/** Which packets a rule is for: those that have all of the properties. What is left out does not matter. */
export interface RuleMatch extends RuleProperties {
  /** and that have none of these. Packets of which a property cannot be told, an IPv6 packet's IPv4 address, are not matched either */
  readonly not?: RuleProperties | undefined
}

/** How a rule logs packets. */
export interface RuleLog {
  /** 0 to 65535 */
  readonly group: number
  /** text that the records carry: up to 127 bytes, 63 where the kernel has only the target NFLOG */
  readonly prefix?: string | undefined
  /** bytes of each packet to copy; of this and the log's the smaller counts */
  readonly copyRange?: number | undefined
  /** packets that the kernel collects before it delivers them together; of this and the log's the smaller counts */
  readonly threshold?: number | undefined
}

/** How many packets get through to the rest of a rule. */
export interface RuleLimit {
  /** packets in the time `per` */
  readonly rate: number
  readonly per: 'second' | 'minute' | 'hour' | 'day' | 'week'
  /** packets beyond the rate; default 5 */
  readonly burst?: number | undefined
  /** let those through that are too many; default false */
  readonly over?: boolean | undefined
}

/** What a rule does with the packets that it matches, in the order of these members. It counts them in any case. */
export interface RuleActions {
  /** does the rest only with so many packets */
  readonly limit?: RuleLimit | undefined
  readonly log?: RuleLog | undefined
  /** gives them this mark */
  readonly setMark?: number | undefined
  /** hands them to a queue, or spreads them over several by their addresses */
  readonly queue?: number | NumberRange | undefined
  /** with `queue`: where nobody has taken it packets go on with the next chain, instead of being dropped */
  readonly bypass?: boolean | undefined
  /** with several queues: the processor that handles a packet chooses, not its addresses */
  readonly fanout?: boolean | undefined
  /** decides: 'accept' sends them on to the next chain. Without this and `queue` the next rule has its turn */
  readonly verdict?: 'accept' | 'drop' | undefined
}

/** One rule of the firewall. */
export interface FirewallRule extends RuleActions {
  readonly hook: RuleHook
  /** the device, for the hooks ingress and egress */
  readonly device?: string | undefined
  /**
   * install the rule also when there is no such device: newer kernels then wait for one, older ones refuse. Default false: code
   * `RULES_REFUSED`
   */
  readonly allowMissingDevice?: boolean | undefined
  /** default 'filter' */
  readonly priority?: RulePriority | undefined
  /** default: every packet */
  readonly match?: RuleMatch | undefined
}

/** A rule that feeds a queue, which `openQueue` installs for it. */
export interface QueueRule extends Omit<FirewallRule, 'queue' | 'bypass' | 'fanout' | 'verdict'> {
  /**
   * what becomes of the packets when the program is gone, closed or killed. 'bypass' (the default): they go on as if there had never
   * been a rule; it is in a table that the kernel removes with the program, and lets packets pass where nobody has the queue.
   * 'block': they are dropped, until a program opens the queue again; the rule stays in table `ringlink-queue-<number>`, also when
   * the queue is closed, and `queue.rules.remove()` takes it out. The same in all rules of a queue
   */
  readonly onExit?: 'bypass' | 'block' | undefined
  /** default 'inet'; the same in all rules of a queue */
  readonly family?: RuleFamily | undefined
}

/** A rule that feeds a log group, which `openLog` installs for it, and which goes with the log or with the program. */
export interface LogRule extends Omit<FirewallRule, 'log' | 'queue' | 'bypass' | 'fanout'>, Omit<RuleLog, 'group'> {
  /** default 'inet'; the same in all rules of a log */
  readonly family?: RuleFamily | undefined
}

/** How rules are installed. */
export interface InstallOptions {
  /** what opens the socket that the rules live as long as, or an open transport, which is theirs then */
  readonly transport: Transport | OpenTransport
  /** default 'inet': IPv4 and IPv6 */
  readonly family?: RuleFamily | undefined
  /** name of the table; default one that nobody else has, `ringlink` for a persistent one */
  readonly table?: string | undefined
  /** the table stays when the program is gone, and takes the place of one of the same name; default false */
  readonly persistent?: boolean | undefined
  /** milliseconds to wait for the kernel's answer to a request; default 5000 */
  readonly requestTimeout?: number | undefined
  /** aborts before and during the installation: it rejects with the signal's reason, and nothing is left open or installed */
  readonly signal?: AbortSignal | undefined
}
