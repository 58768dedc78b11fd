/** The struct that every message of nfnetlink begins with (uapi/linux/netfilter/nfnetlink.h). */
import { type StructureValue, structure } from '@ringlink/codec'

/** NETLINK_NETFILTER */
export const NETFILTER_PROTOCOL = 12

/** `struct nfgenmsg`. */
export const nfgenmsgLayout = structure(
  {
    /** NFPROTO_* */
    family: 'u8',
    version: 'u8',
    resourceId: 'be16',
  },
  'nfgenmsg',
)
export interface Nfgenmsg extends StructureValue<typeof nfgenmsgLayout> {}
