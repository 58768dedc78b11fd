/**
 * The controller of generic netlink: which families there are, their numbers, commands, multicast groups and policies
 * (uapi/linux/genetlink.h). Integers are in host byte order.
 *
 *  every message:  nlmsghdr of type 0x10 | genlmsghdr | attributes
 */
import { indexedArray, nested, text, typeValue, u16, u32 } from '../schema/describe.ts'
import { attributeSet } from '../schema/format.ts'
import { policyAttributes } from '../wire/control.ts'
import { MAXIMUM_GENERIC_NAME } from './header.ts'

/** Commands of the controller. The answer to Get… is New…. */
export const ControllerCommand = {
  /** CTRL_CMD_NEWFAMILY: from the kernel, a family */
  NewFamily: 1,
  /** CTRL_CMD_DELFAMILY: from the kernel, a family is gone */
  DeleteFamily: 2,
  /** CTRL_CMD_GETFAMILY */
  GetFamily: 3,
  /** CTRL_CMD_NEWOPS: not used by the kernel */
  NewOperations: 4,
  /** CTRL_CMD_DELOPS: not used by the kernel */
  DeleteOperations: 5,
  /** CTRL_CMD_GETOPS: not used by the kernel */
  GetOperations: 6,
  /** CTRL_CMD_NEWMCAST_GRP: from the kernel, a group of a family */
  NewGroup: 7,
  /** CTRL_CMD_DELMCAST_GRP: from the kernel, a group is gone */
  DeleteGroup: 8,
  /** CTRL_CMD_GETMCAST_GRP: not used by the kernel */
  GetGroup: 9,
  /** CTRL_CMD_GETPOLICY: what requests may have in them, a dump; Linux 5.7 */
  GetPolicy: 10,
} as const
export type ControllerCommand = (typeof ControllerCommand)[keyof typeof ControllerCommand]

/** Properties of an operation of a family. */
export const GenericOperationFlag = {
  /** GENL_ADMIN_PERM: needs CAP_NET_ADMIN */
  Administrator: 0x01,
  /** GENL_CMD_CAP_DO */
  Do: 0x02,
  /** GENL_CMD_CAP_DUMP */
  Dump: 0x04,
  /** GENL_CMD_CAP_HASPOL: it has a policy */
  Policy: 0x08,
  /** GENL_UNS_ADMIN_PERM: needs CAP_NET_ADMIN in the user namespace of the network namespace */
  NamespaceAdministrator: 0x10,
} as const
export type GenericOperationFlag = (typeof GenericOperationFlag)[keyof typeof GenericOperationFlag]

const operationAttributes = attributeSet('CTRL_ATTR_OP', {
  id: u32(1, 'CTRL_ATTR_OP_ID'),
  /** bits of `GenericOperationFlag` */
  flags: u32(2, 'CTRL_ATTR_OP_FLAGS'),
})
const groupAttributes = attributeSet('CTRL_ATTR_MCAST_GRP', {
  name: text(1, 'CTRL_ATTR_MCAST_GRP_NAME', MAXIMUM_GENERIC_NAME - 1),
  id: u32(2, 'CTRL_ATTR_MCAST_GRP_ID'),
})
const operationPolicyAttributes = attributeSet('CTRL_ATTR_POLICY', {
  do: u32(1, 'CTRL_ATTR_POLICY_DO'),
  dump: u32(2, 'CTRL_ATTR_POLICY_DUMP'),
})

/** CTRL_ATTR_*: a family. */
export const controllerAttributes = attributeSet('CTRL_ATTR', {
  /** `nlmsg_type` of its messages */
  id: u16(1, 'CTRL_ATTR_FAMILY_ID'),
  name: text(2, 'CTRL_ATTR_FAMILY_NAME', MAXIMUM_GENERIC_NAME - 1),
  version: u32(3, 'CTRL_ATTR_VERSION'),
  /** bytes of the header that precedes its attributes, after genlmsghdr */
  headerSize: u32(4, 'CTRL_ATTR_HDRSIZE'),
  maximumAttribute: u32(5, 'CTRL_ATTR_MAXATTR'),
  operations: indexedArray(nested(6, 'CTRL_ATTR_OPS', operationAttributes)),
  groups: indexedArray(nested(7, 'CTRL_ATTR_MCAST_GROUPS', groupAttributes)),
  /** what an attribute may be, by the number of its policy */
  policy: typeValue(nested(8, 'CTRL_ATTR_POLICY', policyAttributes), ['policy', 'attribute']),
  /** which policy the requests of a command have */
  operationPolicy: typeValue(nested(9, 'CTRL_ATTR_OP_POLICY', operationPolicyAttributes), ['command']),
  /** in a request for policies: of this command only */
  operation: u32(10, 'CTRL_ATTR_OP'),
})
