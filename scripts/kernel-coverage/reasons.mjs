// Why a constant of a header is not described.

/** @type {{ names: RegExp, reason: string }[]} */
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
]
