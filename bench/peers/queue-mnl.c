/*
 * A queue with libmnl, in the shape that its documentation shows: one receive, a callback for each message, one send
 * for each verdict.
 */
#include <libmnl/libmnl.h>
#include "meter.h"
#include "queue-config.h"
#include "work.h"

static struct mnl_socket *netlink;
static enum answer answer;
static uint64_t checksum;
static long answered;
static uint16_t queue;

static int collect(const struct nlattr *attribute, void *data) {
  const struct nlattr **table = data;
  if (mnl_attr_type_valid(attribute, NFQA_MAX) < 0) return MNL_CB_OK;
  table[mnl_attr_get_type(attribute)] = attribute;
  return MNL_CB_OK;
}

static void send_verdict(uint32_t id, unsigned char *payload, unsigned length) {
  static char buffer[0xffff + 4096];
  struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
  header->nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_VERDICT;
  header->nlmsg_flags = NLM_F_REQUEST;
  struct nfgenmsg *generic = mnl_nlmsg_put_extra_header(header, sizeof *generic);
  generic->version = NFNETLINK_V0;
  generic->res_id = htons(queue);
  struct nfqnl_msg_verdict_hdr verdict = {htonl(answer == ANSWER_DROP ? NF_DROP : NF_ACCEPT), htonl(id)};
  mnl_attr_put(header, NFQA_VERDICT_HDR, sizeof verdict, &verdict);
  if (answer == ANSWER_MARK) mnl_attr_put_u32(header, NFQA_MARK, htonl(MARK));
  if (answer == ANSWER_PAYLOAD && payload != NULL) {
    change(payload, length);
    mnl_attr_put(header, NFQA_PAYLOAD, length, payload);
  }
  meter.send_calls++;
  if (mnl_socket_sendto(netlink, header, header->nlmsg_len) < 0) meter.errors++;
}

static int on_packet(const struct nlmsghdr *header, void *data) {
  struct nlattr *table[NFQA_MAX + 1] = {NULL};
  (void)data;
  if (mnl_attr_parse(header, sizeof(struct nfgenmsg), collect, table) < 0 || table[NFQA_PACKET_HDR] == NULL)
    return MNL_CB_ERROR;
  struct nfqnl_msg_packet_hdr *packet = mnl_attr_get_payload(table[NFQA_PACKET_HDR]);
  unsigned char *payload = NULL;
  unsigned length = 0;
  if (table[NFQA_MARK] != NULL) checksum += ntohl(mnl_attr_get_u32(table[NFQA_MARK]));
  if (table[NFQA_IFINDEX_OUTDEV] != NULL) checksum += ntohl(mnl_attr_get_u32(table[NFQA_IFINDEX_OUTDEV]));
  if (table[NFQA_PAYLOAD] != NULL) {
    payload = mnl_attr_get_payload(table[NFQA_PAYLOAD]);
    length = mnl_attr_get_payload_len(table[NFQA_PAYLOAD]);
    checksum += look_at(payload, length);
  }
  send_verdict(ntohl(packet->packet_id), payload, length);
  answered++;
  return MNL_CB_OK;
}

int main(int argc, char **argv) {
  static char buffer[0xffff + 4096];
  arguments_of(argc, argv);
  queue = (uint16_t)number("queue", 0);
  answer = answer_wanted();
  netlink = mnl_socket_open(NETLINK_NETFILTER);
  if (netlink == NULL || mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) < 0) {
    perror("queue-mnl");
    return 1;
  }
  unsigned port = mnl_socket_get_portid(netlink);
  receive_buffer(mnl_socket_get_fd(netlink), number("buffer", 1 << 27));
  size_t length = queue_config(buffer, queue);
  if (mnl_socket_sendto(netlink, buffer, length) < 0 || mnl_socket_recvfrom(netlink, buffer, sizeof buffer) < 0 ||
      ((struct nlmsgerr *)mnl_nlmsg_get_payload((struct nlmsghdr *)buffer))->error != 0) {
    perror("queue-mnl: bind");
    return 1;
  }
  /* The documented example does so; what is lost is in the kernel's own counters. */
  int one = 1;
  mnl_socket_setsockopt(netlink, NETLINK_NO_ENOBUFS, &one, sizeof one);
  meter_ready();
  for (;;) {
    ssize_t received = mnl_socket_recvfrom(netlink, buffer, sizeof buffer);
    meter.receive_calls++;
    if (received < 0) {
      perror("queue-mnl: receive");
      return 1;
    }
    meter_received();
    answered = 0;
    if (mnl_cb_run(buffer, (size_t)received, 0, port, on_packet, NULL) < 0) meter.errors++;
    meter.checksum = checksum;
    meter_answered(answered);
  }
}
