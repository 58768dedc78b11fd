import type { OpenTransport, Transport } from '@ringlink/transport'
import type { Dscp, MarkBits, NumberRange, OneOrMore, RuleMatch, SetProperty } from './properties.ts'
import type { RuleSets } from './sets/types.ts'

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
  /**
   * a limit for each address instead of one for all: at most 65,535 addresses, of which those that sent nothing for a
   * while are forgotten. Needs an IP version: `match.version`, an address, or a family that has only one
   */
  readonly by?: 'sourceAddress' | 'destinationAddress' | undefined
  /** with `by`: name of the set that the addresses are in; default one that nothing else has */
  readonly set?: string | undefined
}

/** A set that a rule adds properties of packets to. */
export interface RuleAddTo {
  /** name of a dynamic set */
  readonly set: string
  /** what is added; for a set of several types, a list of as many properties */
  readonly by: OneOrMore<SetProperty>
  /** milliseconds that the element lives; default as the set says */
  readonly timeout?: number | undefined
  /** each packet renews the time of its element; false: it lives from the first packet on. Default true */
  readonly refresh?: boolean | undefined
}

/** What a map has for a packet. A packet that is not in the map ends the rule there, and the next one is evaluated. */
export interface MapLookUp {
  /** name of a set with `to` */
  readonly map: string
  /** what is looked up; for a map of several types, a list of as many properties */
  readonly by: OneOrMore<SetProperty>
}

/** How many bytes a rule lets through in all. */
export interface RuleQuota {
  readonly bytes: number
  /** lets packets through once the bytes are used up, instead of until then; default false */
  readonly over?: boolean | undefined
}

/** A code of ICMP's "destination unreachable", by nft's name or its number (RFC 792, RFC 1812). */
export type IcmpCode =
  | 'net-unreachable'
  | 'host-unreachable'
  | 'prot-unreachable'
  | 'port-unreachable'
  | 'frag-needed'
  | 'net-prohibited'
  | 'host-prohibited'
  | 'admin-prohibited'
  | number

/** A code of ICMPv6's "destination unreachable", by nft's name or its number (RFC 4443). */
export type Icmpv6Code =
  | 'no-route'
  | 'admin-prohibited'
  | 'addr-unreachable'
  | 'port-unreachable'
  | 'policy-fail'
  | 'reject-route'
  | number

/**
 * Why a packet is rejected: the ICMP or ICMPv6 message that its sender gets, or a TCP reset. The names are for packets
 * of both IP versions; `icmp` needs packets of IPv4, and `icmpv6` those of IPv6
 */
export type RuleReject =
  | 'port-unreachable'
  | 'host-unreachable'
  | 'no-route'
  | 'admin-prohibited'
  | 'tcp-reset'
  | { readonly icmp: IcmpCode }
  | { readonly icmpv6: Icmpv6Code }

/** The actions of a rule on the packets that it matches, in the order of these members. They are always counted. */
export interface RuleActions {
  /** applies the rest to only so many packets */
  readonly limit?: RuleLimit | undefined
  /** does the rest only until so many bytes are used up */
  readonly quota?: RuleQuota | undefined
  /** name of a counter that rules share, besides the one that each has */
  readonly counter?: string | undefined
  readonly log?: RuleLog | undefined
  /** adds a property of the packets to a set */
  readonly addTo?: RuleAddTo | undefined
  /** sets the packet's mark, some bits of it, copies the mark of the connection, or takes it from a map */
  readonly setMark?: number | MarkBits | 'connection' | MapLookUp | undefined
  /** sets the connection's mark, some bits of it, copies the mark of the packet, or takes it from a map */
  readonly setCtMark?: number | MarkBits | 'packet' | MapLookUp | undefined
  /** sets the priority for traffic control: major number << 16 | minor number */
  readonly setPriority?: number | undefined
  /** sets the code point; needs an IP version, as `limit.by` does */
  readonly setDscp?: Dscp | undefined
  /** exempts packets from connection tracking; needs a priority before it */
  readonly notrack?: boolean | undefined
  /** passes packets to a queue, or distributes them over several by their addresses */
  readonly queue?: number | NumberRange | undefined
  /** with `queue`: if no program has bound it, packets continue with the next chain instead of being dropped */
  readonly bypass?: boolean | undefined
  /** with several queues: the processor that handles a packet selects the queue, not the addresses */
  readonly fanout?: boolean | undefined
  /** drops packets and notifies the sender; hooks input, forward and output */
  readonly reject?: RuleReject | undefined
  /** continues with the rules of this chain, then with the next rule */
  readonly jump?: string | undefined
  /** continues with the rules of this chain, then where the own chain was jumped from */
  readonly goto?: string | undefined
  /**
   * the verdict: 'accept' sends packets on to the next chain of a hook, 'return' back to the rule that jumped here; or
   * the one that a map has. Without this, `queue`, `reject` and `goto` the next rule is evaluated
   */
  readonly verdict?: 'accept' | 'drop' | 'return' | MapLookUp | undefined
}

/** One rule of the firewall: at a hook, or in a chain that other rules jump to. */
export interface FirewallRule extends RuleActions {
  readonly hook?: RuleHook | undefined
  /** instead of `hook`: a chain with this name, which rules `jump` or `goto` */
  readonly chain?: string | undefined
  /** the device, for the hooks ingress and egress */
  readonly device?: string | undefined
  /**
   * install the rule even if the device does not exist: newer kernels wait for it, older ones refuse. Default false:
   * code `RULES_REFUSED`
   */
  readonly allowMissingDevice?: boolean | undefined
  /**
   * default 'filter'. Before Linux 4.7 a queue loses packets of a new flow that wait together, unless its rule is at
   * 'raw'
   */
  readonly priority?: RulePriority | undefined
  /** default: every packet */
  readonly match?: RuleMatch | undefined
}

/** Bits of packet marks and connection marks that belong to a queue; one bit each. No other program may set them. */
export interface OffloadBits {
  /** the connection is accepted; default 0x40000000 */
  readonly accept: number
  /** the connection is dropped; default 0x80000000 */
  readonly drop: number
  /** the connection is queued again, regardless of its number of packets; default 0x20000000 */
  readonly ask: number
}

/** How a queue leaves connections to the kernel. */
export interface RuleOffload {
  /**
   * packets of each connection, both ways, that the queue gets; the kernel accepts later ones unless the program
   * decided otherwise
   */
  readonly packets: number
  /** the same in all rules of a queue */
  readonly bits?: OffloadBits | undefined
}

/** A rule that feeds a queue. `openQueue` installs it. */
export interface QueueRule
  extends Omit<FirewallRule, 'queue' | 'bypass' | 'fanout' | 'reject' | 'jump' | 'goto' | 'verdict'> {
  /**
   * what happens to packets once the queue is closed or the program ends or is killed. 'bypass' (the default): they
   * continue as if there had never been a rule; the kernel removes its table with the program, and the rule lets
   * packets pass while no program has the queue. 'block': they are dropped until a program opens the queue again; the
   * rule stays in table `ringlink-queue-<number>` even after the queue closes, and `queue.rules.remove()` removes it.
   * The same in all rules of a queue
   */
  readonly onExit?: 'bypass' | 'block' | undefined
  /**
   * queue only the first packets of each connection: `packet.offload('accept' | 'drop')` decides about the others,
   * without user space. Needs family ip, ip6 or inet, and a priority after connection tracking
   */
  readonly offload?: RuleOffload | undefined
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
  /** sets that rules look packets up in, by their names: their elements change while the rules are installed */
  readonly sets?: RuleSets | undefined
  /** name of the table; default a unique one, or `ringlink` for a persistent one */
  readonly table?: string | undefined
  /** the table stays after the program ends, and replaces one of the same name; default false */
  readonly persistent?: boolean | undefined
  /** milliseconds to wait for the kernel's answer to a request; default 5000 */
  readonly requestTimeout?: number | undefined
  /** aborts the installation: `installRules` rejects with the signal's reason, and nothing is left open or installed */
  readonly signal?: AbortSignal | undefined
}
