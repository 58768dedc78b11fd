// Why a constant of a header is not described.

/** @type {{ names: RegExp, reason: string }[]} */
export const REASONS = [
  { names: /_UNSPEC$|_MAX$|^__\w+MAX(_BIT)?$|_NUM(HOOKS|PROTO|BER)$|_SUBSYS_COUNT$/, reason: 'bound' },
  { names: /^(NFNLGRP|SKNLGRP|AUDIT_NLGRP|XFRMNLGRP|NFNL_SUBSYS)_NONE$|^NLMSGERR_ATTR_UNUSED$/, reason: 'bound' },
  { names: /_MASK$|^NFT_CHAIN_FLAGS$|^NFT_BITWISE_BOOL$/, reason: 'several others' },
  { names: /^IPS_\w+_BIT$|^IPSET_(FLAG|CREATE_FLAG)_BIT_/, reason: 'bit number of a flag' },
  { names: /^CTA_NAT_(SEQ_|MINIP|MAXIP)|^__NFT_META_IIFTYPE$/, reason: 'former name' },
  {
    names: /^(IPEXP_(NEW|DESTROY)|IP_CT_NEW_REPLY|TCP_CONNTRACK_(IGNORE|RETRANS|UNACK))$/,
    reason: 'inside the kernel',
  },
  { names: /^NETLINK_(UN)?CONNECTED$|^NET_MAJOR$|^MAX_LINKS$/, reason: 'inside the kernel' },
  { names: /^(NLA|NLMSG)_ALIGNTO$|^NL_MMAP_MSG_ALIGNMENT$/, reason: 'macro of C' },
  { names: /^NFT_REG(32)?_(SIZE|COUNT)$|^NFTA_LIST_ELEM$|^NFNETLINK_V0$/, reason: 'part of the format' },
  { names: /^NFT_((TABLE|CHAIN|SET|OBJ)_MAXNAMELEN|OSF_MAXGENRELEN)$/, reason: 'length of another' },
]
