/*
 * A queue with libnetfilter_queue, in the shape that its documentation shows: one receive, nfq_handle_packet, a
 * callback for each packet, nfq_set_verdict.
 */
#include "netlink.h"
#include <libnetfilter_queue/libnetfilter_queue.h>
#include "meter.h"
#include "work.h"

static enum answer answer;
static uint64_t checksum;
static long answered;

static int on_packet(struct nfq_q_handle *queue, struct nfgenmsg *generic, struct nfq_data *packet, void *data) {
  (void)generic;
  (void)data;
  struct nfqnl_msg_packet_hdr *header = nfq_get_msg_packet_hdr(packet);
  unsigned char *payload = NULL;
  int length = nfq_get_payload(packet, &payload);
  checksum += nfq_get_nfmark(packet) + nfq_get_outdev(packet);
  if (length > 0) checksum += look_at(payload, (unsigned)length);
  uint32_t id = ntohl(header->packet_id);
  answered++;
  meter.send_calls++;
  switch (answer) {
  case ANSWER_DROP: return nfq_set_verdict(queue, id, NF_DROP, 0, NULL);
  case ANSWER_MARK: return nfq_set_verdict2(queue, id, NF_ACCEPT, MARK, 0, NULL);
  case ANSWER_PAYLOAD:
    if (length <= 0) break;
    change(payload, (unsigned)length);
    return nfq_set_verdict(queue, id, NF_ACCEPT, (uint32_t)length, payload);
  case ANSWER_ACCEPT: break;
  }
  return nfq_set_verdict(queue, id, NF_ACCEPT, 0, NULL);
}

int main(int argc, char **argv) {
  static char buffer[0xffff + 4096] __attribute__((aligned));
  arguments_of(argc, argv);
  answer = answer_wanted();
  uint32_t range = (uint32_t)number("range", 65531);
  struct nfq_handle *handle = nfq_open();
  struct nfq_q_handle *queue =
      handle == NULL ? NULL : nfq_create_queue(handle, (uint16_t)number("queue", 0), on_packet, NULL);
  if (queue == NULL || nfq_set_queue_maxlen(queue, (uint32_t)number("maxlength", 1024)) < 0 ||
      nfq_set_mode(queue, range == 0 ? NFQNL_COPY_META : NFQNL_COPY_PACKET, range) < 0) {
    perror("queue-nfq");
    return 1;
  }
  if (number("gso", 0) != 0) nfq_set_queue_flags(queue, NFQA_CFG_F_GSO, NFQA_CFG_F_GSO);
  int descriptor = nfq_fd(handle), one = 1;
  receive_buffer(descriptor, number("buffer", 1 << 27));
  setsockopt(descriptor, SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof one);
  meter_ready();
  for (;;) {
    ssize_t received = recv(descriptor, buffer, sizeof buffer, 0);
    meter.receive_calls++;
    if (received < 0) {
      perror("queue-nfq: receive");
      return 1;
    }
    meter_received();
    answered = 0;
    nfq_handle_packet(handle, buffer, (int)received);
    meter.checksum = checksum;
    meter_answered(answered);
  }
}
