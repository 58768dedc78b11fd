// Why a constant of a header is not described.

/**
 * @typedef {{ names?: RegExp, group?: RegExp, header?: RegExp, reason: string }} Rule all that are given must match
 */

/** @type {Rule[]} */
export const REASONS = [
  { names: /_UNSPEC$|_MAX$|^__\w+MAX(_BIT)?$|_NUM(HOOKS|PROTO|BER)$|_SUBSYS_COUNT$/, reason: 'bound' },
  { names: /^(NFNLGRP|SKNLGRP|AUDIT_NLGRP|XFRMNLGRP|NFNL_SUBSYS)_NONE$|^NLMSGERR_ATTR_UNUSED$/, reason: 'bound' },
  { names: /_MASK$|^NFT_CHAIN_FLAGS$|^NFT_BITWISE_BOOL$/, reason: 'several others' },
  { names: /^IPS_\w+_BIT$|^IPSET_(FLAG|CREATE_FLAG)_BIT_/, reason: 'bit number of a flag' },
  { names: /^CTA_NAT_(SEQ_|MINIP|MAXIP)|^__NFT_META_IIFTYPE$/, reason: 'another name' },
  {
    names: /^(IPEXP_(NEW|DESTROY)|IP_CT_NEW_REPLY|TCP_CONNTRACK_(IGNORE|RETRANS|UNACK))$/,
    reason: 'in no message',
  },
  { names: /^NETLINK_(UN)?CONNECTED$|^NET_MAJOR$|^MAX_LINKS$/, reason: 'in no message' },
  { names: /^(NLA|NLMSG)_ALIGNTO$|^NL_MMAP_MSG_ALIGNMENT$/, reason: 'macro of C' },
  { names: /^NFT_REG(32)?_(SIZE|COUNT)$|^NFTA_LIST_ELEM$|^NFNETLINK_V0$/, reason: 'part of the format' },
  { names: /^NFT_((TABLE|CHAIN|SET|OBJ)_MAXNAMELEN|OSF_MAXGENRELEN)$/, reason: 'length of another' },
  {
    names: /^(SO_IP_SET|IP_SET_OP_|IPSET_(DIM|INV_MATCH|RETURN_NOMATCH|BIT_|COUNTER_|INVALID_ID))/,
    reason: 'in no message',
  },
  { names: /^IPSET_(CMD_(NONE|RESTORE|HELP|VERSION|QUIT|COMMIT)|ADD|DEL|TEST|CREATE)$/, reason: 'in no message' },
  { names: /^IPSET_ATTR_(SETNAME2|REVISION_MIN|IP_FROM|PORT_FROM)$|^NFCTH_POLICY_SET1$/, reason: 'another name' },
  { names: /^(TCP|DCCP)DIAG_GETSOCK$|^XFRMGRP_/, reason: 'another name' },
  { names: /^(SK_DIAG_BPF_STORAGE_(REQ_|REP_)?|INET_DIAG_(REQ_)?)NONE$|^XFRM_NR_MSGTYPES$/, reason: 'bound' },
  { names: /^SK_MEMINFO_/, reason: 'field of a struct' },
  // linux/netfilter/nfnetlink_osf.h: options of the match of xtables.
  { names: /^NF_OSF_/, reason: 'in no message' },
  { names: /^IPSET_CREATE_FLAG_/, reason: 'in no message' },
  { names: /^SK_DIAG_BPF_STORAGE$|^MAXGENRELEN$/, reason: 'part of the format' },
  { names: /^INET_DIAG_NOCOOKIE$/, reason: 'macro of C' },
  // linux/audit.h: sets of numbers, and what only the kernel's own code has.
  {
    names: /^AUDIT_((FIRST|LAST)_|NR_|MAX_FIELD|SYSCALL_CLASSES|OPERATORS|UNUSED_BITS|VERSION_LATEST)/,
    reason: 'bound',
  },
  { names: /^AUDIT_FEATURE_BITMAP_ALL$/, reason: 'several others' },
  { names: /^(AUDIT_(CLASS_|FILTER_(TYPE|PREPEND)|NEGATE)|Audit_|__AUDIT_ARCH_)/, reason: 'in no message' },
  { names: /^AUDIT_VERSION_/, reason: 'another name' },
  { names: /^AUDIT_FEATURE_VERSION$/, reason: 'version' },
  { names: /^AUDIT_MAX_KEY_LEN$/, reason: 'length of another' },
  { names: /^XFRM_SC_/, reason: 'nest without a table' },
]

/**
 * Of families that are generated, the first rule that matches.
 * @type {Rule[]}
 */
export const GENERATED_REASONS = [
  { names: /^__|_NONE$|^NUM_|^MAX_NL|_(ALL|NOP\d)$|^NL80211_NUM_ACS$|^RTM_BASE$|_MAX_BIT$/, reason: 'bound' },
  { names: /_VERSION$|^MPTCP_PM_VER$|_VER_FEATURES$/, reason: 'version' },
  { names: /^TCF?_CBQ_|^TCA_(CBQ|DSMARK|ATM|RSVP|TCINDEX)_/, reason: 'removed' },
  { names: /^(RTA|RTNH)_ALIGNTO$|^RTNETLINK_HAVE_PEERINFO$|_SHIFT$/, reason: 'macro of C' },
  { names: /^RTMGRP_|^IFLA_IF_NETNSID$|^TCA_ACT_[A-Z]+(_KEY)?$/, group: /^(#define|enum)$/, reason: 'another name' },
  { header: /\/nl80211\.h$/, group: /^#define$/, names: /_(CMD|ATTR)_/, reason: 'another name' },
  {
    names:
      /^(BRCTL_|XDP_FLAGS_|TC_ACT_EXT|TCQ_PLUG|MAX_DPs|PRL_|SIT_ISATAP|TCA_OLD_|MPTCP_(INFO|TCPINFO|SUBFLOW_ADDRS))/,
    reason: 'in no message',
  },
  { header: /\/(nexthop|netconf|net_namespace|if_addrlabel|lwtunnel|if_bridge)\.h$/, reason: 'no specification' },
  {
    names:
      /^RTM_|^OVS_(PACKET|METER|BAND|CT_LIMIT|ZONE_LIMIT)_|^(PREFIX|NDUSEROPT|TCA_ROOT|VNIFILTER|VXLAN_VNIFILTER|TUNNEL_MSG)_/,
    reason: 'no specification',
  },
  {
    group: /^#define$/,
    names: /(_LEN(_\d+)?|_SIZE|_SCALE|DEPTH|_M(AX|IN)_\w+|^MAX_\w+|_MIN|_(NUM|MAX)PRIO)$/,
    reason: 'limit',
  },
  { header: /\/(nl80211|devlink|openvswitch)\.h$/, names: /_CMD_/, reason: 'no operation' },
  {
    header: /\/if_link\.h$/,
    names: /^(IFLA_|MACVLAN_|IPVLAN_|MACSEC_|RMNET_|GTP_)/,
    reason: 'kind without a table',
  },
  {
    header: /\/nl80211\.h$/,
    group: /(attr|attrs|attributes|_info|params|data|stats|plan|_bss|_rule|_req|_resp|_capa|triggers)$/,
    reason: 'nest without a table',
  },
  {
    header: /\/(pkt_sched|pkt_cls)\.h$/,
    group: /^enum$/,
    names: /^TCA_(?!\w+_FLAGS_)/,
    reason: 'nest without a table',
  },
  { names: /^DEVLINK_ATTR_|^FDB_NOTIFY|^NFEA_/, reason: 'nest without a table' },
  { reason: 'values without names' },
]
