// SPDX-License-Identifier: MIT
//
// Sends datagrams to netfilter, each a line of hex on stdin, over one socket with NETLINK_EXT_ACK, and receives what is
// answered; listen.c, loaded into it, writes both down. For requests that no tool makes.
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netlink.h>

static char line[1 << 16], bytes[1 << 15], answer[1 << 16];

int main(void) {
  int on = 1, fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  if (fd < 0 || setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on) < 0) {
    perror("netlink socket");
    return 1;
  }
  while (fgets(line, sizeof line, stdin)) {
    size_t length = strcspn(line, "\n") / 2;
    for (size_t i = 0; i < length; i++) {
      char digits[3] = {line[2 * i], line[2 * i + 1], 0};
      bytes[i] = strtol(digits, NULL, 16);
    }
    if (sendto(fd, bytes, length, 0, (struct sockaddr *)&kernel, sizeof kernel) < 0) {
      perror("sendto");
      return 1;
    }
    // Netfilter answers before send returns, a dump's next part before its last was read: what is to come is there.
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    struct iovec part = {.iov_base = answer, .iov_len = sizeof answer};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    while (poll(&wait, 1, 0) > 0 && recvmsg(fd, &message, 0) > 0)
      ;
  }
  return 0;
}
