// SPDX-License-Identifier: MIT
//
// Captures the golden vectors of nfnetlink_log: every request is built by libmnl, everything else is what the running
// kernel sent. Each datagram is printed as a small text record on stdout; annotate.mjs turns the records into
// vectors/log/*.hex. Run it through capture.sh, which makes the namespaces it lives in. With the argument "measure" it
// captures nothing and prints what the kernel does.
//
// A datagram of nfnetlink_log may hold many messages. A record is always the whole datagram.
#define _GNU_SOURCE
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/sock_diag.h>

#define PACKET_TYPE (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET)
#include "common.h"

#define GROUP 5          // most packets
#define OTHER_GROUP 6    // configured, bound by others
#define UNBOUND_GROUP 77 // never bound
#define FULL 0xffff      // a copy range above every packet here

// netlink side

static struct nlmsghdr *begin(int type, unsigned int family, unsigned int group, int flags) {
  memset(out, 0, sizeof out);
  struct nlmsghdr *nlh = mnl_nlmsg_put_header(out);
  nlh->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | type;
  nlh->nlmsg_flags = NLM_F_REQUEST | flags;
  struct nfgenmsg *g = mnl_nlmsg_put_extra_header(nlh, sizeof *g);
  g->nfgen_family = family;
  g->version = NFNETLINK_V0;
  g->res_id = htons(group);
  return nlh;
}

static struct nlmsghdr *config(unsigned int group) { return begin(NFULNL_MSG_CONFIG, AF_UNSPEC, group, NLM_F_ACK); }

static void put_command(struct nlmsghdr *nlh, int command) {
  struct nfulnl_msg_config_cmd cmd = {.command = command};
  mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof cmd, &cmd);
}

static void put_mode(struct nlmsghdr *nlh, int mode, unsigned int range) {
  struct nfulnl_msg_config_mode params = {.copy_range = htonl(range), .copy_mode = mode};
  mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof params, &params);
}

static void put_u32(struct nlmsghdr *nlh, int attribute, unsigned int value) {
  mnl_attr_put_u32(nlh, attribute, htonl(value));
}

static void put_flags(struct nlmsghdr *nlh, unsigned int flags) {
  mnl_attr_put_u16(nlh, NFULA_CFG_FLAGS, htons(flags));
}

static int ask(struct port *port, struct nlmsghdr *nlh, const char *name, const char *command, const char *note,
               const char *answer_note) {
  return send_request(port, nlh, name, NULL, command, LIB_MNL, note, answer_note);
}

// Set-up that is not worth a vector.
static int quietly(struct port *port, struct nlmsghdr *nlh) {
  return send_request(port, nlh, NULL, NULL, NULL, NULL, NULL, NULL);
}

static void bind_group(struct port *port, unsigned int group) {
  struct nlmsghdr *nlh = config(group);
  put_command(nlh, NFULNL_CFG_CMD_BIND);
  if (quietly(port, nlh)) die("bind group %u", group);
}

static void unbind_group(struct port *port, unsigned int group) {
  struct nlmsghdr *nlh = config(group);
  put_command(nlh, NFULNL_CFG_CMD_UNBIND);
  if (quietly(port, nlh)) die("unbind group %u", group);
}

static void set_mode(struct port *port, int mode, unsigned int range) {
  struct nlmsghdr *nlh = config(GROUP);
  put_mode(nlh, mode, range);
  if (quietly(port, nlh)) die("mode");
}

static void set_number(struct port *port, int attribute, unsigned int value) {
  struct nlmsghdr *nlh = config(GROUP);
  put_u32(nlh, attribute, value);
  if (quietly(port, nlh)) die("attribute %d", attribute);
}

static int set_flags(struct port *port, unsigned int flags) {
  struct nlmsghdr *nlh = config(GROUP);
  put_flags(nlh, flags);
  return quietly(port, nlh);
}

struct contents {
  int packets;
  bool done;
  unsigned int first_seq, last_seq, last_global, payload;
  size_t first_message;
  unsigned char done_bytes[4];
};

static struct contents contents(const void *bytes, ssize_t length) {
  struct contents c = {.first_seq = ~0u};
  for (struct nlmsghdr *m = (void *)bytes; length > 0 && NLMSG_OK(m, (unsigned)length); m = NLMSG_NEXT(m, length)) {
    if (m->nlmsg_type == NLMSG_DONE) {
      c.done = true;
      memcpy(c.done_bytes, NLMSG_DATA(m), 4);
      continue;
    }
    if (m->nlmsg_type != PACKET_TYPE) continue;
    if (c.packets++ == 0) c.first_message = m->nlmsg_len;
    struct nlattr *a;
    mnl_attr_for_each(a, m, sizeof(struct nfgenmsg)) {
      if (mnl_attr_get_type(a) == NFULA_SEQ) {
        c.last_seq = ntohl(mnl_attr_get_u32(a));
        if (c.first_seq == ~0u) c.first_seq = c.last_seq;
      }
      if (mnl_attr_get_type(a) == NFULA_SEQ_GLOBAL) c.last_global = ntohl(mnl_attr_get_u32(a));
      if (mnl_attr_get_type(a) == NFULA_PAYLOAD) c.payload = mnl_attr_get_payload_len(a);
    }
  }
  return c;
}

// The next datagram with packets, in `in`; 0 when none comes in time.
static ssize_t datagram(struct port *port, int milliseconds) {
  if (waiting_count) {
    size_t length = waiting[0].length;
    memcpy(in, waiting[0].bytes, length);
    free(waiting[0].bytes);
    memmove(waiting, waiting + 1, --waiting_count * sizeof waiting[0]);
    return length;
  }
  return receive(port, milliseconds);
}

// Records the next datagram under `name` (NULL: throws it away).
static struct contents take(struct port *port, const char *name, const char *note) {
  ssize_t length = datagram(port, 2500);
  if (length <= 0) {
    fprintf(stderr, "%-44s -> NO PACKET\n", name ? name : "?");
    return (struct contents){0};
  }
  if (!is_packet(in)) die("not a packet (%s): type %x", name ? name : "?", ((struct nlmsghdr *)in)->nlmsg_type);
  struct contents c = contents(in, length);
  if (name) {
    record(name, "kernel", port->protocol, cause(), NULL, note, in, length);
    fprintf(stderr, "%-44s -> %d packets%s, %zd bytes\n", name, c.packets, c.done ? " and DONE" : "", length);
    while (!waiting_count && receive(port, 30) > 0) fprintf(stderr, "%-44s    ONE MORE, thrown away\n", name);
  }
  return c;
}

// A rule in a table of its own, in any family of nftables. The shell sees it in single quotes.
static const char *table_family;

static bool table(const char *family, const char *format, ...) {
  char body[400];
  va_list ap;
  va_start(ap, format);
  vsnprintf(body, sizeof body, format, ap);
  va_end(ap);
  snprintf(rule_text, sizeof rule_text, "nft 'table %s ringlink { chain c { %s; }; }'", family, body);
  table_family = family;
  fflush(stdout);
  if (system(rule_text) == 0) return true;
  fprintf(stderr, "refused: %s\n", rule_text);
  rule_text[0] = 0;
  return false;
}

static void untable(void) {
  shell("nft delete table %s ringlink", table_family);
  rule_text[0] = 0;
}

// chapters

static void chapter_config(struct port *port) {
  struct nlmsghdr *nlh;
  struct port other = open_port(NETLINK_NETFILTER, "netfilter", 6050);

  nlh = begin(NFULNL_MSG_CONFIG, AF_INET, 0, NLM_F_ACK);
  put_command(nlh, NFULNL_CFG_CMD_PF_BIND);
  ask(port, nlh, "config-pf-bind", "NFULA_CFG_CMD PF_BIND, nfgen_family AF_INET",
      "the family is the one of nfgenmsg; the group does not matter", NULL);
  nlh = begin(NFULNL_MSG_CONFIG, AF_INET, 0, NLM_F_ACK);
  put_command(nlh, NFULNL_CFG_CMD_PF_BIND);
  ask(port, nlh, "config-pf-bind-twice", "NFULA_CFG_CMD PF_BIND, nfgen_family AF_INET, for the second time", NULL,
      NULL);
  nlh = begin(NFULNL_MSG_CONFIG, AF_INET, 0, NLM_F_ACK);
  put_command(nlh, NFULNL_CFG_CMD_PF_UNBIND);
  ask(port, nlh, "config-pf-unbind", "NFULA_CFG_CMD PF_UNBIND, nfgen_family AF_INET", NULL, NULL);
  nlh = begin(NFULNL_MSG_CONFIG, 99, 0, NLM_F_ACK);
  put_command(nlh, NFULNL_CFG_CMD_PF_BIND);
  ask(port, nlh, "config-pf-bind-unknown-family", "NFULA_CFG_CMD PF_BIND, nfgen_family 99", NULL, NULL);

  nlh = config(GROUP);
  put_mode(nlh, NFULNL_COPY_META, 0);
  ask(port, nlh, "config-mode-unbound", "NFULA_CFG_MODE of a group that is not bound", NULL, NULL);
  ask(port, config(GROUP), "config-empty-unbound",
      "a config message without any attribute, for a group that is not bound", NULL, NULL);

  nlh = config(GROUP);
  put_command(nlh, NFULNL_CFG_CMD_BIND);
  ask(port, nlh, "config-bind", "NFULA_CFG_CMD BIND", NULL, NULL);
  show("/proc/net/netfilter/nfnetlink_log", " ");
  nlh = config(GROUP);
  put_command(nlh, NFULNL_CFG_CMD_BIND);
  ask(port, nlh, "config-bind-twice", "BIND of a group that this socket has bound already", NULL, NULL);
  nlh = config(GROUP);
  put_command(nlh, NFULNL_CFG_CMD_BIND);
  ask(&other, nlh, "config-bind-other-owner", "BIND of a group that another socket has bound", NULL, NULL);
  nlh = config(GROUP);
  put_command(nlh, NFULNL_CFG_CMD_UNBIND);
  ask(&other, nlh, "config-unbind-other-owner", "UNBIND of a group that another socket has bound", NULL, NULL);
  nlh = config(GROUP);
  put_mode(nlh, NFULNL_COPY_META, 0);
  ask(&other, nlh, "config-mode-other-owner", "NFULA_CFG_MODE of a group that another socket has bound", NULL, NULL);
  nlh = config(GROUP);
  put_command(nlh, NFULNL_CFG_CMD_NONE);
  ask(port, nlh, "config-command-none", "NFULA_CFG_CMD NONE", NULL, NULL);
  nlh = config(GROUP);
  put_command(nlh, 9);
  ask(port, nlh, "config-command-unknown", "NFULA_CFG_CMD 9", NULL, NULL);
  ask(port, config(GROUP), "config-empty", "a config message without any attribute", NULL, NULL);

  nlh = config(GROUP);
  put_mode(nlh, NFULNL_COPY_NONE, 0);
  ask(port, nlh, "config-mode-none", "NFULA_CFG_MODE NONE, range 0", NULL, NULL);
  nlh = config(GROUP);
  put_mode(nlh, NFULNL_COPY_META, 0);
  ask(port, nlh, "config-mode-meta", "NFULA_CFG_MODE META, range 0", NULL, NULL);
  nlh = config(GROUP);
  put_mode(nlh, NFULNL_COPY_PACKET, 128);
  ask(port, nlh, "config-mode-packet-range", "NFULA_CFG_MODE PACKET, range 128", NULL, NULL);
  nlh = config(GROUP);
  put_mode(nlh, NFULNL_COPY_PACKET, 0xffffffff);
  ask(port, nlh, "config-mode-packet-full", "NFULA_CFG_MODE PACKET, range 0xffffffff",
      "the kernel caps the range at 65531", NULL);
  show("/proc/net/netfilter/nfnetlink_log", " ");
  nlh = config(GROUP);
  put_mode(nlh, 7, 128);
  ask(port, nlh, "config-mode-unknown", "NFULA_CFG_MODE 7, range 128", "the mode is refused",
      "acked anyway: the kernel forgets the error");
  show("/proc/net/netfilter/nfnetlink_log", " ");

  nlh = config(GROUP);
  put_u32(nlh, NFULA_CFG_NLBUFSIZ, 65536);
  ask(port, nlh, "config-nlbufsiz", "NFULA_CFG_NLBUFSIZ 65536", NULL, NULL);
  nlh = config(GROUP);
  put_u32(nlh, NFULA_CFG_NLBUFSIZ, 100);
  ask(port, nlh, "config-nlbufsiz-below-minimum", "NFULA_CFG_NLBUFSIZ 100", "below the minimum",
      "acked anyway: the value before stays in force");
  nlh = config(GROUP);
  put_u32(nlh, NFULA_CFG_NLBUFSIZ, 131073);
  ask(port, nlh, "config-nlbufsiz-above-maximum", "NFULA_CFG_NLBUFSIZ 131073", "above the maximum",
      "acked anyway: the value before stays in force");
  nlh = config(GROUP);
  put_u32(nlh, NFULA_CFG_TIMEOUT, 50);
  ask(port, nlh, "config-timeout", "NFULA_CFG_TIMEOUT 50", "in hundredths of a second: 500 ms", NULL);
  nlh = config(GROUP);
  put_u32(nlh, NFULA_CFG_QTHRESH, 4);
  ask(port, nlh, "config-qthresh", "NFULA_CFG_QTHRESH 4", NULL, NULL);
  nlh = config(GROUP);
  put_u32(nlh, NFULA_CFG_QTHRESH, 0);
  ask(port, nlh, "config-qthresh-zero", "NFULA_CFG_QTHRESH 0", "flushes after every packet, as 1 does", NULL);

  nlh = config(GROUP);
  put_flags(nlh, NFULNL_CFG_F_SEQ);
  ask(port, nlh, "config-flags-seq", "NFULA_CFG_FLAGS 1", NULL, NULL);
  nlh = config(GROUP);
  put_flags(nlh, NFULNL_CFG_F_SEQ_GLOBAL);
  ask(port, nlh, "config-flags-seq-global", "NFULA_CFG_FLAGS 2", NULL, NULL);
  nlh = config(GROUP);
  put_flags(nlh, NFULNL_CFG_F_SEQ | NFULNL_CFG_F_SEQ_GLOBAL);
  ask(port, nlh, "config-flags-both", "NFULA_CFG_FLAGS 3", "there is no mask: the flags are replaced", NULL);
  nlh = config(GROUP);
  put_flags(nlh, NFULNL_CFG_F_CONNTRACK);
  ask(port, nlh, "config-flags-conntrack", "NFULA_CFG_FLAGS 4", NULL, NULL);
  nlh = config(GROUP);
  put_flags(nlh, 0x8);
  ask(port, nlh, "config-flags-unknown", "NFULA_CFG_FLAGS 8", "no such flag", NULL);
  nlh = config(GROUP);
  put_flags(nlh, 0);
  ask(port, nlh, "config-flags-clear", "NFULA_CFG_FLAGS 0", NULL, NULL);

  nlh = config(OTHER_GROUP);
  put_command(nlh, NFULNL_CFG_CMD_BIND);
  put_mode(nlh, NFULNL_COPY_PACKET, 256);
  put_u32(nlh, NFULA_CFG_NLBUFSIZ, 32768);
  put_u32(nlh, NFULA_CFG_TIMEOUT, 20);
  put_u32(nlh, NFULA_CFG_QTHRESH, 50);
  put_flags(nlh, NFULNL_CFG_F_SEQ | NFULNL_CFG_F_SEQ_GLOBAL);
  ask(port, nlh, "config-all-at-once", "bind, mode, nlbufsiz, timeout, qthresh and flags in one message", NULL, NULL);
  show("/proc/net/netfilter/nfnetlink_log", " ");
  nlh = config(OTHER_GROUP);
  put_command(nlh, NFULNL_CFG_CMD_UNBIND);
  ask(port, nlh, "config-unbind", "NFULA_CFG_CMD UNBIND", NULL, NULL);
  nlh = config(OTHER_GROUP);
  put_command(nlh, NFULNL_CFG_CMD_UNBIND);
  ask(port, nlh, "config-unbind-unbound", "UNBIND of a group that is not bound", NULL, NULL);
  nlh = begin(NFULNL_MSG_CONFIG, AF_UNSPEC, OTHER_GROUP, 0);
  put_command(nlh, NFULNL_CFG_CMD_BIND);
  ask(port, nlh, "config-bind-silent", "BIND without NLM_F_ACK", "the kernel answers nothing", NULL);
  unbind_group(port, OTHER_GROUP);
  nlh = config(OTHER_GROUP);
  put_command(nlh, NFULNL_CFG_CMD_BIND);
  put_flags(nlh, NFULNL_CFG_F_CONNTRACK);
  if (ask(port, nlh, "config-bind-flags-conntrack", "bind and flag CONNTRACK in one message",
          "where the flag is refused, the group is not bound either", NULL) == 0)
    unbind_group(port, OTHER_GROUP);
  show("/proc/net/netfilter/nfnetlink_log", " ");

  nlh = begin(NFULNL_MSG_PACKET, AF_UNSPEC, GROUP, NLM_F_ACK);
  ask(port, nlh, "message-packet-from-user", "NFULNL_MSG_PACKET sent by user space", NULL, NULL);
  nlh = begin(7, AF_UNSPEC, GROUP, NLM_F_ACK);
  ask(port, nlh, "message-type-unknown", "nfnetlink_log message 7 does not exist", NULL, NULL);

  IN_CHILD(if (setresgid(1002, 1002, 1002) || setresuid(1001, 1001, 1001)) die("setuid");
           struct port mine = open_port(NETLINK_NETFILTER, "netfilter", 6252); nlh = config(8);
           put_command(nlh, NFULNL_CFG_CMD_BIND);
           ask(&mine, nlh, "config-bind-unprivileged", "BIND as uid 1001, without CAP_NET_ADMIN", NULL, NULL);
           fflush(stdout));

  option(&other, NETLINK_EXT_ACK);
  bind_group(&other, 9);
  nlh = config(9);
  mnl_attr_put_u16(nlh, NFULA_CFG_QTHRESH, htons(1));
  ask(&other, nlh, "config-qthresh-short", "NFULA_CFG_QTHRESH with 2 bytes instead of 4, NETLINK_EXT_ACK on", NULL,
      NULL);
  nlh = config(9);
  mnl_attr_put_u32(nlh, NFULA_CFG_FLAGS, htonl(1));
  ask(&other, nlh, "config-flags-long", "NFULA_CFG_FLAGS with 4 bytes instead of 2, NETLINK_EXT_ACK on",
      "the kernel reads the first two bytes, here 0", NULL);
  nlh = config(9);
  mnl_attr_put_u32(nlh, NFULA_CFG_MODE, htonl(128));
  ask(&other, nlh, "config-mode-short", "NFULA_CFG_MODE with 4 bytes instead of 6, NETLINK_EXT_ACK on", NULL, NULL);
  mnl_socket_close(other.nl);
}

static void chapter_packets(struct port *port) {
  set_number(port, NFULA_CFG_QTHRESH, 1); // one packet, one datagram
  set_mode(port, NFULNL_COPY_META, 0);
  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5");
  udp4("meta only");
  take(port, "packet-udp-meta", "copy mode META: no payload, and nothing tells the packet's length");
  set_mode(port, NFULNL_COPY_NONE, 0);
  udp4("copy none");
  take(port, "packet-udp-none", "copy mode NONE: the same as META");

  set_mode(port, NFULNL_COPY_PACKET, FULL);
  udp4("ringlink golden vector 2");
  take(port, "packet-udp-full", "24 bytes of text: nothing needs padding");
  udp4("ringlink golden vector 01");
  take(port, "packet-udp-odd", "25 bytes of text: three bytes of padding, and nlmsg_len counts them");
  udp4("ringlink golden vector 03.");
  take(port, "packet-udp-even", "26 bytes of text: two bytes of padding, and nlmsg_len counts them");
  udp4("ringlink golden vector 0002");
  take(port, "packet-udp-odd-3", "27 bytes of text: one byte of padding, and nlmsg_len counts it");
  udp4("");
  take(port, "packet-udp-empty", "an empty UDP datagram");

  set_mode(port, NFULNL_COPY_PACKET, 32);
  udp4("this text is longer than the copy range, so it is cut short");
  take(port, "packet-udp-truncated", "copy range 32; there is no CAP_LEN, only the IP header tells the full length");
  set_mode(port, NFULNL_COPY_PACKET, 33);
  udp4("this text is longer than the copy range, so it is cut short");
  take(port, "packet-udp-truncated-odd", "copy range 33");
  set_mode(port, NFULNL_COPY_PACKET, 0);
  udp4("range 0");
  take(port, "packet-udp-range-zero", "copy mode PACKET, range 0: the largest range");
  set_mode(port, NFULNL_COPY_PACKET, FULL);
  unrule();

  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5 --nflog-size 40");
  udp4("this text is longer than the size that the rule gives");
  take(port, "packet-size-of-rule", "the rule's size 40 is smaller than the listener's range");
  set_mode(port, NFULNL_COPY_PACKET, 32);
  udp4("this text is longer than the range of the listener");
  take(port, "packet-size-of-listener", "the rule's size 40 is larger than the listener's range 32: the smaller wins");
  set_mode(port, NFULNL_COPY_PACKET, FULL);
  unrule();
  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5 --nflog-size 0");
  udp4("size 0");
  take(port, "packet-size-zero", "copy mode PACKET and a rule with size 0: no payload");
  unrule();

  rule("ip6tables -t mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5");
  udp("::1", "::1", PORT, "ringlink golden vector v6");
  take(port, "packet-udp-ipv6", NULL);
  unrule();
  rule("ip6tables -t mangle -A OUTPUT -p icmpv6 --icmpv6-type echo-request -j NFLOG --nflog-group 5");
  ping(AF_INET6, "::1", "::1", "ping six");
  take(port, "packet-icmp-ipv6", NULL);
  unrule();
  rule("iptables -t mangle -A OUTPUT -p icmp --icmp-type echo-request -j NFLOG --nflog-group 5");
  ping(AF_INET, "127.0.0.1", "127.0.0.1", "ping four");
  take(port, "packet-icmp", NULL);
  unrule();

  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5 --nflog-prefix a");
  udp4("prefix of one character");
  take(port, "packet-prefix-short", "the prefix ends with a zero byte, which nla_len counts");
  unrule();
  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5 --nflog-prefix 'drop, new: '");
  udp4("prefix with blanks");
  take(port, "packet-prefix", NULL);
  unrule();
  char prefix[128] = "";
  for (int i = 0; i < 127; i++) prefix[i] = 'a' + i % 26;
  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5 --nflog-prefix %s", prefix);
  udp4("prefix of 127 characters");
  take(port, "packet-prefix-127", "the longest prefix of nftables");
  unrule();
  prefix[63] = 0;
  rule("iptables-legacy -t mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5 --nflog-prefix %s", prefix);
  udp4("prefix of 63 characters");
  take(port, "packet-prefix-63", "the longest prefix of the xtables target");
  unrule();
  rule("iptables-legacy -t mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5");
  udp4("no prefix, xtables");
  take(port, "packet-prefix-empty", "xtables target without prefix: NFULA_PREFIX is there and empty");
  unrule();
  if (table("ip", "type filter hook output priority 0; udp dport 5000 log prefix \"\" group 5")) {
    udp4("empty prefix, nftables");
    take(port, "packet-prefix-empty-nft",
         "expression log with an empty prefix: NFULA_PREFIX is there and empty, as it is where the rule has none at "
         "all");
    untable();
  }

  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j MARK --set-mark 0x01020304; iptables -t mangle -A OUTPUT "
       "-p udp --dport 5000 -j NFLOG --nflog-group 5");
  udp4("marked");
  take(port, "packet-mark", NULL);
  unrule();

  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5");
  IN_CHILD(if (setresgid(1002, 1002, 1002) || setresuid(1001, 1001, 1001)) die("setuid"); udp4("uid 1001 gid 1002"));
  traffic("send UDP 127.0.0.1:40000 > 127.0.0.1:5000 \"uid 1001 gid 1002\" as uid 1001, gid 1002");
  take(port, "packet-uid-gid", "no flag asks for UID and GID: they come with every packet of a local socket");
  udp4("from root");
  take(port, "packet-uid-gid-root", "uid 0 and gid 0 are sent, not left out");

  set_flags(port, NFULNL_CFG_F_SEQ);
  udp4("seq");
  take(port, "packet-seq", "the first packet since the flag is set: counts from 0");
  udp4("seq again");
  take(port, "packet-seq-next", NULL);
  set_flags(port, NFULNL_CFG_F_SEQ_GLOBAL);
  udp4("seq global");
  take(port, "packet-seq-global", "counts from 1");
  set_flags(port, NFULNL_CFG_F_SEQ | NFULNL_CFG_F_SEQ_GLOBAL);
  udp4("both");
  take(port, "packet-seq-both", "what passed while a flag was off was not counted");
  set_flags(port, 0);
  unrule();
}

static void chapter_tcp(struct port *port) {
  static char block[3000];
  for (size_t i = 0; i < sizeof block; i++) block[i] = 'a' + i % 26;

  rule("iptables -t mangle -A OUTPUT -p tcp --dport 5001 -j NFLOG --nflog-group 5");
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_storage addr;
  socklen_t length = address(&addr, "127.0.0.1", SOURCE_PORT + 2);
  bind(fd, (void *)&addr, length);
  length = address(&addr, "127.0.0.1", 5001);
  connect(fd, (void *)&addr, length);
  traffic("connect TCP 127.0.0.1:40002 > 127.0.0.1:5001");
  take(port, "packet-tcp-syn", NULL);
  close(fd);
  unrule();

  int server, client = tcp_pair("127.0.0.1", 5001, &server);
  rule("iptables -t mangle -A OUTPUT -p tcp --dport 5001 -j NFLOG --nflog-group 5");
  send(client, block, 3000, 0);
  traffic("send 3000 bytes on TCP 127.0.0.1:40001 > 127.0.0.1:5001, lo mtu 1500");
  take(port, "packet-tcp-gso",
       "one packet larger than the mtu; nothing says that it is one, or that its checksum is not filled in");
  set_mode(port, NFULNL_COPY_PACKET, 96);
  send(client, block, 3000, 0);
  traffic("send 3000 bytes on TCP 127.0.0.1:40001 > 127.0.0.1:5001, lo mtu 1500");
  take(port, "packet-tcp-gso-truncated", "copy range 96");
  set_mode(port, NFULNL_COPY_PACKET, FULL);
  unrule();
  close(client);
  close(server);
}

// A UDP datagram with a wrong checksum, which connection tracking finds invalid.
static void bad_checksum(const char *from, const char *to) {
  unsigned char u[16] = {SOURCE_PORT >> 8,
                         SOURCE_PORT & 255,
                         PORT >> 8,
                         PORT & 255,
                         0,
                         16,
                         0x12,
                         0x34,
                         'b',
                         'a',
                         'd',
                         ' ',
                         's',
                         'u',
                         'm',
                         '!'};
  struct sockaddr_storage addr;
  int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP);
  socklen_t size = address(&addr, from, 0);
  if (fd < 0 || bind(fd, (void *)&addr, size) < 0) die("raw socket");
  size = address(&addr, to, 0);
  if (sendto(fd, u, sizeof u, 0, (void *)&addr, size) < 0) die("raw send");
  close(fd);
}

static void chapter_devices(struct port *port) {
  rule("iptables -t mangle -A INPUT -i lo -p udp --dport 5000 -j NFLOG --nflog-group 5");
  udp4("input on lo");
  take(port, "packet-input-lo",
       "INPUT on loopback: HWADDR is all zero and HWTYPE 772 ARPHRD_LOOPBACK; no UID and GID any more");
  unrule();

  rule("iptables -t mangle -A PREROUTING -i va -p udp --dport 5000 -j NFLOG --nflog-group 5");
  IN_CHILD(enter(ns_a); udp("10.9.1.2", "10.9.1.1", PORT, "prerouting on veth"));
  traffic("send UDP 10.9.1.2:40000 > 10.9.1.1:5000 \"prerouting on veth\" from the namespace at va");
  take(port, "packet-prerouting-veth", "INDEV, HWADDR, HWTYPE, HWLEN, HWHEADER and TIMESTAMP");
  unrule();

  rule("iptables -t mangle -A INPUT -i va -p udp --dport 5000 -j NFLOG --nflog-group 5");
  IN_CHILD(enter(ns_a); udp("10.9.1.2", "10.9.1.1", PORT, "input on veth"));
  traffic("send UDP 10.9.1.2:40000 > 10.9.1.1:5000 \"input on veth\" from the namespace at va");
  take(port, "packet-input-veth", "INDEV, HWADDR, HWTYPE, HWLEN, HWHEADER and TIMESTAMP");
  unrule();

  rule("iptables -t mangle -A FORWARD -i va -o vb -p udp --dport 5000 -j NFLOG --nflog-group 5");
  IN_CHILD(enter(ns_a); udp("10.9.1.2", "10.9.2.2", PORT, "forwarded"));
  traffic("send UDP 10.9.1.2:40000 > 10.9.2.2:5000 \"forwarded\" from the namespace at va to the one at vb");
  take(port, "packet-forward", "INDEV and OUTDEV");
  unrule();

  rule("iptables -t mangle -A POSTROUTING -o va -p udp --dport 5000 -j NFLOG --nflog-group 5");
  udp("10.9.1.1", "10.9.1.2", PORT, "postrouting");
  take(port, "packet-postrouting", "only OUTDEV; no TIMESTAMP after FORWARD");
  unrule();

  rule("iptables -t mangle -A INPUT -i va -p udp --dport 5000 -j MARK --set-mark 7; iptables -t mangle -A INPUT -i va "
       "-p udp --dport 5000 -j NFLOG --nflog-group 5 --nflog-prefix everything");
  set_flags(port, NFULNL_CFG_F_SEQ | NFULNL_CFG_F_SEQ_GLOBAL);
  set_mode(port, NFULNL_COPY_PACKET, 41);
  IN_CHILD(enter(ns_a); udp("10.9.1.2", "10.9.1.1", PORT, "all flags, all attributes of INPUT, cut"));
  traffic("send UDP 10.9.1.2:40000 > 10.9.1.1:5000 \"all flags, all attributes of INPUT, cut\" from the namespace at "
          "va; flags SEQ and SEQ_GLOBAL, range 41");
  take(port, "packet-everything-input",
       "shows the order of the attributes; no UID and GID across network namespaces here");
  set_mode(port, NFULNL_COPY_PACKET, FULL);
  set_flags(port, 0);
  unrule();

  // br_netfilter: iptables sees a packet that a bridge forwards.
  shell("sysctl -qw net.bridge.bridge-nf-call-iptables=1");
  rule("iptables -t mangle -A FORWARD -p udp --dport 5000 -d 10.9.3.3 -j NFLOG --nflog-group 5");
  IN_CHILD(enter(ns_a); udp("10.9.3.2", "10.9.3.3", PORT, "bridged"));
  traffic("send UDP 10.9.3.2:40000 > 10.9.3.3:5000 \"bridged\" over bridge br0, net.bridge.bridge-nf-call-iptables=1");
  take(port, "packet-physdev", "INDEV and OUTDEV name the bridge, PHYSINDEV and PHYSOUTDEV its ports");
  unrule();
  shell("sysctl -qw net.bridge.bridge-nf-call-iptables=0");

  // PF_BIND makes nfnetlink_log the logger of the kernel's own messages about packets. They go to group 0.
  struct nlmsghdr *nlh = begin(NFULNL_MSG_CONFIG, AF_INET, 0, NLM_F_ACK);
  put_command(nlh, NFULNL_CFG_CMD_PF_BIND);
  quietly(port, nlh);
  bind_group(port, 0);
  shell("sysctl -qw net.netfilter.nf_conntrack_log_invalid=255");
  rule("iptables -t mangle -A INPUT -m conntrack --ctstate INVALID");
  IN_CHILD(enter(ns_a); bad_checksum("10.9.1.2", "10.9.1.1"));
  traffic("PF_BIND of AF_INET, BIND of group 0, net.netfilter.nf_conntrack_log_invalid=255; send UDP with a wrong "
          "checksum 10.9.1.2 > 10.9.1.1");
  take(port, "packet-invalid-conntrack",
       "no rule logged this: connection tracking did, to group 0, with a prefix of its own");
  unrule();
  shell("sysctl -qw net.netfilter.nf_conntrack_log_invalid=0");
  unbind_group(port, 0);
  nlh = begin(NFULNL_MSG_CONFIG, AF_INET, 0, NLM_F_ACK);
  put_command(nlh, NFULNL_CFG_CMD_PF_UNBIND);
  quietly(port, nlh);
}

static void chapter_families(struct port *port) {
  static const unsigned char mac_a[6] = {2, 0, 0, 0, 0x0c, 2}, mac_b[6] = {2, 0, 0, 0, 0x0d, 2},
                             mac_va[6] = {2, 0, 0, 0, 0x0a, 1}, mac_va_peer[6] = {2, 0, 0, 0, 0x0a, 2};

  if (table("bridge", "type filter hook forward priority 0; ether saddr 02:00:00:00:0c:02 log group 5")) {
    IN_CHILD(enter(ns_a); udp("10.9.3.2", "10.9.3.3", PORT, "bridge family"));
    traffic("send UDP 10.9.3.2:40000 > 10.9.3.3:5000 \"bridge family\" over bridge br0");
    take(port, "packet-bridge",
         "bridge family: L2HDR carries the Ethernet header, as HWHEADER does; UID and GID are of a socket in another "
         "network namespace");
    IN_CHILD(enter(ns_a); tagged_frame("eth1", mac_b, mac_a, 0x6005, "10.9.3.2", "10.9.3.3", "bridge and vlan"));
    traffic("send a frame with 802.1Q tag, priority 3, vlan 5, over bridge br0");
    take(port, "packet-bridge-vlan", "NFULA_VLAN holds the tag; L2HDR and HWHEADER are without it");
    IN_CHILD(enter(ns_a); arp_request("eth1", mac_a, "10.9.3.2", "10.9.3.3"));
    traffic("send an ARP request over bridge br0");
    take(port, "packet-bridge-arp", "hw_protocol 0x0806");
    untable();
  }
  if (table("bridge", "type filter hook prerouting priority 0; ether saddr 02:00:00:00:0c:02 log group 5")) {
    IN_CHILD(enter(ns_a); udp("10.9.3.2", "10.9.3.3", PORT, "bridge prerouting"));
    traffic("send UDP 10.9.3.2:40000 > 10.9.3.3:5000 \"bridge prerouting\" over bridge br0");
    take(port, "packet-bridge-prerouting", "no OUTDEV yet");
    untable();
  }
  rule("ebtables -A FORWARD -p IPv4 -s 02:00:00:00:0c:02 --nflog-group 5 --nflog-prefix 'by ebtables'");
  IN_CHILD(enter(ns_a); udp("10.9.3.2", "10.9.3.3", PORT, "ebtables"));
  traffic("send UDP 10.9.3.2:40000 > 10.9.3.3:5000 \"ebtables\" over bridge br0");
  take(port, "packet-bridge-ebtables", "watcher nflog of ebtables");
  unrule();

  if (table("arp", "type filter hook input priority 0; log group 5")) {
    IN_CHILD(enter(ns_a); arp_request("eth0", mac_va_peer, "10.9.1.2", "10.9.1.1"));
    traffic("send an ARP request on eth0 in the namespace at va");
    take(port, "packet-arp", "family ARP: the payload is the ARP packet");
    untable();
  }
  if (table("netdev", "type filter hook ingress device va priority 0; meta protocol { ip, vlan } log group 5")) {
    IN_CHILD(enter(ns_a); udp("10.9.1.2", "10.9.1.1", PORT, "ingress"));
    traffic("send UDP 10.9.1.2:40000 > 10.9.1.1:5000 \"ingress\" from the namespace at va");
    take(port, "packet-netdev-ingress", "family NETDEV, hook 0 INGRESS: L2HDR");
    IN_CHILD(enter(ns_a);
             tagged_frame("eth0", mac_va, mac_va_peer, 0x6005, "10.9.1.2", "10.9.1.1", "ingress and vlan"));
    traffic("send a frame with 802.1Q tag, priority 3, vlan 5, from the namespace at va");
    take(port, "packet-netdev-ingress-vlan", "NFULA_VLAN holds the tag");
    untable();
  }
  if (table("netdev", "type filter hook egress device va priority 0; udp dport 5000 log group 5")) {
    udp("10.9.1.1", "10.9.1.2", PORT, "egress");
    take(port, "packet-netdev-egress",
         "family NETDEV, hook 1 EGRESS: the payload begins with the Ethernet header, which L2HDR holds too");
    untable();
  }
  if (table("inet", "type filter hook ingress device va priority 0; udp dport 5000 log group 5")) {
    IN_CHILD(enter(ns_a); udp("10.9.1.2", "10.9.1.1", PORT, "inet ingress"));
    traffic("send UDP 10.9.1.2:40000 > 10.9.1.1:5000 \"inet ingress\" from the namespace at va");
    take(port, "packet-inet-ingress",
         "a table of family inet, hook 5 INGRESS: the message says AF_INET; no TIMESTAMP, no L2HDR");
    untable();
  }
  if (table("inet", "type filter hook output priority 0; udp dport 5000 log group 5 prefix \"inet\"")) {
    udp4("inet family");
    take(port, "packet-inet-output", "a table of family inet: the message says AF_INET");
    untable();
  }
}

// Has not run yet: the kernel at hand lacks CONFIG_NETFILTER_NETLINK_GLUE_CT and refuses the flag.
static void chapter_conntrack(struct port *port) {
  if (set_flags(port, NFULNL_CFG_F_CONNTRACK)) return;
  rule("iptables -t mangle -A OUTPUT -p udp --dport 5010 -m conntrack --ctstate NEW,ESTABLISHED -j NFLOG --nflog-group "
       "5");
  udp("127.0.0.1", "127.0.0.1", 5010, "conntrack new");
  take(port, "packet-ct-new", "NFULA_CT and NFULA_CT_INFO NEW");
  unrule();
  set_flags(port, 0);
}

// Several packets in one datagram.
static void chapter_datagrams(struct port *port) {
  static const char *const texts[] = {"one", "three", "four", "twelve bytes"};
  set_number(port, NFULA_CFG_TIMEOUT, 1000); // ten seconds: nothing here waits for it
  set_number(port, NFULA_CFG_QTHRESH, 4);
  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5");
  for (int i = 0; i < 4; i++) udp4(texts[i]);
  traffic("send four UDP 127.0.0.1:40000 > 127.0.0.1:5000; NFULA_CFG_QTHRESH 4");
  take(port, "datagram-threshold", "several messages in one datagram: 4 packets of different length, then NLMSG_DONE");
  set_flags(port, NFULNL_CFG_F_SEQ | NFULNL_CFG_F_SEQ_GLOBAL);
  for (int i = 0; i < 4; i++) udp4(texts[i]);
  traffic("send four UDP 127.0.0.1:40000 > 127.0.0.1:5000; NFULA_CFG_QTHRESH 4, flags SEQ and SEQ_GLOBAL");
  take(port, "datagram-threshold-seq", "several messages in one datagram: 4 packets, then NLMSG_DONE");
  set_flags(port, 0);
  set_mode(port, NFULNL_COPY_META, 0);
  for (int i = 0; i < 4; i++) udp4(texts[i]);
  traffic("send four UDP 127.0.0.1:40000 > 127.0.0.1:5000; NFULA_CFG_QTHRESH 4, mode META");
  take(port, "datagram-threshold-meta", "several messages in one datagram: 4 packets without payload, then NLMSG_DONE");
  set_mode(port, NFULNL_COPY_PACKET, FULL);
  unrule();

  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5 --nflog-prefix four; ip6tables -t "
       "mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5 --nflog-prefix six");
  udp4("one");
  udp("::1", "::1", PORT, "two");
  udp4("three");
  udp("::1", "::1", PORT, "four");
  traffic("send UDP over IPv4, IPv6, IPv4, IPv6; NFULA_CFG_QTHRESH 4");
  take(port, "datagram-families", "several messages in one datagram: IPv4 and IPv6, then NLMSG_DONE");
  unrule();

  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5 --nflog-threshold 2");
  udp4("one");
  udp4("two");
  traffic("send two UDP 127.0.0.1:40000 > 127.0.0.1:5000; NFULA_CFG_QTHRESH 4");
  take(port, "datagram-threshold-of-rule",
       "several messages in one datagram: the rule's threshold 2 is smaller than the listener's 4");
  unrule();

  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5");
  set_number(port, NFULA_CFG_QTHRESH, 100);
  set_number(port, NFULA_CFG_TIMEOUT, 10);
  udp4("alone");
  traffic("send UDP 127.0.0.1:40000 > 127.0.0.1:5000 \"alone\"; NFULA_CFG_QTHRESH 100, NFULA_CFG_TIMEOUT 10");
  take(port, "datagram-timeout-single", "the timeout flushes a single packet: no NLMSG_DONE");
  udp4("one of two");
  udp4("two of two");
  traffic("send two UDP 127.0.0.1:40000 > 127.0.0.1:5000; NFULA_CFG_QTHRESH 100, NFULA_CFG_TIMEOUT 10");
  take(port, "datagram-timeout", "several messages in one datagram: the timeout flushes 2 packets, with NLMSG_DONE");

  set_number(port, NFULA_CFG_TIMEOUT, 1000);
  char text[200];
  memset(text, 'x', sizeof text);
  text[100] = 0;
  for (int i = 0; i < 30; i++) {
    text[0] = '0' + i / 10;
    text[1] = '0' + i % 10;
    udp4(text);
  }
  traffic("send thirty UDP 127.0.0.1:40000 > 127.0.0.1:5000 of 100 bytes; NFULA_CFG_QTHRESH 100, the smallest "
          "NFULA_CFG_NLBUFSIZ");
  take(port, "datagram-buffer-full", "several messages in one datagram: the next packet found no room");

  struct nlmsghdr *nlh = config(GROUP);
  put_command(nlh, NFULNL_CFG_CMD_UNBIND);
  quietly(port, nlh);
  traffic("the rest of the thirty, when the group is unbound");
  take(port, "datagram-unbind", "several messages in one datagram: UNBIND flushes what waits");
  unrule();
  bind_group(port, GROUP);
}

// measurements

#define FACT(...) (printf(__VA_ARGS__), putchar('\n'), fflush(stdout))

static void buffer(struct port *port, int bytes) {
  if (setsockopt(mnl_socket_get_fd(port->nl), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
    die("SO_RCVBUFFORCE");
}

static unsigned int drops(struct port *port) {
  unsigned int info[SK_MEMINFO_VARS];
  socklen_t length = sizeof info;
  if (getsockopt(mnl_socket_get_fd(port->nl), SOL_SOCKET, SO_MEMINFO, info, &length) < 0) die("SO_MEMINFO");
  return info[SK_MEMINFO_DROPS];
}

// Sends `count` packets through one socket: cheap enough for thousands.
static void flood(int count, int port, int size) {
  static char text[2000];
  memset(text, 'y', sizeof text);
  int fd = udp_socket("127.0.0.1", SOURCE_PORT);
  struct sockaddr_storage addr;
  socklen_t length = address(&addr, "127.0.0.1", port);
  for (int i = 0; i < count; i++)
    if (sendto(fd, text, size, 0, (void *)&addr, length) < 0) die("flood");
  close(fd);
}

static double milliseconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void measure_overrun(unsigned int threshold, bool silent, int count) {
  struct port port = open_port(NETLINK_NETFILTER, "netfilter", 0);
  const char *how = silent ? ", NETLINK_NO_ENOBUFS" : "";
  if (silent) option(&port, NETLINK_NO_ENOBUFS);
  bind_group(&port, GROUP);
  set_number(&port, NFULA_CFG_NLBUFSIZ, 32768);
  set_number(&port, NFULA_CFG_QTHRESH, threshold);
  set_number(&port, NFULA_CFG_TIMEOUT, 1000);
  set_flags(&port, NFULNL_CFG_F_SEQ);
  flood(count, PORT, 20);
  int datagrams = 0, packets = 0, errors = 0, error_at = -1;
  unsigned int next = 0, lost = 0;
  // First a part of the receive queue is read, then one more datagram logged; then the same with the queue read to its
  // end.
  for (int round = 0; round < 3; round++) {
    for (int quota = round == 0 ? 8 : 1 << 30; quota > 0; quota--) {
      ssize_t length = recv(mnl_socket_get_fd(port.nl), in, sizeof in, MSG_DONTWAIT);
      if (length < 0 && errno == ENOBUFS) {
        if (!errors++) error_at = datagrams;
        continue;
      }
      if (length <= 0) break;
      struct contents c = contents(in, length);
      if (c.first_seq != next) lost += c.first_seq - next;
      next = c.last_seq + 1;
      datagrams++;
      packets += c.packets;
    }
    FACT("overrun, threshold %u%s: %d sent, %d packets in %d datagrams read%s; ENOBUFS %d times (first before datagram "
         "%d), drops %u, gaps in seq %u",
         threshold, how, count, packets, datagrams, round ? ", the queue is empty" : ", the queue is not empty", errors,
         error_at, drops(&port), lost);
    if (round < 2) flood(threshold, PORT, 20), count += threshold;
  }
  mnl_socket_close(port.nl);
}

// The group without what waits in it, with all defaults.
static void start_over(struct port *port) {
  while (receive(port, 20) > 0) {}
  unbind_group(port, GROUP);
  for (; waiting_count; free(waiting[--waiting_count].bytes)) {}
  bind_group(port, GROUP);
}

static void measure(void) {
  static const unsigned int sizes[] = {0, 100, 3775, 3776, 3777, 4096, 8192, 16384, 32768, 65536, 131072, 131073};
  struct nlmsghdr *nlh;
  struct port port = open_port(NETLINK_NETFILTER, "netfilter", 6151);
  buffer(&port, 64 << 20);

  // Which threshold, which copy range?
  bind_group(&port, GROUP);
  set_number(&port, NFULA_CFG_TIMEOUT, 1000);
  static const unsigned int thresholds[][2] = {{10, 3}, {3, 10}, {10, 0}, {0, 3}, {1, 3}};
  for (size_t i = 0; i < sizeof thresholds / sizeof *thresholds; i++) {
    set_number(&port, NFULA_CFG_QTHRESH, thresholds[i][0]);
    rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5 --nflog-threshold %u",
         thresholds[i][1]);
    flood(10, PORT, 20);
    FACT("threshold: listener %u, rule %u -> %d packets in the first datagram", thresholds[i][0], thresholds[i][1],
         take(&port, NULL, NULL).packets);
    unrule();
    start_over(&port);
    set_number(&port, NFULA_CFG_TIMEOUT, 1000);
  }
  set_number(&port, NFULA_CFG_QTHRESH, 1);
  static const int ranges[][3] = {{2, 40, 64}, {2, 64, 40}, {2, 64, 0}, {2, 0, 64}, {1, 0, 64}};
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
    set_mode(&port, ranges[i][0], ranges[i][1]);
    rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5 --nflog-size %d", ranges[i][2]);
    flood(1, PORT, 200);
    FACT("copy: listener mode %d range %d, rule size %d -> payload %u of 228", ranges[i][0], ranges[i][1], ranges[i][2],
         take(&port, NULL, NULL).payload);
    unrule();
  }
  set_mode(&port, NFULNL_COPY_PACKET, FULL);

  // What fits in a datagram?
  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5");
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    for (int big = 0; big < 2; big++) {
      start_over(&port);
      set_number(&port, NFULA_CFG_QTHRESH, 1000000);
      set_number(&port, NFULA_CFG_TIMEOUT, 1000);
      nlh = config(GROUP);
      put_u32(nlh, NFULA_CFG_NLBUFSIZ, sizes[i]);
      int answer = quietly(&port, nlh);
      if (big) set_mode(&port, NFULNL_COPY_PACKET, FULL);
      else set_mode(&port, NFULNL_COPY_META, 0);
      flood(big ? 400 : 6000, PORT, 1000);
      ssize_t length = datagram(&port, 300);
      struct contents c = contents(in, length);
      FACT("nlbufsiz %u: answer %d; %s: %d packets of %zu bytes, datagram of %zd bytes%s", sizes[i], answer,
           big ? "payload 1028" : "META", c.packets, c.first_message, length, c.done ? " with DONE" : "");
    }
  start_over(&port);

  // Timeouts.
  set_number(&port, NFULA_CFG_QTHRESH, 100);
  static const unsigned int timeouts[] = {0, 1, 10, 50};
  for (size_t i = 0; i < 4; i++)
    for (int count = 1; count < 3; count++) {
      set_number(&port, NFULA_CFG_TIMEOUT, timeouts[i]);
      double start = milliseconds();
      flood(count, PORT, 20);
      ssize_t length = receive(&port, 3000);
      struct contents c = contents(in, length);
      FACT("timeout %u: %d packets after %.1f ms%s", timeouts[i], c.packets, milliseconds() - start,
           c.done ? ", with DONE" : ", no DONE");
      while (receive(&port, 30) > 0) {}
    }
  set_number(&port, NFULA_CFG_TIMEOUT, 30); // 300 ms from the first packet or from the last?
  double start = milliseconds();
  flood(1, PORT, 20);
  usleep(200000);
  flood(1, PORT, 20);
  ssize_t length = receive(&port, 3000);
  FACT("timeout 30, packets at 0 and 200 ms: %d packets after %.1f ms", contents(in, length).packets,
       milliseconds() - start);

  // A larger packet than the buffer.
  set_number(&port, NFULA_CFG_QTHRESH, 1);
  int fd = udp_socket("127.0.0.1", SOURCE_PORT);
  shell("ip link set lo mtu 65536");
  static char large[65507];
  struct sockaddr_storage addr;
  socklen_t size = address(&addr, "127.0.0.1", PORT);
  sendto(fd, large, 60000, 0, (void *)&addr, size);
  length = receive(&port, 1000);
  FACT("a packet of 60028 bytes with the smallest nlbufsiz: datagram of %zd bytes, payload %u", length,
       contents(in, length).payload);
  sendto(fd, large, 65507, 0, (void *)&addr, size);
  length = receive(&port, 1000);
  FACT("a packet of 65535 bytes: datagram of %zd bytes, payload %u", length, contents(in, length).payload);
  shell("ip link set lo mtu 1500");
  close(fd);

  // Sequence numbers.
  bind_group(&port, OTHER_GROUP);
  nlh = config(OTHER_GROUP);
  put_u32(nlh, NFULA_CFG_QTHRESH, 1);
  put_flags(nlh, 3);
  quietly(&port, nlh);
  set_flags(&port, 3);
  unrule();
  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5; iptables -t mangle -A OUTPUT -p udp "
       "--dport 5002 -j NFLOG --nflog-group 6");
  for (int i = 0; i < 6; i++) {
    flood(1, i % 3 ? 5000 : 5002, 20);
    length = receive(&port, 1000);
    struct contents c = contents(in, length);
    FACT("two groups on one socket: group %u, seq %u, seq-global %u",
         ntohs(((struct nfgenmsg *)NLMSG_DATA(in))->res_id), c.last_seq, c.last_global);
  }
  unbind_group(&port, GROUP);
  bind_group(&port, GROUP);
  set_flags(&port, 3);
  set_number(&port, NFULA_CFG_QTHRESH, 1);
  flood(1, 5000, 20);
  length = receive(&port, 1000);
  struct contents again = contents(in, length);
  FACT("unbound and bound again: seq %u, seq-global %u", again.last_seq, again.last_global);
  set_flags(&port, 0);
  flood(3, 5000, 20);
  for (int i = 0; i < 3; i++) receive(&port, 1000);
  set_flags(&port, 3);
  flood(1, 5000, 20);
  length = receive(&port, 1000);
  again = contents(in, length);
  FACT("flags off for three packets, on again: seq %u, seq-global %u", again.last_seq, again.last_global);
  struct port second = open_port(NETLINK_NETFILTER, "netfilter", 6152);
  unbind_group(&port, OTHER_GROUP);
  bind_group(&second, OTHER_GROUP);
  nlh = config(OTHER_GROUP);
  put_u32(nlh, NFULA_CFG_QTHRESH, 1);
  put_flags(nlh, 3);
  quietly(&second, nlh);
  flood(1, 5002, 20);
  length = receive(&second, 1000);
  again = contents(in, length);
  FACT("another socket, group 6: seq %u, seq-global %u", again.last_seq, again.last_global);
  mnl_socket_close(second.nl);

  // Order: two processes log to two groups of one socket at once.
  bind_group(&port, OTHER_GROUP);
  nlh = config(OTHER_GROUP);
  put_u32(nlh, NFULA_CFG_QTHRESH, 1);
  put_flags(nlh, 3);
  quietly(&port, nlh);
  for (int same = 1; same >= 0; same--) {
    pid_t child = fork();
    if (child == 0) {
      int s = socket(AF_INET, SOCK_DGRAM, 0);
      size = address(&addr, "127.0.0.1", same ? 5000 : 5002);
      for (int i = 0; i < 5000; i++) sendto(s, "z", 1, 0, (void *)&addr, size);
      _exit(0);
    }
    flood(5000, 5000, 20);
    waitpid(child, NULL, 0);
    unsigned int seq[2] = {0}, global = 0, got = 0, group_disorder = 0, global_disorder = 0;
    while ((length = receive(&port, 100)) > 0) {
      struct contents c = contents(in, length);
      int g = ntohs(((struct nfgenmsg *)NLMSG_DATA(in))->res_id) == OTHER_GROUP;
      if (seq[g] && c.last_seq != seq[g] + 1) group_disorder++;
      if (global && c.last_global < global) global_disorder++;
      seq[g] = c.last_seq;
      global = c.last_global;
      got++;
    }
    FACT("two senders on two CPUs, %s: %u datagrams, seq not consecutive in its group %u times, seq-global falling %u "
         "times",
         same ? "one group" : "two groups", got, group_disorder, global_disorder);
  }

  // What DONE holds.
  unbind_group(&port, OTHER_GROUP);
  set_number(&port, NFULA_CFG_QTHRESH, 2);
  set_number(&port, NFULA_CFG_TIMEOUT, 1000);
  flood(2, 5000, 21);
  length = receive(&port, 1000);
  struct contents end = contents(in, length);
  FACT("the 4 bytes of DONE: %02x %02x %02x %02x", end.done_bytes[0], end.done_bytes[1], end.done_bytes[2],
       end.done_bytes[3]);
  unrule();

  // Columns.
  nlh = config(GROUP);
  put_u32(nlh, NFULA_CFG_QTHRESH, 100);
  put_u32(nlh, NFULA_CFG_TIMEOUT, 1000);
  put_mode(nlh, NFULNL_COPY_PACKET, 1234);
  quietly(&port, nlh);
  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFLOG --nflog-group 5");
  shell("echo /proc before: $(cat /proc/net/netfilter/nfnetlink_log)");
  flood(3, 5000, 20);
  shell("echo /proc with three packets waiting, range 1234, timeout 1000: $(cat /proc/net/netfilter/nfnetlink_log)");
  unbind_group(&port, GROUP);
  mnl_socket_close(port.nl);

  measure_overrun(1, false, 3000);
  measure_overrun(1, true, 3000);
  measure_overrun(10, false, 10000);
  measure_overrun(100, false, 50000);
  unrule();
}

int main(int argc, char **argv) {
  ns_a = getenv("NS_A");
  ns_b = getenv("NS_B");
  if (!ns_a || !ns_b) die("run me through capture.sh");
  alarm(90); // never outlive the capture
  if (argc > 1 && strcmp(argv[1], "measure") == 0) {
    measure();
    return 0;
  }
  struct port port = open_port(NETLINK_NETFILTER, "netfilter", 6151);
  chapter_config(&port);
  unbind_group(&port, GROUP); // and bound again: all defaults
  bind_group(&port, GROUP);
  chapter_packets(&port);
  chapter_tcp(&port);
  chapter_devices(&port);
  chapter_families(&port);
  chapter_conntrack(&port);
  chapter_datagrams(&port);
  if (waiting_count) fprintf(stderr, "%d datagrams were left waiting\n", waiting_count);
  return 0;
}
