/* The messages that bind and configure a queue, for the two handlers without libnetfilter_queue. */
#ifndef RINGLINK_BENCH_QUEUE_CONFIG_H
#define RINGLINK_BENCH_QUEUE_CONFIG_H
#include <linux/netfilter/nfnetlink_queue.h>
#include "netlink.h"
#include "arguments.h"

enum { NETFILTER_MESSAGE = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg)) };

static inline void put_header(char *at, uint16_t type, uint16_t flags, uint16_t queue, uint32_t length) {
  struct nlmsghdr header = {length, (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type), (uint16_t)(NLM_F_REQUEST | flags), 0, 0};
  struct nfgenmsg generic = {AF_UNSPEC, NFNETLINK_V0, htons(queue)};
  memcpy(at, &header, sizeof header);
  memcpy(at + NLMSG_HDRLEN, &generic, sizeof generic);
}

/* One message that binds `queue` and configures it; its length. */
static inline size_t queue_config(char *message, uint16_t queue) {
  uint32_t range = (uint32_t)number("range", 65531), mask = NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN;
  struct nfqnl_msg_config_cmd command = {.command = NFQNL_CFG_CMD_BIND};
  struct nfqnl_msg_config_params parameters = {htonl(range), range == 0 ? NFQNL_COPY_META : NFQNL_COPY_PACKET};
  uint32_t length = htonl((uint32_t)number("maxlength", 1024));
  uint32_t flags = htonl(number("gso", 0) != 0 ? NFQA_CFG_F_GSO : 0), be_mask = htonl(mask);
  char *at = message + NETFILTER_MESSAGE;
  at = put_attribute(at, NFQA_CFG_CMD, &command, sizeof command);
  at = put_attribute(at, NFQA_CFG_PARAMS, &parameters, sizeof parameters);
  at = put_attribute(at, NFQA_CFG_QUEUE_MAXLEN, &length, sizeof length);
  at = put_attribute(at, NFQA_CFG_MASK, &be_mask, sizeof be_mask);
  at = put_attribute(at, NFQA_CFG_FLAGS, &flags, sizeof flags);
  put_header(message, NFQNL_MSG_CONFIG, NLM_F_ACK, queue, (uint32_t)(at - message));
  return (size_t)(at - message);
}
#endif
