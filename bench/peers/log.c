/*
 * The best C we can write for reading a packet log: recvmmsg into preallocated buffers and one walk over the attributes
 * of each record, which reads sequence, mark, prefix and three bytes of the payload. Prints READY, then the CPU time
 * between record WARM and record WARM + COUNT as one JSON object. With an INTERVAL in milliseconds it rests so long
 * between two times that it has read all there was, as ringlink does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include "netlink.h"

enum { BATCH = 64, FRAME = 131072 + 1024 };

static double cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void rest(double seconds) {
  struct timespec time = {0, (long)(seconds * 1e9)};
  if (seconds > 0) nanosleep(&time, NULL);
}

static int configure(int descriptor, uint16_t group, uint32_t range, uint32_t threshold, uint32_t buffer) {
  static char request[512];
  memset(request, 0, sizeof request);
  struct nlmsghdr *header = (struct nlmsghdr *)request;
  struct nfgenmsg *generic = NLMSG_DATA(header);
  header->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
  header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  generic->res_id = htons(group);
  char *at = request + NLMSG_LENGTH(sizeof *generic);
  struct nfulnl_msg_config_cmd command = {NFULNL_CFG_CMD_BIND};
  struct nfulnl_msg_config_mode mode = {.copy_range = htonl(range), .copy_mode = NFULNL_COPY_PACKET};
  uint32_t be_threshold = htonl(threshold), be_buffer = htonl(buffer);
  uint16_t flags = htons(NFULNL_CFG_F_SEQ);
  at = put_attribute(at, NFULA_CFG_CMD, &command, sizeof command);
  at = put_attribute(at, NFULA_CFG_MODE, &mode, sizeof mode);
  at = put_attribute(at, NFULA_CFG_QTHRESH, &be_threshold, 4);
  at = put_attribute(at, NFULA_CFG_NLBUFSIZ, &be_buffer, 4);
  at = put_attribute(at, NFULA_CFG_FLAGS, &flags, 2);
  header->nlmsg_len = (uint32_t)(at - request);
  if (send(descriptor, request, header->nlmsg_len, 0) < 0) return -1;
  char reply[4096];
  if (recv(descriptor, reply, sizeof reply, 0) < 0) return -1;
  return ((struct nlmsgerr *)NLMSG_DATA(reply))->error;
}

int main(int argc, char **argv) {
  if (argc < 6) {
    fprintf(stderr, "usage: log GROUP WARM COUNT THRESHOLD BUFFER [INTERVAL]\n");
    return 2;
  }
  long warm = atol(argv[2]), count = atol(argv[3]);
  int descriptor = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
  struct sockaddr_nl self = {.nl_family = AF_NETLINK};
  receive_buffer(descriptor, 1 << 27);
  if (bind(descriptor, (struct sockaddr *)&self, sizeof self) != 0 ||
      configure(descriptor, (uint16_t)atoi(argv[1]), 64, (uint32_t)atoi(argv[4]), (uint32_t)atoi(argv[5])) != 0) {
    perror("log");
    return 1;
  }
  char *frames = malloc((size_t)BATCH * FRAME);
  struct iovec vectors[BATCH];
  struct mmsghdr messages[BATCH];
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < BATCH; i++) {
    vectors[i] = (struct iovec){frames + (size_t)i * FRAME, FRAME};
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  printf("READY\n");
  fflush(stdout);
  long records = 0, lost = 0;
  uint64_t checksum = 0;
  uint32_t expected = 0;
  double start = 0, end = 0, interval = argc > 6 ? atof(argv[6]) / 1000 : 0, awake = 0;
  while (records + lost < warm + count) {
    int received = recvmmsg(descriptor, messages, BATCH, MSG_WAITFORONE, NULL);
    if (received < 0) {
      if (errno == ENOBUFS || errno == EINTR) continue;
      perror("recvmmsg");
      return 1;
    }
    for (int i = 0; i < received; i++) {
      struct nlmsghdr *header = vectors[i].iov_base;
      for (int left = (int)messages[i].msg_len; NLMSG_OK(header, (unsigned)left); header = NLMSG_NEXT(header, left)) {
        if (header->nlmsg_type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET)) continue;
        char *at = (char *)header + NLMSG_LENGTH(sizeof(struct nfgenmsg));
        int rest = (int)header->nlmsg_len - (int)NLMSG_LENGTH(sizeof(struct nfgenmsg));
        uint32_t sequence = expected;
        while (rest >= (int)NLA_HDRLEN) {
          struct nlattr *attribute = (struct nlattr *)at;
          if (attribute->nla_len < NLA_HDRLEN || attribute->nla_len > rest) break;
          unsigned char *data = (unsigned char *)at + NLA_HDRLEN;
          switch (attribute->nla_type & NLA_TYPE_MASK) {
          case NFULA_SEQ: sequence = ntohl(*(uint32_t *)data); break;
          case NFULA_MARK: checksum += ntohl(*(uint32_t *)data); break;
          case NFULA_PREFIX: checksum += data[0]; break;
          case NFULA_PAYLOAD: checksum += data[9] + data[22] + data[23]; break;
          }
          at += NLA_ALIGN(attribute->nla_len);
          rest -= NLA_ALIGN(attribute->nla_len);
        }
        lost += (uint32_t)(sequence - expected);
        expected = sequence + 1;
        records++;
      }
    }
    if (interval > 0 && received < BATCH) {
      rest(awake + interval - now());
      awake = now();
    }
    if (start == 0 && records + lost >= warm) start = cpu_seconds(), warm = records + lost;
  }
  end = cpu_seconds();
  printf("{\"records\":%ld,\"lost\":%ld,\"measured\":%ld,\"cpuSeconds\":%.6f,\"checksum\":%llu}\n", records, lost,
         records + lost - warm, end - start, (unsigned long long)checksum);
  return 0;
}
