/*
 * The traffic of every measurement. Prints READY when its sockets are there, and one line of JSON when it is done;
 * stays until its standard input ends, so that its CPU time can still be read.
 *
 *   mode=closed   at most `window` datagrams in flight, for `seconds` or `count` of them
 *   mode=latency  one in flight, and how long each took
 *   mode=flood    as fast as the machine can, for `seconds` or `count`; `rate` a second at most
 *   mode=fill     `count` of them as fast as the machine can, and after a line on standard input what was delivered
 *
 * `size` bytes each, to `addresses` addresses from 127.0.0.1 on in turn, `port`; pinned to `cpu` if that is given.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "arguments.h"

enum { BATCH = 64, LARGEST = 65000, LARGEST_LATENCIES = 2000000 };

/* How long what is in flight may take to arrive once nothing more is sent. */
static const double PATIENCE = 1.0;

static int sender, receiver;
static struct mmsghdr outgoing[BATCH], incoming[BATCH];
static struct sockaddr_in addresses[BATCH];
static long next_address, address_count;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void open_sockets(void) {
  static char payload[LARGEST], byte[BATCH];
  static struct iovec out = {payload, 0}, in[BATCH];
  struct sockaddr_in self = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number("port", 9000))};
  int size = 1 << 29;
  /* Letters and blanks, always the same: something to read for those who read it. */
  uint32_t random = 1;
  for (int i = 0; i < LARGEST; i++) {
    random = random * 1664525 + 1013904223;
    payload[i] = " abcdefghijklmnopqrstuvwxyz etaoi"[random >> 27];
  }
  out.iov_len = (size_t)number("size", 64);
  sender = socket(AF_INET, SOCK_DGRAM, 0);
  receiver = socket(AF_INET, SOCK_DGRAM, 0);
  if (setsockopt(sender, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
    setsockopt(sender, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  if (setsockopt(receiver, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
    setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (out.iov_len > LARGEST || bind(receiver, (struct sockaddr *)&self, sizeof self) != 0) {
    perror("send");
    exit(1);
  }
  address_count = (long)number("addresses", 1);
  /* A connected socket looks its route up once. */
  struct sockaddr_in other = self;
  other.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (address_count == 1 && connect(sender, (struct sockaddr *)&other, sizeof other) != 0) {
    perror("send: connect");
    exit(1);
  }
  for (int i = 0; i < BATCH; i++) {
    addresses[i] = self;
    /* Other addresses than a queue-balance hashes alike: one in each of as many networks. */
    addresses[i].sin_addr.s_addr = htonl(0x7f010001u + (uint32_t)i * 257);
    in[i] = (struct iovec){&byte[i], 1};
    outgoing[i].msg_hdr.msg_iov = &out;
    outgoing[i].msg_hdr.msg_iovlen = 1;
    incoming[i].msg_hdr.msg_iov = &in[i];
    incoming[i].msg_hdr.msg_iovlen = 1;
  }
}

/* Sends up to a batch; how many. What a rule or a full queue refused counts as sent: it reached the firewall. */
static long send_some(long most) {
  int burst = most < BATCH ? (int)most : BATCH;
  if (burst <= 0) return 0;
  for (int i = 0; address_count > 1 && i < burst; i++) {
    outgoing[i].msg_hdr.msg_name = &addresses[next_address++ % address_count];
    outgoing[i].msg_hdr.msg_namelen = sizeof *addresses;
  }
  int sent = sendmmsg(sender, outgoing, (unsigned)burst, 0);
  if (sent > 0) return sent;
  return errno == EPERM || errno == ENOBUFS || errno == ECONNREFUSED ? 1 : 0;
}

static long receive_some(void) {
  int received = recvmmsg(receiver, incoming, BATCH, MSG_DONTWAIT, NULL);
  return received < 0 ? 0 : received;
}

/* Arriving packets are not read: they are counted when they are dropped. */
static void discard(void) {
  struct sock_filter none = {BPF_RET | BPF_K, 0, 0, 0};
  struct sock_fprog program = {1, &none};
  setsockopt(receiver, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static uint32_t discarded(void) {
  uint32_t information[SK_MEMINFO_VARS] = {0};
  socklen_t length = sizeof information;
  getsockopt(receiver, SOL_SOCKET, SO_MEMINFO, information, &length);
  return information[SK_MEMINFO_DROPS];
}

static void wait_readable(int milliseconds) {
  struct pollfd descriptor = {.fd = receiver, .events = POLLIN};
  poll(&descriptor, 1, milliseconds);
}

static int goes_on(long sent, double start) {
  long count = (long)number("count", 0);
  return count > 0 ? sent < count : now() - start < number("seconds", 1);
}

/*
 * Sends in bursts, as a busy network card delivers: a datagram at a time would measure the sender's wake-ups. It must
 * not be what is measured, so it does not read what arrives but has it counted, and asks again and again while there is
 * no room for a burst, except for a window of one, where it can only wait.
 */
static void closed_loop(void) {
  long window = (long)number("window", 1024), count = (long)number("count", 0), sent = 0, received = 0;
  long burst = window / 4 > BATCH ? BATCH : (window + 3) / 4;
  double start = now(), last = start;
  int sending = 1;
  if (window > 1) discard();
  while (sending || (received < sent && now() - last < PATIENCE)) {
    long room = window - (sent - received);
    if (count > 0 && room > count - sent) room = count - sent;
    if (sending && (room >= burst || (count > 0 && room == count - sent))) sent += send_some(room);
    if (window == 1) wait_readable(50);
    long arrived = window == 1 ? receive_some() : (long)discarded() - received;
    received += arrived;
    if (arrived > 0) last = now();
    sending = goes_on(sent, start);
  }
  printf("{\"sent\":%ld,\"received\":%ld,\"seconds\":%.6f}\n", sent, received, last - start);
}

static int ascending(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static void latency(void) {
  static float times[LARGEST_LATENCIES];
  long sent = 0, received = 0;
  double start = now();
  while (goes_on(sent, start) && sent < LARGEST_LATENCIES) {
    double before = now();
    char byte;
    send_some(1);
    sent++;
    if (recv(receiver, &byte, 1, 0) > 0) received++;
    times[sent - 1] = (float)((now() - before) * 1e6);
  }
  /* The slow start is not part of the measurement. */
  long skipped = sent / 20, measured = sent - skipped;
  qsort(times + skipped, (size_t)measured, sizeof *times, ascending);
  const float *sorted = times + skipped;
  printf("{\"sent\":%ld,\"received\":%ld,\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f}\n", sent, received,
         sorted[measured / 2], sorted[measured * 99 / 100], sorted[measured * 999 / 1000]);
}

static void flood(void) {
  long sent = 0, count = (long)number("count", 0);
  double start = now(), rate = number("rate", 0);
  while (goes_on(sent, start)) {
    while (rate > 0 && sent > (now() - start) * rate) {}
    sent += send_some(count > 0 ? count - sent : BATCH);
  }
  printf("{\"sent\":%ld,\"received\":%u,\"seconds\":%.6f}\n", sent, discarded(), now() - start);
}

static void wait_for_line(void) {
  char byte;
  while (read(0, &byte, 1) == 1 && byte != '\n') {}
}

/* The kernel's threads may still deliver what has its verdict: until nothing more comes. */
static uint32_t settled(void) {
  struct timespec pause = {0, 30000000};
  uint32_t seen = discarded();
  for (;;) {
    nanosleep(&pause, NULL);
    uint32_t now_seen = discarded();
    if (now_seen == seen) return seen;
    seen = now_seen;
  }
}

static void fill(void) {
  long sent = 0, count = (long)number("count", 60000);
  while (sent < count) sent += send_some(count - sent);
  printf("FILLED\n");
  fflush(stdout);
  wait_for_line();
  printf("{\"sent\":%ld,\"received\":%u}\n", sent, settled());
}

int main(int argc, char **argv) {
  arguments_of(argc, argv);
  const char *mode = argument("mode", "closed");
  if (number("cpu", -1) >= 0) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((int)number("cpu", 0), &set);
    sched_setaffinity(0, sizeof set, &set);
  }
  open_sockets();
  if (strcmp(mode, "closed") != 0 && strcmp(mode, "latency") != 0) discard();
  printf("READY\n");
  fflush(stdout);
  if (strcmp(mode, "closed") == 0) closed_loop();
  else if (strcmp(mode, "latency") == 0) latency();
  else if (strcmp(mode, "flood") == 0) flood();
  else if (strcmp(mode, "fill") == 0) fill();
  else return 2;
  fflush(stdout);
  wait_for_line();
  return 0;
}
