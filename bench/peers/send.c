/* Sends COUNT datagrams of SIZE bytes to 127.0.0.1:PORT as fast as the machine can, 64 with one system call. With a fourth
 * argument, at most that many packets a second. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BATCH = 64, LARGEST = 65000 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: send PORT COUNT SIZE [RATE]\n");
    return 2;
  }
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  long count = atol(argv[2]);
  size_t size = (size_t)atoi(argv[3]);
  double rate = argc > 4 ? atof(argv[4]) : 0;
  static char payload[LARGEST];
  memset(payload, 'x', sizeof payload);
  int descriptor = socket(AF_INET, SOCK_DGRAM, 0);
  if (size > LARGEST || descriptor < 0 || connect(descriptor, (struct sockaddr *)&to, sizeof to) != 0) {
    perror("send");
    return 1;
  }
  struct iovec vector = {payload, size};
  struct mmsghdr messages[BATCH];
  memset(messages, 0, sizeof messages);
  for (int i = 0; i < BATCH; i++) {
    messages[i].msg_hdr.msg_iov = &vector;
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  double start = now();
  for (long sent = 0; sent < count;) {
    while (rate > 0 && sent > (now() - start) * rate) {}
    long left = count - sent;
    int done = sendmmsg(descriptor, messages, left < BATCH ? (unsigned)left : BATCH, 0);
    /* A receiver that does not listen answers with an error of its own; the packet was sent and logged all the same. */
    if (done > 0) sent += done;
  }
  return 0;
}
