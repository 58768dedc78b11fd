/** Numbers of IPsec (uapi/linux/xfrm.h). */

/** `nlmsg_type` of the messages. */
export const XfrmMessage = {
  /** XFRM_MSG_NEWSA, XFRM_MSG_BASE */
  NewState: 0x10,
  /** XFRM_MSG_DELSA */
  DeleteState: 0x11,
  /** XFRM_MSG_GETSA */
  GetState: 0x12,
  /** XFRM_MSG_NEWPOLICY */
  NewPolicy: 0x13,
  /** XFRM_MSG_DELPOLICY */
  DeletePolicy: 0x14,
  /** XFRM_MSG_GETPOLICY */
  GetPolicy: 0x15,
  /** XFRM_MSG_ALLOCSPI */
  AllocateIndex: 0x16,
  /** XFRM_MSG_ACQUIRE: from the kernel, a policy asks for a state */
  Acquire: 0x17,
  /** XFRM_MSG_EXPIRE: from the kernel, a state reached a limit */
  Expire: 0x18,
  /** XFRM_MSG_UPDPOLICY */
  UpdatePolicy: 0x19,
  /** XFRM_MSG_UPDSA */
  UpdateState: 0x1a,
  /** XFRM_MSG_POLEXPIRE: from the kernel, a policy reached a limit */
  ExpirePolicy: 0x1b,
  /** XFRM_MSG_FLUSHSA */
  FlushStates: 0x1c,
  /** XFRM_MSG_FLUSHPOLICY */
  FlushPolicies: 0x1d,
  /** XFRM_MSG_NEWAE */
  NewAsynchronousEvent: 0x1e,
  /** XFRM_MSG_GETAE */
  GetAsynchronousEvent: 0x1f,
  /** XFRM_MSG_REPORT */
  Report: 0x20,
  /** XFRM_MSG_MIGRATE */
  Migrate: 0x21,
  /** XFRM_MSG_NEWSADINFO */
  NewStateCounts: 0x22,
  /** XFRM_MSG_GETSADINFO */
  GetStateCounts: 0x23,
  /** XFRM_MSG_NEWSPDINFO */
  NewPolicyCounts: 0x24,
  /** XFRM_MSG_GETSPDINFO */
  GetPolicyCounts: 0x25,
  /** XFRM_MSG_MAPPING: from the kernel, the port of a peer changed */
  Mapping: 0x26,
  /** XFRM_MSG_SETDEFAULT */
  SetDefault: 0x27,
  /** XFRM_MSG_GETDEFAULT */
  GetDefault: 0x28,
} as const
export type XfrmMessage = (typeof XfrmMessage)[keyof typeof XfrmMessage]

/** How a state changes packets. */
export const XfrmMode = {
  /** XFRM_MODE_TRANSPORT */
  Transport: 0,
  /** XFRM_MODE_TUNNEL */
  Tunnel: 1,
  /** XFRM_MODE_ROUTEOPTIMIZATION */
  RouteOptimization: 2,
  /** XFRM_MODE_IN_TRIGGER */
  InboundTrigger: 3,
  /** XFRM_MODE_BEET */
  BoundEndToEnd: 4,
} as const
export type XfrmMode = (typeof XfrmMode)[keyof typeof XfrmMode]

/** Properties of a state. */
export const XfrmStateFlag = {
  /** XFRM_STATE_NOECN */
  NoCongestionNotification: 0x01,
  /** XFRM_STATE_DECAP_DSCP */
  CopyServiceClass: 0x02,
  /** XFRM_STATE_NOPMTUDISC */
  NoPathMtuDiscovery: 0x04,
  /** XFRM_STATE_WILDRECV */
  WildcardReceive: 0x08,
  /** XFRM_STATE_ICMP */
  Icmp: 0x10,
  /** XFRM_STATE_AF_UNSPEC */
  AnyFamily: 0x20,
  /** XFRM_STATE_ALIGN4 */
  Align4: 0x40,
  /** XFRM_STATE_ESN */
  ExtendedSequence: 0x80,
} as const
export type XfrmStateFlag = (typeof XfrmStateFlag)[keyof typeof XfrmStateFlag]

/** Which packets a policy is for. */
export const XfrmDirection = {
  /** XFRM_POLICY_IN */
  In: 0,
  /** XFRM_POLICY_OUT */
  Out: 1,
  /** XFRM_POLICY_FWD */
  Fwd: 2,
} as const
export type XfrmDirection = (typeof XfrmDirection)[keyof typeof XfrmDirection]

/** What a policy does with its packets. */
export const XfrmAction = {
  /** XFRM_POLICY_ALLOW */
  Allow: 0,
  /** XFRM_POLICY_BLOCK */
  Block: 1,
} as const
export type XfrmAction = (typeof XfrmAction)[keyof typeof XfrmAction]

/** Which table a policy is in (XFRMA_POLICY_TYPE). */
export const XfrmPolicyType = {
  /** XFRM_POLICY_TYPE_MAIN */
  Main: 0,
  /** XFRM_POLICY_TYPE_SUB */
  Sub: 1,
  /** XFRM_POLICY_TYPE_ANY */
  Any: 255,
} as const
export type XfrmPolicyType = (typeof XfrmPolicyType)[keyof typeof XfrmPolicyType]

/** Who may use a state that a policy asks for: `share` of policies and templates. */
export const XfrmShare = {
  /** XFRM_SHARE_ANY */
  Any: 0,
  /** XFRM_SHARE_SESSION: one connection */
  Session: 1,
  /** XFRM_SHARE_USER: one user */
  User: 2,
  /** XFRM_SHARE_UNIQUE: one use */
  Unique: 3,
} as const
export type XfrmShare = (typeof XfrmShare)[keyof typeof XfrmShare]

/** Bits of `flags` of a policy. */
export const XfrmPolicyFlag = {
  /** XFRM_POLICY_LOCALOK: a socket may override it */
  LocalOk: 1,
  /** XFRM_POLICY_ICMP: also for the packets that an ICMP error quotes */
  Icmp: 2,
} as const
export type XfrmPolicyFlag = (typeof XfrmPolicyFlag)[keyof typeof XfrmPolicyFlag]

/** Bits of `extraFlags` of a state. */
export const XfrmExtraFlag = {
  /** XFRM_SA_XFLAG_DONT_ENCAP_DSCP: the service class is not copied */
  DontEncapsulateDscp: 1,
  /** XFRM_SA_XFLAG_OSEQ_MAY_WRAP: sent numbers may begin again */
  SequenceMayWrap: 2,
} as const
export type XfrmExtraFlag = (typeof XfrmExtraFlag)[keyof typeof XfrmExtraFlag]

/** Bits of `offload.flags` of a state. */
export const XfrmOffloadFlag = {
  /** XFRM_OFFLOAD_IPV6 */
  Ipv6: 1,
  /** XFRM_OFFLOAD_INBOUND */
  Inbound: 2,
  /** XFRM_OFFLOAD_PACKET: the card does the whole of it; Linux 6.2 */
  Packet: 4,
} as const
export type XfrmOffloadFlag = (typeof XfrmOffloadFlag)[keyof typeof XfrmOffloadFlag]

/** Bits of `flags` of events on replay windows and lifetimes (`enum xfrm_ae_ftype_t`). */
export const XfrmEventFlag = {
  /** XFRM_AE_RTHR */
  ReplayThreshold: 1,
  /** XFRM_AE_RVAL */
  ReplayValue: 2,
  /** XFRM_AE_LVAL */
  Lifetime: 4,
  /** XFRM_AE_ETHR */
  TimerThreshold: 8,
  /** XFRM_AE_CR: the event is of the replay window */
  ReplayReason: 16,
  /** XFRM_AE_CE: the event is of the timer */
  TimerReason: 32,
  /** XFRM_AE_CU: the event is of a change */
  UpdateReason: 64,
} as const
export type XfrmEventFlag = (typeof XfrmEventFlag)[keyof typeof XfrmEventFlag]
