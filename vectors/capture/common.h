// SPDX-License-Identifier: MIT
//
// What queue.c and log.c share: records, rules, the netlink socket, and the traffic. Each of them is one program and
// one file beside this one, so the functions live here whole; define PACKET_TYPE, the type of the messages that carry
// packets, before including it.
#pragma once
#pragma GCC diagnostic ignored "-Wunused-function"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <libmnl/libmnl.h>

#define PORT 5000 // UDP destination
#define SOURCE_PORT 40000

#define LIB_MNL "libmnl 1.0.4"

// records

static void die(const char *format, ...) {
  va_list ap;
  va_start(ap, format);
  vfprintf(stderr, format, ap);
  va_end(ap);
  fprintf(stderr, " (errno %d %s)\n", errno, strerror(errno));
  exit(1);
}

static void record(const char *name, const char *from, const char *protocol, const char *command, const char *library,
                   const char *note, const void *bytes, size_t length) {
  const unsigned char *p = bytes;
  printf("name: %s\nfrom: %s\nprotocol: %s\ncommand: %s\n", name, from, protocol, command);
  if (library && *library) printf("library: %s\n", library);
  if (note && *note) printf("note: %s\n", note);
  printf("hex: ");
  for (size_t i = 0; i < length; i++) printf("%02x", p[i]);
  printf("\n\n");
  fflush(stdout);
}

static void shell(const char *format, ...) {
  char line[1024];
  va_list ap;
  va_start(ap, format);
  vsnprintf(line, sizeof line, format, ap);
  va_end(ap);
  fflush(stdout);
  int rc = system(line);
  if (rc != 0) die("failed: %s", line);
}

// One rule at a time is in force: rule() adds it, unrule() takes it away. The text becomes the "command" of what it
// causes.
static char rule_text[512], traffic_text[512], cause_text[1100];

static void rule(const char *format, ...) {
  va_list ap;
  va_start(ap, format);
  vsnprintf(rule_text, sizeof rule_text, format, ap);
  va_end(ap);
  shell("%s", rule_text);
}

static void unrule(void) {
  char *copy = strdup(rule_text), *save = NULL;
  for (char *part = strtok_r(copy, ";", &save); part; part = strtok_r(NULL, ";", &save)) {
    char *flag = strstr(part, " -A ");
    if (flag) {
      flag[2] = 'D';
      shell("%s", part);
    }
  }
  free(copy);
  rule_text[0] = 0;
}

static const char *cause(void) {
  snprintf(cause_text, sizeof cause_text, "%s%s%s", rule_text, *rule_text && *traffic_text ? "; " : "", traffic_text);
  return cause_text;
}

// netlink side

struct port {
  struct mnl_socket *nl;
  unsigned int seq;
  const char *protocol;
};

static char out[8192] __attribute__((aligned(8)));  // the request being built
static char in[300000] __attribute__((aligned(8))); // the datagram last received

static struct port open_port(int bus, const char *protocol, unsigned int id) {
  struct port port = {.nl = mnl_socket_open(bus), .seq = 0, .protocol = protocol};
  if (!port.nl || mnl_socket_bind(port.nl, 0, id) < 0) die("cannot open netlink bus %d", bus);
  return port;
}

static void option(struct port *port, int name) {
  int one = 1;
  if (mnl_socket_setsockopt(port->nl, name, &one, sizeof one) < 0) die("netlink option %d", name);
}

static ssize_t receive(struct port *port, int milliseconds) {
  struct pollfd wait = {.fd = mnl_socket_get_fd(port->nl), .events = POLLIN};
  if (poll(&wait, 1, milliseconds) <= 0) return 0;
  return mnl_socket_recvfrom(port->nl, in, sizeof in);
}

// Packets that arrive while an answer is awaited are kept here, in order.
static struct {
  char *bytes;
  size_t length;
} waiting[16];
static int waiting_count;

static void keep(const void *bytes, size_t length) {
  if (waiting_count == 16) die("too many packets waiting");
  waiting[waiting_count].bytes = memcpy(malloc(length), bytes, length);
  waiting[waiting_count++].length = length;
}

static bool is_packet(const void *bytes) { return ((const struct nlmsghdr *)bytes)->nlmsg_type == PACKET_TYPE; }

// Sends what is in nlh; records it (unless name is NULL) and the kernel's answer. Returns the answer's errno, 1 when
// none came.
static int send_request(struct port *port, struct nlmsghdr *nlh, const char *name, const char *answer_name,
                        const char *command, const char *library, const char *note, const char *answer_note) {
  char answer[128];
  nlh->nlmsg_seq = ++port->seq;
  if (name) record(name, "user", port->protocol, command, library, note, nlh, nlh->nlmsg_len);
  if (mnl_socket_sendto(port->nl, nlh, nlh->nlmsg_len) < 0) die("send %s", name ? name : command);
  bool wants_ack = nlh->nlmsg_flags & NLM_F_ACK;
  for (;;) {
    ssize_t length = receive(port, wants_ack ? 2000 : 150);
    if (length <= 0) {
      if (wants_ack) die("no answer to %s", name ? name : command);
      return 1;
    }
    if (is_packet(in)) {
      keep(in, length);
      continue;
    }
    struct nlmsghdr *reply = (struct nlmsghdr *)in;
    if (reply->nlmsg_type != NLMSG_ERROR) continue;
    int code = ((struct nlmsgerr *)NLMSG_DATA(reply))->error;
    if (!answer_name && name) {
      snprintf(answer, sizeof answer, "%s-%s", name, code ? "error" : "ack");
      answer_name = answer;
    }
    if (answer_name) record(answer_name, "kernel", port->protocol, command, NULL, answer_note, in, length);
    if (answer_name || command)
      fprintf(stderr, "%-44s -> %s\n", answer_name ? answer_name : command, code ? strerror(-code) : "ack");
    return code;
  }
}

static int request(struct port *port, struct nlmsghdr *nlh, const char *name, const char *command, const char *library,
                   const char *note) {
  return send_request(port, nlh, name, NULL, command, library, note, NULL);
}

// traffic side

static const char *ns_a, *ns_b; // pids of two processes in other network namespaces

static void traffic(const char *format, ...) {
  va_list ap;
  va_start(ap, format);
  vsnprintf(traffic_text, sizeof traffic_text, format, ap);
  va_end(ap);
}

static void enter(const char *pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%s/ns/net", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET) < 0) die("enter namespace of %s", pid);
  close(fd);
}

static socklen_t address(struct sockaddr_storage *to, const char *text, int port) {
  memset(to, 0, sizeof *to);
  struct sockaddr_in *v4 = (void *)to;
  struct sockaddr_in6 *v6 = (void *)to;
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    return sizeof *v4;
  }
  if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1) die("address %s", text);
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  return sizeof *v6;
}

static int udp_socket(const char *from, int port) {
  struct sockaddr_storage addr;
  socklen_t length = address(&addr, from, port);
  int one = 1, fd = socket(addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (fd < 0 || bind(fd, (void *)&addr, length) < 0) die("udp socket %s %d", from, port);
  return fd;
}

static void udp_to(int fd, const char *to, int port, const char *text) {
  struct sockaddr_storage addr;
  socklen_t length = address(&addr, to, port);
  if (sendto(fd, text, strlen(text), 0, (void *)&addr, length) < 0) die("udp send to %s", to);
}

static void udp(const char *from, const char *to, int port, const char *text) {
  int fd = udp_socket(from, SOURCE_PORT);
  udp_to(fd, to, port, text);
  close(fd);
  traffic("send UDP %s:%d > %s:%d \"%s\"", from, SOURCE_PORT, to, port, text);
}

static void udp4(const char *text) { udp("127.0.0.1", "127.0.0.1", PORT, text); }

// Runs `body` in a child: for other namespaces, other users, other control groups.
#define IN_CHILD(body)                                                                                                 \
  do {                                                                                                                 \
    fflush(stdout);                                                                                                    \
    pid_t child_ = fork();                                                                                             \
    if (child_ == 0) {                                                                                                 \
      body;                                                                                                            \
      _exit(0);                                                                                                        \
    }                                                                                                                  \
    int status_;                                                                                                       \
    waitpid(child_, &status_, 0);                                                                                      \
    if (status_) die("a child failed: %s", #body);                                                                     \
  } while (0)

static unsigned short ones_sum(const unsigned char *p, int length) {
  unsigned int sum = 0;
  for (int i = 0; i + 1 < length; i += 2) sum += p[i] << 8 | p[i + 1];
  if (length & 1) sum += p[length - 1] << 8;
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum;
}

static void ping(int family, const char *from, const char *to, const char *text) {
  unsigned char echo[256] = {family == AF_INET ? 8 : 128, 0, 0, 0, 0x12, 0x34, 0, 1};
  int length = 8 + strlen(text);
  memcpy(echo + 8, text, strlen(text));
  if (family == AF_INET) {
    unsigned short sum = ones_sum(echo, length);
    echo[2] = sum >> 8;
    echo[3] = sum;
  }
  struct sockaddr_storage addr;
  int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
  socklen_t size = address(&addr, from, 0);
  if (fd < 0 || bind(fd, (void *)&addr, size) < 0) die("ping socket");
  size = address(&addr, to, 0);
  if (sendto(fd, echo, length, 0, (void *)&addr, size) < 0) die("ping %s", to);
  close(fd);
  traffic("send ICMP%s echo request %s > %s \"%s\"", family == AF_INET ? "" : "v6", from, to, text);
}

// An Ethernet frame with an 802.1Q tag around an IPv4 UDP datagram, sent as it is on `device`.
static void tagged_frame(const char *device, const unsigned char *to, const unsigned char *from, unsigned int tci,
                         const char *source, const char *destination, const char *text) {
  unsigned char frame[256] = {0}, *ip = frame + 18, *u = ip + 20;
  int data = strlen(text), total = 28 + data;
  memcpy(frame, to, 6);
  memcpy(frame + 6, from, 6);
  frame[12] = 0x81;
  frame[14] = tci >> 8;
  frame[15] = tci;
  frame[16] = 0x08;
  ip[0] = 0x45;
  ip[2] = total >> 8;
  ip[3] = total;
  ip[8] = 64;
  ip[9] = IPPROTO_UDP;
  inet_pton(AF_INET, source, ip + 12);
  inet_pton(AF_INET, destination, ip + 16);
  unsigned short sum = ones_sum(ip, 20);
  ip[10] = sum >> 8;
  ip[11] = sum;
  u[0] = SOURCE_PORT >> 8;
  u[1] = SOURCE_PORT & 255;
  u[2] = PORT >> 8;
  u[3] = PORT & 255;
  u[4] = (8 + data) >> 8;
  u[5] = 8 + data; // UDP checksum 0: none
  memcpy(u + 8, text, data);
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  struct sockaddr_ll addr = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(device), .sll_halen = 6};
  if (sendto(fd, frame, 18 + total, 0, (void *)&addr, sizeof addr) < 0) die("frame on %s", device);
  close(fd);
}

static void arp_request(const char *device, const unsigned char *from, const char *source, const char *target) {
  unsigned char frame[60] = {255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
  memcpy(frame + 6, from, 6);
  memcpy(frame + 22, from, 6);
  inet_pton(AF_INET, source, frame + 28);
  inet_pton(AF_INET, target, frame + 38);
  int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  struct sockaddr_ll addr = {.sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(device), .sll_halen = 6};
  if (sendto(fd, frame, sizeof frame, 0, (void *)&addr, sizeof addr) < 0) die("arp on %s", device);
  close(fd);
}

static int tcp_pair(const char *host, int port, int *server) {
  struct sockaddr_storage addr;
  socklen_t length = address(&addr, host, port);
  int one = 1, l = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(l, (void *)&addr, length) < 0 || listen(l, 4) < 0) die("listen %d", port);
  int c = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(c, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_storage from;
  socklen_t from_length = address(&from, host, SOURCE_PORT + 1);
  if (bind(c, (void *)&from, from_length) < 0 || connect(c, (void *)&addr, length) < 0) die("connect %d", port);
  *server = accept(l, NULL, NULL);
  close(l);
  return c;
}

static void show(const char *file, const char *word) {
  char line[600];
  FILE *f = fopen(file, "r");
  while (f && fgets(line, sizeof line, f))
    if (strstr(line, word)) fprintf(stderr, "    %s: %s", file, line);
  if (f) fclose(f);
}
