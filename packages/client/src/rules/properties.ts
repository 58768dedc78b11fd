/** What rules match packets by. */

/** A protocol after the IP header: a name, or its number. */
export type RuleProtocol = 'tcp' | 'udp' | 'udplite' | 'icmp' | 'icmpv6' | 'sctp' | 'dccp' | number

/** What connection tracking says of a packet. */
export type ConnectionState = 'new' | 'established' | 'related' | 'invalid' | 'untracked'

/** A bit of a connection's status (`enum ip_conntrack_status`). */
export type ConnectionStatus = 'expected' | 'seen-reply' | 'assured' | 'confirmed' | 'snat' | 'dnat' | 'dying'

/** How the link layer addressed a packet: to this host, to all, to a group, or to another host (PACKET_*). */
export type PacketType = 'host' | 'broadcast' | 'multicast' | 'other'

/** Which way a packet goes: as the first packet of its connection, or back. */
export type ConnectionDirection = 'original' | 'reply'

/** A flag of the TCP header. */
export type TcpFlag = 'fin' | 'syn' | 'rst' | 'psh' | 'ack' | 'urg' | 'ecn' | 'cwr'

/** A message of ICMP (RFC 792) or ICMPv6 (RFC 4443, RFC 4861), by nft's name for it. */
export type IcmpType =
  | 'echo-reply'
  | 'destination-unreachable'
  | 'source-quench'
  | 'redirect'
  | 'echo-request'
  | 'router-advertisement'
  | 'router-solicitation'
  | 'time-exceeded'
  | 'parameter-problem'
  | 'timestamp-request'
  | 'timestamp-reply'
  | 'info-request'
  | 'info-reply'
  | 'address-mask-request'
  | 'address-mask-reply'
  | 'packet-too-big'
  | 'mld-listener-query'
  | 'mld-listener-report'
  | 'mld-listener-done'
  | 'nd-router-solicit'
  | 'nd-router-advert'
  | 'nd-neighbor-solicit'
  | 'nd-neighbor-advert'
  | 'nd-redirect'
  | 'mld2-listener-report'
  | 'router-renumbering'
  | 'ind-neighbor-solicit'
  | 'ind-neighbor-advert'

/** A differentiated services code point: a name (RFC 2474, RFC 2597, RFC 3246) or its number, 0 to 63. */
export type Dscp =
  | 'cs0'
  | 'cs1'
  | 'cs2'
  | 'cs3'
  | 'cs4'
  | 'cs5'
  | 'cs6'
  | 'cs7'
  | 'af11'
  | 'af12'
  | 'af13'
  | 'af21'
  | 'af22'
  | 'af23'
  | 'af31'
  | 'af32'
  | 'af33'
  | 'af41'
  | 'af42'
  | 'af43'
  | 'ef'
  | 'va'
  | 'lephb'
  | number

/** An EtherType: a name or its number. */
export type EtherType = 'ip' | 'ip6' | 'arp' | 'vlan' | number

/** A day of the week, in UTC. */
export type Weekday = 'sunday' | 'monday' | 'tuesday' | 'wednesday' | 'thursday' | 'friday' | 'saturday'

/** Numbers from `from` to `to`, both included. */
export interface NumberRange {
  readonly from: number
  readonly to: number
}

/** One number, a range, or several of both that do not overlap. */
export type RuleNumbers = number | NumberRange | readonly (number | NumberRange)[]

/** One port, a range of them, or several of both that do not overlap. */
export type RulePorts = RuleNumbers

/** Some bits of a mark. */
export interface MarkBits {
  readonly value: number
  /** the bits that count */
  readonly mask: number
}

/** A mark, some bits of it, a range of marks, or several of them that do not overlap. */
export type RuleMark = RuleNumbers | MarkBits

/** Flags of which each counts: those of `flags` are set, the others of `mask` are not. */
export interface TcpFlagsOf {
  readonly flags: readonly TcpFlag[]
  readonly mask: readonly TcpFlag[]
}

/**
 * A time of day from `from` to `to`, both included: `HH:MM` or `HH:MM:SS`, in UTC. `22:00` to `06:00` spans midnight.
 */
export interface TimeRange {
  readonly from: string
  readonly to: string
}

/** One value, or several of which a packet has one. */
export type OneOrMore<Value> = Value | readonly Value[]

/** A property is among the elements of a set. */
export interface InSet {
  /** name of the set */
  readonly in: string
}

/** Properties of a packet. */
export interface RuleProperties {
  /** IP version; families ip and ip6 have only one */
  readonly version?: 4 | 6 | undefined
  readonly protocol?: OneOrMore<RuleProtocol> | undefined
  /** needs `protocol`, one that has ports */
  readonly sourcePort?: RulePorts | InSet | undefined
  /** needs `protocol`, one that has ports */
  readonly destinationPort?: RulePorts | InSet | undefined
  /**
   * an IPv4 or IPv6 address, a network (`10.0.0.0/8`), a range (`10.0.0.1-10.0.0.9`), or several of them, all of one IP
   * version
   */
  readonly sourceAddress?: OneOrMore<string> | InSet | undefined
  /**
   * an IPv4 or IPv6 address, a network (`10.0.0.0/8`), a range (`10.0.0.1-10.0.0.9`), or several of them, all of one IP
   * version
   */
  readonly destinationAddress?: OneOrMore<string> | InSet | undefined
  /** needs `protocol` icmp or icmpv6 */
  readonly icmpType?: OneOrMore<IcmpType | number | NumberRange> | undefined
  /** needs `protocol` icmp or icmpv6 */
  readonly icmpCode?: RuleNumbers | undefined
  /** any of these, or exactly those; needs `protocol` tcp */
  readonly tcpFlags?: OneOrMore<TcpFlag> | TcpFlagsOf | undefined
  /** bytes of the packet from its network header on, as meta length has it */
  readonly packetLength?: RuleNumbers | undefined
  /** how the link layer addressed it */
  readonly packetType?: OneOrMore<PacketType> | undefined
  /** time to live of an IPv4 packet */
  readonly ttl?: RuleNumbers | undefined
  /** hop limit of an IPv6 packet */
  readonly hopLimit?: RuleNumbers | undefined
  /** the header after that of an IPv6 packet, which may be an extension header; `protocol` is the one after those */
  readonly nextHeader?: OneOrMore<RuleProtocol> | undefined
  /** needs an IP version: `version`, an address, or a family that has only one */
  readonly dscp?: OneOrMore<Dscp | NumberRange> | undefined
  /** whether it is a fragment; needs an IP version, as `dscp` does */
  readonly fragment?: boolean | undefined
  /** MAC address of the sender; only of packets that came in by Ethernet */
  readonly sourceHardwareAddress?: OneOrMore<string> | InSet | undefined
  /** MAC address of the receiver; only of packets that came in by Ethernet */
  readonly destinationHardwareAddress?: OneOrMore<string> | InSet | undefined
  /** only of packets that came in by Ethernet */
  readonly etherType?: OneOrMore<EtherType> | undefined
  /** 0 to 4095, of a tag that is in the packet; only of packets that came in by Ethernet */
  readonly vlanId?: RuleNumbers | undefined
  /** names of devices that it came in by; one that ends with `*` stands for all names that begin so */
  readonly inputInterface?: OneOrMore<string> | InSet | undefined
  /** names of devices that it goes out by; one that ends with `*` stands for all names that begin so */
  readonly outputInterface?: OneOrMore<string> | InSet | undefined
  /** group of the device that it came in by (`ip link set dev eth0 group 5`) */
  readonly inputInterfaceGroup?: RuleNumbers | undefined
  /** group of the device that it goes out by */
  readonly outputInterfaceGroup?: RuleNumbers | undefined
  readonly mark?: RuleMark | InSet | undefined
  /** mark of its connection */
  readonly ctMark?: RuleMark | InSet | undefined
  /** any of these */
  readonly ctState?: OneOrMore<ConnectionState> | undefined
  /** any of these */
  readonly ctStatus?: OneOrMore<ConnectionStatus> | undefined
  readonly ctDirection?: ConnectionDirection | undefined
  /** packets of its connection so far, both ways, this one included; needs `net.netfilter.nf_conntrack_acct` */
  readonly ctPackets?: RuleNumbers | undefined
  /** bytes of its connection so far, both ways, this one's included; needs `net.netfilter.nf_conntrack_acct` */
  readonly ctBytes?: RuleNumbers | undefined
  /** as `ctPackets`, of the direction of the connection's first packet */
  readonly ctOriginalPackets?: RuleNumbers | undefined
  /** as `ctPackets`, of the other direction */
  readonly ctReplyPackets?: RuleNumbers | undefined
  /** as `ctBytes`, of the direction of the connection's first packet */
  readonly ctOriginalBytes?: RuleNumbers | undefined
  /** as `ctBytes`, of the other direction */
  readonly ctReplyBytes?: RuleNumbers | undefined
  readonly ctZone?: RuleNumbers | undefined
  /** the user whose socket sends it */
  readonly userId?: RuleNumbers | undefined
  /** the group whose socket sends it */
  readonly groupId?: RuleNumbers | undefined
  /** class id of the control group (net_cls) of its socket */
  readonly cgroup?: RuleNumbers | undefined
  /** Linux 5.4 */
  readonly timeOfDay?: TimeRange | undefined
  /** Linux 5.4 */
  readonly day?: OneOrMore<Weekday> | undefined
  /**
   * there is a local socket for it, and with 'transparent', one that is transparent (IP_TRANSPARENT); hooks prerouting
   * and input
   */
  readonly socket?: 'existing' | 'transparent' | undefined
  /**
   * whether the route back to its source address leads through the device that it came in by; hooks prerouting, input
   * and forward
   */
  readonly reversePath?: boolean | undefined
}

/** A property that can be looked up in a set. */
export type SetProperty =
  | 'sourceAddress'
  | 'destinationAddress'
  | 'sourcePort'
  | 'destinationPort'
  | 'mark'
  | 'ctMark'
  | 'inputInterface'
  | 'outputInterface'
  | 'sourceHardwareAddress'
  | 'destinationHardwareAddress'

/** Several properties together are an element of a set of several types. */
export interface CombinedInSet {
  /** the properties, one for each type of the set, in its order */
  readonly of: readonly SetProperty[]
  /** name of the set */
  readonly in: string
}

/** Properties, and those that are looked up together. */
export interface CombinedProperties extends RuleProperties {
  /** properties that are looked up together; with several, all of them are found, and in `not` none */
  readonly combined?: OneOrMore<CombinedInSet> | undefined
}

/** Which packets a rule is for: those that have all of the properties. What is left out does not matter. */
export interface RuleMatch extends CombinedProperties {
  /**
   * and that have none of these. Packets of which a property cannot be told, an IPv6 packet's IPv4 address, are not
   * matched either
   */
  readonly not?: CombinedProperties | undefined
}

/** The name of a property. */
export type PropertyName = keyof RuleProperties
