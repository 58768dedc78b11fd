// SPDX-License-Identifier: MIT
// Lists connections with libmnl and libnetfilter_conntrack, as their users do: every row becomes an object, of which
// some attributes are read. `conntrack WARM ROUNDS` prints one line of JSON; `conntrack tool ROUNDS COMMAND...` that of
// a program that prints a line for each row; `conntrack fill COUNT` makes that many connections.
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

enum { BUFFER = 32768 };

static unsigned long rows, calls, sum;

static void die(const char *what) {
  perror(what);
  exit(1);
}

static struct nlmsghdr *header(char *buffer, uint16_t type, uint16_t flags) {
  struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
  message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | type;
  message->nlmsg_flags = NLM_F_REQUEST | flags;
  struct nfgenmsg *extra = mnl_nlmsg_put_extra_header(message, sizeof *extra);
  extra->nfgen_family = AF_UNSPEC;
  extra->version = NFNETLINK_V0;
  return message;
}

static int on_row(const struct nlmsghdr *message, void *data) {
  (void)data;
  struct nf_conntrack *connection = nfct_new();
  if (connection == NULL) return MNL_CB_ERROR;
  nfct_nlmsg_parse(message, connection);
  sum += nfct_get_attr_u32(connection, ATTR_ID) + nfct_get_attr_u16(connection, ATTR_ORIG_PORT_SRC) +
         nfct_get_attr_u32(connection, ATTR_ORIG_IPV4_SRC) + nfct_get_attr_u32(connection, ATTR_MARK) +
         nfct_get_attr_u32(connection, ATTR_STATUS) + nfct_get_attr_u32(connection, ATTR_TIMEOUT);
  nfct_destroy(connection);
  rows++;
  return MNL_CB_OK;
}

static void list(struct mnl_socket *socket) {
  static char buffer[BUFFER];
  struct nlmsghdr *request = header(buffer, IPCTNL_MSG_CT_GET, NLM_F_DUMP);
  if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) die("send");
  calls++;
  for (;;) {
    ssize_t length = mnl_socket_recvfrom(socket, buffer, sizeof buffer);
    calls++;
    if (length < 0) die("receive");
    if (mnl_cb_run(buffer, length, 0, mnl_socket_get_portid(socket), on_row, NULL) <= MNL_CB_STOP) return;
  }
}

static void fill(struct mnl_socket *socket, unsigned count) {
  char buffer[1024];
  for (unsigned i = 0; i < count; i++) {
    struct nf_conntrack *connection = nfct_new();
    nfct_set_attr_u8(connection, ATTR_L3PROTO, AF_INET);
    nfct_set_attr_u32(connection, ATTR_IPV4_SRC, htonl(0x0a000001 + (i >> 15 << 8)));
    nfct_set_attr_u32(connection, ATTR_IPV4_DST, htonl(0x0a090909));
    nfct_set_attr_u8(connection, ATTR_L4PROTO, IPPROTO_TCP);
    nfct_set_attr_u16(connection, ATTR_PORT_SRC, htons(1 + (i & 0x7fff)));
    nfct_set_attr_u16(connection, ATTR_PORT_DST, htons(443));
    nfct_setobjopt(connection, NFCT_SOPT_SETUP_REPLY);
    nfct_set_attr_u8(connection, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
    nfct_set_attr_u32(connection, ATTR_STATUS, IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED);
    nfct_set_attr_u32(connection, ATTR_TIMEOUT, 100000);
    nfct_set_attr_u32(connection, ATTR_MARK, i);
    struct nlmsghdr *request = header(buffer, IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL);
    ((struct nfgenmsg *)mnl_nlmsg_get_payload(request))->nfgen_family = AF_INET;
    nfct_nlmsg_build(request, connection);
    if (mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) die("send");
    nfct_destroy(connection);
  }
}

// Runs a command and counts the lines that it prints.
static void run_tool(char **args) {
  int ends[2];
  if (pipe(ends) < 0) die("pipe");
  pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    if (freopen("/dev/null", "w", stderr) == NULL) die("/dev/null");
    execvp(args[0], args);
    _exit(127);
  }
  close(ends[1]);
  static char text[1 << 16];
  for (ssize_t length; (length = read(ends[0], text, sizeof text)) > 0;)
    for (ssize_t i = 0; i < length; i++) rows += text[i] == '\n';
  close(ends[0]);
  int status;
  if (waitpid(child, &status, 0) < 0 || status != 0) die(args[0]);
}

static void report(int who, const struct rusage *before, const struct timespec *start) {
  struct rusage after;
  struct timespec end;
  getrusage(who, &after);
  clock_gettime(CLOCK_MONOTONIC, &end);
#define SECONDS(field) (after.field.tv_sec - before->field.tv_sec + (after.field.tv_usec - before->field.tv_usec) / 1e6)
  printf("{\"rows\":%lu,", rows);
  if (calls > 0) printf("\"systemCalls\":%lu,", calls);
  printf("\"cpuSeconds\":%.6f,\"seconds\":%.6f,\"peakKilobytes\":%ld,\"sum\":%lu}\n",
         SECONDS(ru_utime) + SECONDS(ru_stime), end.tv_sec - start->tv_sec + (end.tv_nsec - start->tv_nsec) / 1e9,
         after.ru_maxrss, sum);
  // It stays until that has been read: the bench reads the processor time of a process that is there.
  fflush(stdout);
  while (getchar() != EOF) continue;
}

int main(int count, char **args) {
  struct rusage before;
  struct timespec start;
  if (count > 3 && strcmp(args[1], "tool") == 0) {
    getrusage(RUSAGE_CHILDREN, &before);
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long i = strtol(args[2], NULL, 10); i > 0; i--) run_tool(args + 3);
    report(RUSAGE_CHILDREN, &before, &start);
    return 0;
  }
  if (count != 3) return 2;
  struct mnl_socket *socket = mnl_socket_open(NETLINK_NETFILTER);
  if (socket == NULL || mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) die("open");
  if (strcmp(args[1], "fill") == 0) {
    fill(socket, strtoul(args[2], NULL, 10));
    return 0;
  }
  for (long i = strtol(args[1], NULL, 10); i > 0; i--) list(socket);
  rows = calls = 0;
  getrusage(RUSAGE_SELF, &before);
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (long i = strtol(args[2], NULL, 10); i > 0; i--) list(socket);
  report(RUSAGE_SELF, &before, &start);
  return 0;
}
