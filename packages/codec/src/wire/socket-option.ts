/** Options of netlink sockets (uapi/linux/netlink.h), level SOL_NETLINK. */

export const SocketOption = {
  /** NETLINK_ADD_MEMBERSHIP: joins a multicast group */
  AddMembership: 1,
  /** NETLINK_DROP_MEMBERSHIP */
  DropMembership: 2,
  /** NETLINK_PKTINFO: the number of the group comes with each message */
  PacketInformation: 3,
  /** NETLINK_BROADCAST_ERROR: the sender is told when a group's message is lost */
  BroadcastErrors: 4,
  /** NETLINK_NO_ENOBUFS: losses are not reported */
  NoOverrunErrors: 5,
  /** NETLINK_RX_RING: Linux 3.10 to 4.5 */
  ReceiveRing: 6,
  /** NETLINK_TX_RING: Linux 3.10 to 4.5 */
  SendRing: 7,
  /** NETLINK_LISTEN_ALL_NSID: notifications of other network namespaces, too */
  ListenAllNamespaces: 8,
  /** NETLINK_LIST_MEMBERSHIPS: the groups joined */
  ListMemberships: 9,
  /** NETLINK_CAP_ACK: errors do not repeat the body of the request */
  CappedAck: 10,
  /** NETLINK_EXT_ACK */
  ExtendedAck: 11,
  /** NETLINK_GET_STRICT_CHK: requests for a dump are checked */
  StrictChecking: 12,
} as const
export type SocketOption = (typeof SocketOption)[keyof typeof SocketOption]
