// SPDX-License-Identifier: MIT
//
// Captures the golden vectors of nfnetlink_queue: every message that is sent is built by libnetfilter_queue / libmnl,
// every message that is received comes from the running kernel. Each one is printed as a small text record on stdout;
// annotate.mjs turns the records into vectors/queue/*.hex. Run it through capture.sh, which makes the namespaces it
// lives in.
//
// Port ids, ports, addresses, MAC addresses and payload texts are fixed, so that two runs differ in little but
// checksums, sequence numbers, conntrack ids and times.
#define _GNU_SOURCE
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <linux/rtnetlink.h>

#include <libnetfilter_queue/libnetfilter_queue.h>

#define PACKET_TYPE (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET)
#include "common.h"

#define QUEUE 5          // most packets
#define OTHER_QUEUE 6    // where "queue to another number" goes
#define UNBOUND_QUEUE 77 // never bound

#define LIB_QUEUE "libnetfilter-queue 1.0.5"
#define LIB_BOTH "libnetfilter-queue 1.0.5 + libmnl 1.0.4"

static const char *net_cls; // a mounted net_cls hierarchy, or nothing

// netlink side

static struct nlmsghdr *begin(int type, unsigned int queue, int flags) {
  memset(out, 0, sizeof out);
  struct nlmsghdr *nlh = nfq_nlmsg_put(out, type, queue);
  nlh->nlmsg_flags |= flags;
  return nlh;
}

static struct nlmsghdr *config(unsigned int queue) { return begin(NFQNL_MSG_CONFIG, queue, NLM_F_ACK); }

static struct nlmsghdr *verdict(unsigned int id, unsigned int code) {
  struct nlmsghdr *nlh = begin(NFQNL_MSG_VERDICT, QUEUE, NLM_F_ACK);
  nfq_nlmsg_verdict_put(nlh, id, code);
  return nlh;
}

static void mode_quietly(struct port *port, unsigned int queue, int mode, int range) {
  struct nlmsghdr *nlh = config(queue);
  nfq_nlmsg_cfg_put_params(nlh, mode, range);
  if (request(port, nlh, NULL, "set-up mode", NULL, NULL)) die("set-up mode");
}

static bool set_flags(struct port *port, unsigned int queue, unsigned int flags) {
  struct nlmsghdr *nlh = config(queue);
  mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(flags));
  mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(0x1f));
  return request(port, nlh, NULL, "set-up flags", NULL, NULL) == 0;
}

static void flags_quietly(struct port *port, unsigned int queue, unsigned int flags) {
  if (!set_flags(port, queue, flags)) die("set-up flags %u", flags);
}

// Takes the next packet of the queue, records it under `name` (NULL: not), returns its id; 0 when none comes.
static unsigned int packet(struct port *port, const char *name, const char *note) {
  ssize_t length;
  if (waiting_count) {
    length = waiting[0].length;
    memcpy(in, waiting[0].bytes, length);
    free(waiting[0].bytes);
    memmove(waiting, waiting + 1, --waiting_count * sizeof waiting[0]);
  } else {
    length = receive(port, 1500);
  }
  if (length <= 0) {
    fprintf(stderr, "%-44s -> NO PACKET\n", name ? name : "?");
    return 0;
  }
  if (!is_packet(in)) die("not a packet (%s): type %x", name ? name : "?", ((struct nlmsghdr *)in)->nlmsg_type);
  struct nlattr *attr;
  unsigned int id = 0;
  mnl_attr_for_each(attr, (struct nlmsghdr *)in,
                    sizeof(struct nfgenmsg)) if (mnl_attr_get_type(attr) == NFQA_PACKET_HDR) id =
      ntohl(((struct nfqnl_msg_packet_hdr *)mnl_attr_get_payload(attr))->packet_id);
  if (name) {
    record(name, "kernel", port->protocol, cause(), NULL, note, in, length);
    fprintf(stderr, "%-44s -> packet %u, %zd bytes\n", name, id, length);
  }
  return id;
}

static void accept_quietly(struct port *port, unsigned int id) {
  if (!id) return;
  if (request(port, verdict(id, NF_ACCEPT), NULL, "accept", NULL, NULL)) die("accept %u", id);
}

static void take(struct port *port, const char *name, const char *note) {
  accept_quietly(port, packet(port, name, note));
}

// chapters

static void chapter_config(struct port *port) {
  struct nlmsghdr *nlh;

  nlh = config(QUEUE);
  nfq_nlmsg_cfg_put_cmd(nlh, AF_INET, NFQNL_CFG_CMD_PF_BIND);
  request(port, nlh, "config-pf-bind", "nfq_nlmsg_cfg_put_cmd(nlh, AF_INET, NFQNL_CFG_CMD_PF_BIND)", LIB_QUEUE, NULL);

  nlh = config(QUEUE);
  nfq_nlmsg_cfg_put_cmd(nlh, AF_INET, NFQNL_CFG_CMD_PF_UNBIND);
  request(port, nlh, "config-pf-unbind", "nfq_nlmsg_cfg_put_cmd(nlh, AF_INET, NFQNL_CFG_CMD_PF_UNBIND)", LIB_QUEUE,
          NULL);

  nlh = config(QUEUE);
  nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_META, 0);
  request(port, nlh, "config-params-unbound", "nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_META, 0) on an unbound queue",
          LIB_QUEUE, NULL);

  nlh = config(QUEUE);
  nfq_nlmsg_cfg_put_cmd(nlh, AF_INET, NFQNL_CFG_CMD_BIND);
  request(port, nlh, "config-bind", "nfq_nlmsg_cfg_put_cmd(nlh, AF_INET, NFQNL_CFG_CMD_BIND)", LIB_QUEUE,
          "the kernel does not look at pf");

  nlh = config(QUEUE);
  nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
  request(port, nlh, "config-bind-twice", "BIND of a queue that this socket has bound already", LIB_QUEUE, NULL);

  nlh = config(QUEUE);
  nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_NONE);
  request(port, nlh, "config-command-none", "nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_NONE)", LIB_QUEUE,
          NULL);

  nlh = config(QUEUE);
  nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, 9);
  request(port, nlh, "config-command-unknown", "nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, 9)", LIB_QUEUE, NULL);

  nlh = config(QUEUE);
  request(port, nlh, "config-empty", "a config message without any attribute", LIB_QUEUE, NULL);

  nlh = config(QUEUE);
  nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_NONE, 0);
  request(port, nlh, "config-params-none", "nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_NONE, 0)", LIB_QUEUE, NULL);

  nlh = config(QUEUE);
  nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_META, 0);
  request(port, nlh, "config-params-meta", "nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_META, 0)", LIB_QUEUE, NULL);

  nlh = config(QUEUE);
  nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, 128);
  request(port, nlh, "config-params-packet-range", "nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, 128)", LIB_QUEUE,
          NULL);

  nlh = config(QUEUE);
  nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, 0xffff);
  request(port, nlh, "config-params-packet-full", "nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, 0xffff)", LIB_QUEUE,
          "the kernel caps the range at 65531");
  show("/proc/net/netfilter/nfnetlink_queue", " ");

  nlh = config(QUEUE);
  nfq_nlmsg_cfg_put_params(nlh, 7, 128);
  request(port, nlh, "config-params-unknown-mode", "nfq_nlmsg_cfg_put_params(nlh, 7, 128)", LIB_QUEUE, NULL);
  show("/proc/net/netfilter/nfnetlink_queue", " ");

  nlh = config(QUEUE);
  nfq_nlmsg_cfg_put_qmaxlen(nlh, 4096);
  request(port, nlh, "config-maxlen", "nfq_nlmsg_cfg_put_qmaxlen(nlh, 4096)", LIB_QUEUE, NULL);

  nlh = config(QUEUE);
  mnl_attr_put_u32(
      nlh, NFQA_CFG_FLAGS,
      htonl(NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_CONNTRACK | NFQA_CFG_F_GSO | NFQA_CFG_F_UID_GID | NFQA_CFG_F_SECCTX));
  mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(0x1f));
  request(port, nlh, "config-flags-all", "mnl_attr_put_u32 NFQA_CFG_FLAGS 0x1f, NFQA_CFG_MASK 0x1f", LIB_BOTH,
          "fail-open | conntrack | gso | uid-gid | secctx; refused where the kernel lacks "
          "CONFIG_NETFILTER_NETLINK_GLUE_CT");

  nlh = config(QUEUE);
  mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS,
                   htonl(NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO | NFQA_CFG_F_UID_GID | NFQA_CFG_F_SECCTX));
  mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(0x1d));
  request(port, nlh, "config-flags", "mnl_attr_put_u32 NFQA_CFG_FLAGS 0x1d, NFQA_CFG_MASK 0x1d", LIB_BOTH,
          "fail-open | gso | uid-gid | secctx; secctx is taken although no security module is active");

  nlh = config(QUEUE);
  mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_CONNTRACK));
  mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_CONNTRACK));
  request(port, nlh, "config-flags-conntrack", "mnl_attr_put_u32 NFQA_CFG_FLAGS 2, NFQA_CFG_MASK 2", LIB_BOTH, NULL);

  nlh = config(QUEUE);
  mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(0));
  mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(0x1f));
  request(port, nlh, "config-flags-clear", "mnl_attr_put_u32 NFQA_CFG_FLAGS 0, NFQA_CFG_MASK 0x1f", LIB_BOTH, NULL);

  nlh = config(QUEUE);
  mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_FAIL_OPEN));
  request(port, nlh, "config-flags-without-mask", "mnl_attr_put_u32 NFQA_CFG_FLAGS 1 and no mask", LIB_BOTH, NULL);

  nlh = config(QUEUE);
  mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_FAIL_OPEN));
  request(port, nlh, "config-mask-without-flags", "mnl_attr_put_u32 NFQA_CFG_MASK 1 and no flags", LIB_BOTH, NULL);

  nlh = config(QUEUE);
  mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_MAX));
  mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_MAX));
  request(port, nlh, "config-flags-unknown", "mnl_attr_put_u32 NFQA_CFG_FLAGS 0x20, NFQA_CFG_MASK 0x20", LIB_BOTH,
          NULL);

  nlh = config(OTHER_QUEUE);
  nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
  nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, 256);
  nfq_nlmsg_cfg_put_qmaxlen(nlh, 2048);
  mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_FAIL_OPEN));
  mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_FAIL_OPEN));
  request(port, nlh, "config-all-at-once", "bind, params, maxlen, flags and mask in one message", LIB_BOTH, NULL);

  nlh = config(OTHER_QUEUE);
  nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_UNBIND);
  request(port, nlh, "config-unbind", "nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_UNBIND)", LIB_QUEUE, NULL);

  nlh = config(OTHER_QUEUE);
  nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_UNBIND);
  request(port, nlh, "config-unbind-unbound", "UNBIND of a queue that is not bound", LIB_QUEUE, NULL);

  nlh = begin(NFQNL_MSG_CONFIG, OTHER_QUEUE, 0);
  nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
  request(port, nlh, "config-bind-silent", "BIND without NLM_F_ACK", LIB_QUEUE, "the kernel answers nothing");
}

static void chapter_packets(struct port *port) {
  mode_quietly(port, QUEUE, NFQNL_COPY_META, 0);
  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFQUEUE --queue-num 5");
  udp4("meta only");
  take(port, "packet-udp-meta",
       "copy mode META: no payload, no CAP_LEN; the checksum is left undone (SKB_INFO) though flag GSO is not set");

  mode_quietly(port, QUEUE, NFQNL_COPY_PACKET, 0xffff);
  udp4("ringlink golden vector 01");
  take(port, "packet-udp-odd", "25 bytes of text: nlmsg_len is odd, and the datagram ends without padding");
  udp4("ringlink golden vector 0002");
  take(port, "packet-udp-odd-3", "27 bytes of text: nlmsg_len is 3 mod 4");
  udp4("ringlink golden vector 2");
  take(port, "packet-udp-full", "24 bytes of text: nothing needs padding");
  udp4("ringlink golden vector 03.");
  take(port, "packet-udp-even", "26 bytes of text: nlmsg_len is even but not a multiple of 4");
  udp4("");
  take(port, "packet-udp-empty", "an empty UDP datagram");

  mode_quietly(port, QUEUE, NFQNL_COPY_PACKET, 32);
  udp4("this text is longer than the copy range, so it is cut short");
  take(port, "packet-udp-truncated", "copy range 32: CAP_LEN carries the full length");
  mode_quietly(port, QUEUE, NFQNL_COPY_PACKET, 33);
  udp4("this text is longer than the copy range, so it is cut short");
  take(port, "packet-udp-truncated-odd", "copy range 33: truncated and unpadded");
  mode_quietly(port, QUEUE, NFQNL_COPY_PACKET, 0);
  udp4("range 0 means everything");
  take(port, "packet-udp-range-zero", "copy range 0 asks for the largest range");
  mode_quietly(port, QUEUE, NFQNL_COPY_PACKET, 0xffff);
  unrule();

  rule("ip6tables -t mangle -A OUTPUT -p udp --dport 5000 -j NFQUEUE --queue-num 5");
  udp("::1", "::1", PORT, "ringlink golden vector v6");
  take(port, "packet-udp-ipv6", NULL);
  unrule();
  rule("ip6tables -t mangle -A OUTPUT -p icmpv6 --icmpv6-type echo-request -j NFQUEUE --queue-num 5");
  ping(AF_INET6, "::1", "::1", "ping six");
  take(port, "packet-icmp-ipv6", NULL);
  unrule();
  rule("iptables -t mangle -A OUTPUT -p icmp --icmp-type echo-request -j NFQUEUE --queue-num 5");
  ping(AF_INET, "127.0.0.1", "127.0.0.1", "ping four");
  take(port, "packet-icmp", NULL);
  unrule();

  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j MARK --set-mark 0x01020304; iptables -t mangle -A OUTPUT "
       "-p udp --dport 5000 -j NFQUEUE --queue-num 5");
  udp4("marked");
  take(port, "packet-mark", NULL);
  unrule();
  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j CLASSIFY --set-class 1:2; iptables -t mangle -A OUTPUT -p "
       "udp --dport 5000 -j NFQUEUE --queue-num 5");
  udp4("classified");
  take(port, "packet-priority", "skb priority 0x00010002");
  unrule();

  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFQUEUE --queue-num 5");
  flags_quietly(port, QUEUE, NFQA_CFG_F_UID_GID);
  IN_CHILD(if (setresgid(1002, 1002, 1002) || setresuid(1001, 1001, 1001)) die("setuid"); udp4("uid 1001 gid 1002"));
  udp4("from root"); // sets the traffic text; taken second
  traffic("send UDP 127.0.0.1:40000 > 127.0.0.1:5000 \"uid 1001 gid 1002\" as uid 1001, gid 1002");
  take(port, "packet-uid-gid", NULL);
  traffic("send UDP 127.0.0.1:40000 > 127.0.0.1:5000 \"from root\" as root");
  take(port, "packet-uid-gid-root", "uid 0 and gid 0 are sent, not left out");
  flags_quietly(port, QUEUE, NFQA_CFG_F_SECCTX);
  udp4("no security module");
  take(port, "packet-secctx-absent", "flag SECCTX set, but no security module gives contexts: no NFQA_SECCTX");
  flags_quietly(port, QUEUE, 0);

  if (net_cls && *net_cls) {
    IN_CHILD(char path[256]; snprintf(path, sizeof path, "%s/ringlink/cgroup.procs", net_cls);
             FILE *f = fopen(path, "w"); if (!f || fprintf(f, "%d", getpid()) < 0 || fclose(f)) die("join %s", path);
             udp4("class 1:3"));
    traffic("send UDP 127.0.0.1:40000 > 127.0.0.1:5000 \"class 1:3\" from a net_cls group with classid 0x00010003");
    take(port, "packet-cgroup-classid", NULL);
  } else {
    fprintf(stderr, "packet-cgroup-classid: no net_cls hierarchy\n");
  }

  // Copy mode NONE: what becomes of a packet?
  mode_quietly(port, QUEUE, NFQNL_COPY_NONE, 0);
  udp4("copy none");
  fprintf(stderr, "copy mode NONE: packet id %u\n", packet(port, NULL, NULL));
  mode_quietly(port, QUEUE, NFQNL_COPY_PACKET, 0xffff);
  unrule();
}

static void chapter_tcp(struct port *port) {
  static char block[3000];
  for (size_t i = 0; i < sizeof block; i++) block[i] = 'a' + i % 26;

  rule("iptables -t mangle -A OUTPUT -p tcp --dport 5001 --syn -j NFQUEUE --queue-num 5");
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  struct sockaddr_storage addr;
  socklen_t length = address(&addr, "127.0.0.1", SOURCE_PORT + 2);
  bind(fd, (void *)&addr, length);
  length = address(&addr, "127.0.0.1", 5001);
  connect(fd, (void *)&addr, length);
  traffic("connect TCP 127.0.0.1:40002 > 127.0.0.1:5001");
  take(port, "packet-tcp-syn", "flag GSO not set: the kernel filled in the checksum, no SKB_INFO");
  close(fd);
  flags_quietly(port, QUEUE, NFQA_CFG_F_GSO);
  unrule();

  int server, client = tcp_pair("127.0.0.1", 5001, &server);
  rule("iptables -t mangle -A OUTPUT -p tcp --dport 5001 -j NFQUEUE --queue-num 5");

  send(client, block, 100, 0);
  traffic("send 100 bytes on TCP 127.0.0.1:40001 > 127.0.0.1:5001; flag GSO set");
  take(port, "packet-tcp-csum-not-ready", "SKB_INFO CSUMNOTREADY: the checksum is not filled in yet");

  send(client, block, 3000, 0);
  traffic("send 3000 bytes on TCP 127.0.0.1:40001 > 127.0.0.1:5001, lo mtu 1500; flag GSO set");
  take(port, "packet-tcp-gso", "one packet larger than the mtu; SKB_INFO GSO | CSUMNOTREADY");

  mode_quietly(port, QUEUE, NFQNL_COPY_PACKET, 96);
  send(client, block, 3000, 0);
  take(port, "packet-tcp-gso-truncated", "copy range 96, flag GSO: CAP_LEN and SKB_INFO together");
  mode_quietly(port, QUEUE, NFQNL_COPY_PACKET, 0xffff);

  flags_quietly(port, QUEUE, 0);
  send(client, block, 3000, 0);
  traffic("send 3000 bytes on TCP 127.0.0.1:40001 > 127.0.0.1:5001, lo mtu 1500; flag GSO not set");
  unsigned int
      first = packet(port, NULL, NULL),
      second = packet(port, NULL, NULL),
      third = packet(
          port, "packet-tcp-segment",
          "flag GSO not set: the kernel cut 3000 bytes in three packets with consecutive ids; this is the third");
  accept_quietly(port, first);
  accept_quietly(port, second);
  accept_quietly(port, third);

  unrule();
  close(client);
  close(server);
}

// Without CONFIG_NETFILTER_NETLINK_GLUE_CT the kernel refuses flag CONNTRACK and ignores NFQA_CT in verdicts.
static bool glue;

static void chapter_conntrack(struct port *port) {
  glue = set_flags(port, QUEUE, NFQA_CFG_F_CONNTRACK);
  if (!glue) return;
  rule("iptables -t mangle -A OUTPUT -p udp --dport 5010 -m conntrack --ctstate NEW,ESTABLISHED -j NFQUEUE --queue-num "
       "5");
  udp("127.0.0.1", "127.0.0.1", 5010, "conntrack new");
  take(port, "packet-ct-new", "NFQA_CT and NFQA_CT_INFO NEW");
  int back = udp_socket("127.0.0.1", 5010);
  udp_to(back, "127.0.0.1", SOURCE_PORT, "answer");
  close(back);
  udp("127.0.0.1", "127.0.0.1", 5010, "conntrack established");
  take(port, "packet-ct-established", "after an answer the other way");
  unrule();

  rule("iptables -t mangle -A OUTPUT -p udp --sport 5010 -m conntrack --ctstate ESTABLISHED -j NFQUEUE --queue-num 5");
  back = udp_socket("127.0.0.1", 5010);
  udp_to(back, "127.0.0.1", SOURCE_PORT, "answer two");
  close(back);
  traffic("send UDP 127.0.0.1:5010 > 127.0.0.1:40000 \"answer two\"");
  take(port, "packet-ct-reply", "CT_INFO ESTABLISHED + IS_REPLY");
  unrule();

  rule("iptables -t mangle -A OUTPUT -p udp --dport 5011 -j CONNMARK --set-mark 0xabc; iptables -t mangle -A OUTPUT -p "
       "udp --dport 5011 -m connlabel --label 3 --set 2>/dev/null; iptables -t mangle -A OUTPUT -p udp --dport 5011 -j "
       "NFQUEUE --queue-num 5");
  udp("127.0.0.1", "127.0.0.1", 5011, "conntrack mark and label");
  take(port, "packet-ct-mark-labels", "CONNMARK 0xabc, connlabel 3");
  unrule();

  int server, client = tcp_pair("127.0.0.1", 5012, &server);
  rule("iptables -t mangle -A OUTPUT -p tcp --dport 5012 -m conntrack --ctstate ESTABLISHED -j NFQUEUE --queue-num 5");
  send(client, "tcp", 3, 0);
  traffic("send 3 bytes on TCP 127.0.0.1:40001 > 127.0.0.1:5012");
  take(port, "packet-ct-tcp", "NFQA_CT with CTA_PROTOINFO");
  unrule();
  close(client);
  close(server);

  rule("ip6tables -t mangle -A OUTPUT -p udp --dport 5010 -m conntrack --ctstate NEW -j NFQUEUE --queue-num 5");
  udp("::1", "::1", 5010, "conntrack v6");
  take(port, "packet-ct-ipv6", NULL);
  unrule();
  rule("iptables -t mangle -A OUTPUT -p icmp -m conntrack --ctstate NEW -j NFQUEUE --queue-num 5");
  ping(AF_INET, "127.0.0.1", "127.0.0.1", "ping ct");
  take(port, "packet-ct-icmp", "tuples with ICMP id, type, code");
  unrule();

  rule("iptables -t raw -A OUTPUT -p udp --dport 5013 -j CT --notrack; iptables -t mangle -A OUTPUT -p udp --dport "
       "5013 -j NFQUEUE --queue-num 5");
  udp("127.0.0.1", "127.0.0.1", 5013, "untracked");
  take(port, "packet-ct-untracked", "flag CONNTRACK set, packet untracked: neither NFQA_CT nor NFQA_CT_INFO");
  unrule();
  flags_quietly(port, QUEUE, 0);
}

static void chapter_devices(struct port *port) {
  // A socket that wants receive times makes the kernel stamp every packet that comes in.
  int one = 1, stamps = udp_socket("127.0.0.1", 5020);
  setsockopt(stamps, SOL_SOCKET, SO_TIMESTAMP, &one, sizeof one);
  usleep(200000);

  rule("iptables -t mangle -A INPUT -i lo -p udp --dport 5000 -j NFQUEUE --queue-num 5");
  udp4("input on lo");
  take(port, "packet-input-lo", "INPUT on loopback: HWADDR is all zero but there");
  unrule();

  rule("iptables -t mangle -A PREROUTING -i va -p udp --dport 5000 -j NFQUEUE --queue-num 5");
  IN_CHILD(enter(ns_a); udp("10.9.1.2", "10.9.1.1", PORT, "prerouting on veth"));
  traffic("send UDP 10.9.1.2:40000 > 10.9.1.1:5000 \"prerouting on veth\" from the namespace at va");
  take(port, "packet-prerouting-veth", "INDEV, HWADDR and TIMESTAMP");
  unrule();

  rule("iptables -t mangle -A INPUT -i va -p udp --dport 5000 -j NFQUEUE --queue-num 5");
  IN_CHILD(enter(ns_a); udp("10.9.1.2", "10.9.1.1", PORT, "input on veth"));
  traffic("send UDP 10.9.1.2:40000 > 10.9.1.1:5000 \"input on veth\" from the namespace at va");
  take(port, "packet-input-veth", "INDEV, HWADDR and TIMESTAMP");
  unrule();

  rule("iptables -t mangle -A INPUT -i va -p icmp --icmp-type echo-request -j NFQUEUE --queue-num 5");
  IN_CHILD(enter(ns_a); ping(AF_INET, "10.9.1.2", "10.9.1.1", "over veth"));
  traffic("send ICMP echo request 10.9.1.2 > 10.9.1.1 \"over veth\" from the namespace at va");
  take(port, "packet-csum-not-verified", "the checksum is not verified yet, flag GSO not set");
  flags_quietly(port, QUEUE, NFQA_CFG_F_GSO);
  IN_CHILD(enter(ns_a); ping(AF_INET, "10.9.1.2", "10.9.1.1", "over veth"));
  take(port, "packet-csum-not-verified-gso", "the checksum is not verified yet, flag GSO set");
  flags_quietly(port, QUEUE, 0);
  unrule();

  rule("iptables -t mangle -A FORWARD -i va -o vb -p udp --dport 5000 -j NFQUEUE --queue-num 5");
  IN_CHILD(enter(ns_a); udp("10.9.1.2", "10.9.2.2", PORT, "forwarded"));
  traffic("send UDP 10.9.1.2:40000 > 10.9.2.2:5000 \"forwarded\" from the namespace at va to the one at vb");
  take(port, "packet-forward", "INDEV and OUTDEV");
  unrule();

  rule("iptables -t mangle -A POSTROUTING -o va -p udp --dport 5000 -j NFQUEUE --queue-num 5");
  udp("10.9.1.1", "10.9.1.2", PORT, "postrouting");
  take(port, "packet-postrouting", "only OUTDEV");
  unrule();

  rule("iptables -t mangle -A INPUT -i va -p udp --dport 5000 -j MARK --set-mark 7; iptables -t mangle -A INPUT -i va "
       "-p udp --dport 5000 -j NFQUEUE --queue-num 5");
  flags_quietly(port, QUEUE, glue ? 0x1f : 0x1d);
  mode_quietly(port, QUEUE, NFQNL_COPY_PACKET, 40);
  IN_CHILD(enter(ns_a); udp("10.9.1.2", "10.9.1.1", PORT, "all flags, all attributes of INPUT, cut"));
  traffic("send UDP 10.9.1.2:40000 > 10.9.1.1:5000 \"all flags, all attributes of INPUT, cut\" from the namespace at "
          "va; all flags set, range 40");
  take(port, "packet-everything-input", NULL);
  unrule();
  mode_quietly(port, QUEUE, NFQNL_COPY_PACKET, 0xffff);
  flags_quietly(port, QUEUE, 0);

  // br_netfilter: iptables sees a packet that a bridge forwards.
  shell("sysctl -qw net.bridge.bridge-nf-call-iptables=1");
  rule("iptables -t mangle -A FORWARD -p udp --dport 5000 -d 10.9.3.3 -j NFQUEUE --queue-num 5");
  IN_CHILD(enter(ns_a); udp("10.9.3.2", "10.9.3.3", PORT, "bridged"));
  traffic("send UDP 10.9.3.2:40000 > 10.9.3.3:5000 \"bridged\" over bridge br0, net.bridge.bridge-nf-call-iptables=1");
  take(port, "packet-physdev", "INDEV and OUTDEV name the bridge, PHYSINDEV and PHYSOUTDEV its ports");
  unrule();
  shell("sysctl -qw net.bridge.bridge-nf-call-iptables=0");
  close(stamps);
}

// --- nftables, just enough: a bridge-family chain whose only rule is the native "queue" expression (CONFIG_NFT_QUEUE).
// ebtables has no such target; the xtables target NFQUEUE through nft_compat and a bare verdict NF_QUEUE were tried and
// are refused by 6.18.

static struct nlmsghdr *nft_put(struct mnl_nlmsg_batch *batch, int type, int flags, int family, unsigned int seq) {
  struct nlmsghdr *nlh = mnl_nlmsg_put_header(mnl_nlmsg_batch_current(batch));
  nlh->nlmsg_type = type;
  nlh->nlmsg_flags = NLM_F_REQUEST | flags;
  nlh->nlmsg_seq = seq;
  struct nfgenmsg *g = mnl_nlmsg_put_extra_header(nlh, sizeof *g);
  g->nfgen_family = family;
  g->version = NFNETLINK_V0;
  g->res_id = type < 0x100 ? htons(NFNL_SUBSYS_NFTABLES) : 0;
  return nlh;
}

static int bridge_queue_rule(unsigned int queue) {
  static char buffer[8192] __attribute__((aligned(8)));
  struct port port = open_port(NETLINK_NETFILTER, "netfilter", 5252);
  struct mnl_nlmsg_batch *batch = mnl_nlmsg_batch_start(buffer, sizeof buffer);
  struct nlmsghdr *nlh;
  struct nlattr *nest, *element, *data;

  nft_put(batch, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, 1);
  mnl_nlmsg_batch_next(batch);

  nlh = nft_put(batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_ACK, NFPROTO_BRIDGE, 2);
  mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, "ringlink");
  mnl_nlmsg_batch_next(batch);

  nlh = nft_put(batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_ACK, NFPROTO_BRIDGE, 3);
  mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, "ringlink");
  mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, "forward");
  nest = mnl_attr_nest_start(nlh, NFTA_CHAIN_HOOK);
  mnl_attr_put_u32(nlh, NFTA_HOOK_HOOKNUM, htonl(2)); // NF_BR_FORWARD
  mnl_attr_put_u32(nlh, NFTA_HOOK_PRIORITY, htonl(0));
  mnl_attr_nest_end(nlh, nest);
  mnl_attr_put_strz(nlh, NFTA_CHAIN_TYPE, "filter");
  mnl_nlmsg_batch_next(batch);

  nlh = nft_put(batch, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND | NLM_F_ACK,
                NFPROTO_BRIDGE, 4);
  mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, "ringlink");
  mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, "forward");
  nest = mnl_attr_nest_start(nlh, NFTA_RULE_EXPRESSIONS);
  element = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
  mnl_attr_put_strz(nlh, NFTA_EXPR_NAME, "queue");
  data = mnl_attr_nest_start(nlh, NFTA_EXPR_DATA);
  mnl_attr_put_u16(nlh, NFTA_QUEUE_NUM, htons(queue));
  mnl_attr_put_u16(nlh, NFTA_QUEUE_TOTAL, htons(1));
  mnl_attr_put_u16(nlh, NFTA_QUEUE_FLAGS, htons(0));
  mnl_attr_nest_end(nlh, data);
  mnl_attr_nest_end(nlh, element);
  mnl_attr_nest_end(nlh, nest);
  mnl_nlmsg_batch_next(batch);

  nft_put(batch, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, 5);
  mnl_nlmsg_batch_next(batch);

  if (mnl_socket_sendto(port.nl, mnl_nlmsg_batch_head(batch), mnl_nlmsg_batch_size(batch)) < 0) die("nft batch");
  int worst = 0;
  for (int i = 0; i < 3;) {
    ssize_t length = receive(&port, 1000);
    if (length <= 0) break;
    for (struct nlmsghdr *r = (void *)in; NLMSG_OK(r, (unsigned)length); r = NLMSG_NEXT(r, length), i++)
      if (r->nlmsg_type == NLMSG_ERROR) {
        int code = ((struct nlmsgerr *)NLMSG_DATA(r))->error;
        if (code) {
          fprintf(stderr, "nft message %u: %s\n", r->nlmsg_seq, strerror(-code));
          worst = code;
        }
      }
  }
  mnl_nlmsg_batch_stop(batch);
  mnl_socket_close(port.nl);
  return worst;
}

static void chapter_bridge(struct port *port) {
  static const unsigned char mac_a[6] = {2, 0, 0, 0, 0x0c, 2}, mac_b[6] = {2, 0, 0, 0, 0x0d, 2};
  if (bridge_queue_rule(QUEUE)) {
    fprintf(stderr, "bridge family: this kernel cannot queue there\n");
    return;
  }
  snprintf(rule_text, sizeof rule_text, "nftables: table bridge ringlink, chain forward, expression queue num 5");
  IN_CHILD(enter(ns_a); udp("10.9.3.2", "10.9.3.3", PORT, "bridge family"));
  traffic("send UDP 10.9.3.2:40000 > 10.9.3.3:5000 \"bridge family\" over bridge br0");
  take(port, "packet-bridge-l2hdr", "bridge family: L2HDR carries the Ethernet header");

  IN_CHILD(enter(ns_a); tagged_frame("eth1", mac_b, mac_a, 0x6005, "10.9.3.2", "10.9.3.3", "bridge and vlan"));
  traffic("send a frame with 802.1Q tag, priority 3, vlan 5, over bridge br0");
  unsigned int id = packet(port, "packet-bridge-vlan", "NFQA_VLAN holds the tag; L2HDR is without it");
  if (id) {
    struct nlmsghdr *nlh = verdict(id, NF_ACCEPT);
    struct nlattr *nest = mnl_attr_nest_start(nlh, NFQA_VLAN);
    mnl_attr_put_u16(nlh, NFQA_VLAN_PROTO, htons(ETH_P_8021Q));
    mnl_attr_put_u16(nlh, NFQA_VLAN_TCI, htons(0x2009));
    mnl_attr_nest_end(nlh, nest);
    request(port, nlh, "verdict-accept-vlan", "accept with NFQA_VLAN { PROTO 0x8100, TCI 0x2009 }", LIB_BOTH,
            "the packet was a bridge packet with a tag");
  }
  IN_CHILD(enter(ns_a); tagged_frame("eth1", mac_b, mac_a, 0x6005, "10.9.3.2", "10.9.3.3", "bridge and vlan"));
  id = packet(port, NULL, NULL);
  if (id) {
    struct nlmsghdr *nlh = verdict(id, NF_ACCEPT);
    struct nlattr *nest = mnl_attr_nest_start(nlh, NFQA_VLAN);
    mnl_attr_put_u16(nlh, NFQA_VLAN_TCI, htons(0x2009));
    mnl_attr_nest_end(nlh, nest);
    if (request(port, nlh, "verdict-accept-vlan-no-proto", "accept with NFQA_VLAN { TCI 0x2009 } and no PROTO",
                LIB_BOTH, NULL))
      send_request(port, verdict(id, NF_ACCEPT), NULL, NULL, "accept after a refused VLAN verdict", NULL, NULL, NULL);
  }
  IN_CHILD(enter(ns_a); arp_request("eth1", mac_a, "10.9.3.2", "10.9.3.3"));
  traffic("send an ARP request over bridge br0");
  take(port, "packet-bridge-arp", "hw_protocol 0x0806");
  rule_text[0] = 0;
}

static void chapter_verdicts(struct port *port, struct port *other) {
  struct nlmsghdr *nlh;
  unsigned int id;
  char text[64];
  int sink = udp_socket("127.0.0.1", PORT);
  fcntl(sink, F_SETFL, O_NONBLOCK);
#define FRESH(words) (udp4(words), id = packet(port, NULL, NULL))
#define DELIVERED()                                                                                                    \
  do {                                                                                                                 \
    usleep(20000);                                                                                                     \
    ssize_t n_ = recv(sink, text, sizeof text - 1, 0);                                                                 \
    if (n_ >= 0) text[n_] = 0;                                                                                         \
    fprintf(stderr, "    delivered: %s\n", n_ < 0 ? "nothing" : text);                                                 \
  } while (0)

  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFQUEUE --queue-num 5");

  FRESH("drop");
  request(port, verdict(id, NF_DROP), "verdict-drop", "nfq_nlmsg_verdict_put(nlh, id, NF_DROP)", LIB_QUEUE, NULL);
  DELIVERED();
  FRESH("accept");
  request(port, verdict(id, NF_ACCEPT), "verdict-accept", "nfq_nlmsg_verdict_put(nlh, id, NF_ACCEPT)", LIB_QUEUE, NULL);
  DELIVERED();
  FRESH("accept, no ack");
  nlh = verdict(id, NF_ACCEPT);
  nlh->nlmsg_flags &= ~NLM_F_ACK;
  request(port, nlh, "verdict-accept-silent", "nfq_nlmsg_verdict_put(nlh, id, NF_ACCEPT) without NLM_F_ACK", LIB_QUEUE,
          "the kernel answers nothing");
  DELIVERED();
  FRESH("stop");
  request(port, verdict(id, NF_STOP), "verdict-stop", "nfq_nlmsg_verdict_put(nlh, id, NF_STOP)", LIB_QUEUE, NULL);
  DELIVERED();
  FRESH("repeat");
  request(port, verdict(id, NF_REPEAT), "verdict-repeat", "nfq_nlmsg_verdict_put(nlh, id, NF_REPEAT)", LIB_QUEUE,
          "the packet comes back with a new id");
  traffic("NF_REPEAT on packet %u", id);
  take(port, "packet-after-repeat", "the same packet again, with a new id");
  DELIVERED();
  FRESH("drop with errno");
  request(port, verdict(id, (unsigned)EPERM << 16 | NF_DROP), "verdict-drop-errno",
          "nfq_nlmsg_verdict_put(nlh, id, EPERM << 16 | NF_DROP)", LIB_QUEUE, NULL);
  DELIVERED();

  mode_quietly(port, OTHER_QUEUE, NFQNL_COPY_PACKET, 0xffff);
  FRESH("to queue 6");
  request(port, verdict(id, OTHER_QUEUE << 16 | NF_QUEUE), "verdict-queue",
          "nfq_nlmsg_verdict_put(nlh, id, 6 << 16 | NF_QUEUE)", LIB_QUEUE, "the packet moves to queue 6");
  traffic("NF_QUEUE 6 on packet %u of queue 5", id);
  id = packet(port, "packet-after-queue", "res_id 6 and an id of that queue");
  if (id) {
    nlh = begin(NFQNL_MSG_VERDICT, OTHER_QUEUE, NLM_F_ACK);
    nfq_nlmsg_verdict_put(nlh, id, NF_ACCEPT);
    request(port, nlh, NULL, "accept on queue 6", NULL, NULL);
  }
  DELIVERED();
  FRESH("to an unbound queue, bypass");
  request(port, verdict(id, (unsigned)UNBOUND_QUEUE << 16 | NF_VERDICT_FLAG_QUEUE_BYPASS | NF_QUEUE),
          "verdict-queue-bypass", "nfq_nlmsg_verdict_put(nlh, id, 77 << 16 | NF_VERDICT_FLAG_QUEUE_BYPASS | NF_QUEUE)",
          LIB_QUEUE, "queue 77 is not bound");
  DELIVERED();
  FRESH("to an unbound queue");
  request(port, verdict(id, (unsigned)UNBOUND_QUEUE << 16 | NF_QUEUE), "verdict-queue-unbound",
          "nfq_nlmsg_verdict_put(nlh, id, 77 << 16 | NF_QUEUE)", LIB_QUEUE,
          "queue 77 is not bound: the verdict is acked, the packet is dropped");
  DELIVERED();

  FRESH("mark 7");
  nlh = verdict(id, NF_ACCEPT);
  nfq_nlmsg_verdict_put_mark(nlh, 0x01020304);
  request(port, nlh, "verdict-accept-mark", "nfq_nlmsg_verdict_put_mark(nlh, 0x01020304)", LIB_QUEUE, NULL);
  FRESH("mark 0");
  nlh = verdict(id, NF_ACCEPT);
  nfq_nlmsg_verdict_put_mark(nlh, 0);
  request(port, nlh, "verdict-accept-mark-zero", "nfq_nlmsg_verdict_put_mark(nlh, 0)", LIB_QUEUE, NULL);
  while (recv(sink, text, sizeof text, 0) >= 0) {}

  // The payload is the whole IPv4 packet. Change the UDP text and the lengths; checksum 0 means none.
  for (int odd = 0; odd < 2; odd++) {
    const char *words = odd ? "changed payload, odd!" : "changed payload, 20.";
    int data = odd ? 21 : 20, total = 28 + data;
    unsigned char ip[64] = {0x45,      0,          0, total,   0, 0,   0x40, 0, 64, IPPROTO_UDP,      0,
                            0,         127,        0, 0,       1, 127, 0,    0, 1,  SOURCE_PORT >> 8, SOURCE_PORT & 255,
                            PORT >> 8, PORT & 255, 0, 8 + data};
    unsigned short sum = ones_sum(ip, 20);
    ip[10] = sum >> 8;
    ip[11] = sum;
    memcpy(ip + 28, words, data);
    FRESH("original");
    nlh = verdict(id, NF_ACCEPT);
    nfq_nlmsg_verdict_put_pkt(nlh, ip, total);
    request(port, nlh, odd ? "verdict-accept-payload-odd" : "verdict-accept-payload",
            odd ? "nfq_nlmsg_verdict_put_pkt(nlh, packet, 49)" : "nfq_nlmsg_verdict_put_pkt(nlh, packet, 48)",
            LIB_QUEUE, odd ? "libmnl pads the last attribute and counts the padding in nlmsg_len" : NULL);
    DELIVERED();
    if (odd) {
      FRESH("original");
      nlh = verdict(id, NF_ACCEPT);
      nfq_nlmsg_verdict_put_pkt(nlh, ip, total);
      nlh->nlmsg_len -= 3;
      request(port, nlh, "verdict-accept-payload-unpadded", "the same, nlmsg_len reduced by the 3 bytes of padding",
              LIB_QUEUE, "sent unpadded: the kernel takes it");
      DELIVERED();
      FRESH("original");
      nlh = verdict(id, NF_ACCEPT);
      nfq_nlmsg_verdict_put_mark(nlh, 9);
      mnl_attr_put_u32(nlh, NFQA_PRIORITY, htonl(0x00010002));
      nfq_nlmsg_verdict_put_pkt(nlh, ip, total);
      request(port, nlh, "verdict-accept-mark-priority-payload",
              "mark 9, priority 0x00010002 and a payload of 49 bytes", LIB_BOTH, NULL);
      DELIVERED();
    }
  }

  FRESH("priority");
  nlh = verdict(id, NF_ACCEPT);
  mnl_attr_put_u32(nlh, NFQA_PRIORITY, htonl(0x00010002));
  request(port, nlh, "verdict-accept-priority", "mnl_attr_put_u32(nlh, NFQA_PRIORITY, htonl(0x00010002))", LIB_BOTH,
          NULL);

  FRESH("vlan on ipv4");
  nlh = verdict(id, NF_ACCEPT);
  struct nlattr *nest = mnl_attr_nest_start(nlh, NFQA_VLAN);
  mnl_attr_put_u16(nlh, NFQA_VLAN_PROTO, htons(ETH_P_8021Q));
  mnl_attr_put_u16(nlh, NFQA_VLAN_TCI, htons(5));
  mnl_attr_nest_end(nlh, nest);
  request(port, nlh, "verdict-accept-vlan-ipv4", "accept with NFQA_VLAN on a packet that is not a bridge packet",
          LIB_BOTH, "ignored outside the bridge family");

  // Batches: four packets, then one verdict for all of them.
  unsigned int last = 0;
  for (int i = 0; i < 4; i++) last = FRESH("batch");
  nlh = begin(NFQNL_MSG_VERDICT_BATCH, QUEUE, NLM_F_ACK);
  nfq_nlmsg_verdict_put(nlh, last, NF_ACCEPT);
  request(port, nlh, "verdict-batch-accept", "NFQNL_MSG_VERDICT_BATCH, nfq_nlmsg_verdict_put(nlh, last id, NF_ACCEPT)",
          LIB_QUEUE, "four packets were queued");
  for (int i = 0; i < 4; i++) DELIVERED();
  for (int i = 0; i < 3; i++) last = FRESH("batch and mark");
  nlh = begin(NFQNL_MSG_VERDICT_BATCH, QUEUE, NLM_F_ACK);
  nfq_nlmsg_verdict_put(nlh, last, NF_ACCEPT);
  nfq_nlmsg_verdict_put_mark(nlh, 0xcafe);
  request(port, nlh, "verdict-batch-accept-mark",
          "NFQNL_MSG_VERDICT_BATCH with nfq_nlmsg_verdict_put_mark(nlh, 0xcafe)", LIB_QUEUE, NULL);
  for (int i = 0; i < 2; i++) last = FRESH("batch drop");
  nlh = begin(NFQNL_MSG_VERDICT_BATCH, QUEUE, NLM_F_ACK);
  nfq_nlmsg_verdict_put(nlh, last, NF_DROP);
  mnl_attr_put_u32(nlh, NFQA_PRIORITY, htonl(3));
  request(port, nlh, "verdict-batch-drop-priority", "NFQNL_MSG_VERDICT_BATCH NF_DROP with NFQA_PRIORITY 3", LIB_BOTH,
          NULL);
  nlh = begin(NFQNL_MSG_VERDICT_BATCH, QUEUE, NLM_F_ACK);
  nfq_nlmsg_verdict_put(nlh, last, NF_ACCEPT);
  request(port, nlh, "verdict-batch-nothing-queued", "NFQNL_MSG_VERDICT_BATCH with nothing queued", LIB_QUEUE, NULL);
  while (recv(sink, text, sizeof text, 0) >= 0) {}

  // Conntrack beside the verdict.
  unrule();
  const char *effect = glue ? NULL : "acked, but ignored: this kernel lacks CONFIG_NETFILTER_NETLINK_GLUE_CT";
  if (glue) flags_quietly(port, QUEUE, NFQA_CFG_F_CONNTRACK);
  rule(
      "iptables -t mangle -A OUTPUT -p udp --dport 5014 -m connlabel ! --label 5 -j NFQUEUE --queue-num 5 2>/dev/null");
  udp("127.0.0.1", "127.0.0.1", 5014, "verdict with ct mark");
  id = packet(port, NULL, NULL);
  nlh = verdict(id, NF_ACCEPT);
  nest = mnl_attr_nest_start(nlh, NFQA_CT);
  mnl_attr_put_u32(nlh, CTA_MARK, htonl(0xbeef));
  mnl_attr_nest_end(nlh, nest);
  request(port, nlh, "verdict-accept-ct-mark", "accept with NFQA_CT { CTA_MARK 0xbeef }", LIB_BOTH, effect);
  show("/proc/net/nf_conntrack", "dport=5014");
  udp("127.0.0.1", "127.0.0.1", 5014, "verdict with ct labels");
  id =
      packet(port, glue ? "packet-ct-mark-from-verdict" : NULL, "the mark that a verdict set on the connection before");
  nlh = verdict(id, NF_ACCEPT);
  nest = mnl_attr_nest_start(nlh, NFQA_CT);
  mnl_attr_put_u32(nlh, CTA_MARK, htonl(0x12));
  unsigned char labels[16] = {0x20}, mask[16] = {0xff};
  mnl_attr_put(nlh, CTA_LABELS, sizeof labels, labels);
  mnl_attr_put(nlh, CTA_LABELS_MASK, sizeof mask, mask);
  mnl_attr_nest_end(nlh, nest);
  request(port, nlh, "verdict-accept-ct-labels",
          "accept with NFQA_CT { CTA_MARK 0x12, CTA_LABELS bit 5, CTA_LABELS_MASK 0xff }", LIB_BOTH, effect);
  show("/proc/net/nf_conntrack", "dport=5014");
  unrule();
  rule(glue ? "iptables -t mangle -A OUTPUT -p udp --dport 5014 -m connlabel --label 5 -j NFQUEUE --queue-num 5 "
              "2>/dev/null"
            : "iptables -t mangle -A OUTPUT -p udp --dport 5014 -j NFQUEUE --queue-num 5 2>/dev/null");
  udp("127.0.0.1", "127.0.0.1", 5014, "has label 5");
  id = packet(port, glue ? "packet-ct-labels-from-verdict" : NULL,
              "the label that a verdict set on the connection before");
  nlh = verdict(id, NF_ACCEPT);
  nest = mnl_attr_nest_start(nlh, NFQA_CT);
  mnl_attr_put_u32(nlh, CTA_TIMEOUT, htonl(99));
  mnl_attr_nest_end(nlh, nest);
  request(port, nlh, "verdict-accept-ct-timeout", "accept with NFQA_CT { CTA_TIMEOUT 99 }", LIB_BOTH, effect);
  show("/proc/net/nf_conntrack", "dport=5014");
  unrule();

  // An expectation needs a connection with a helper: the control connection of FTP.
  rule("iptables -t raw -A OUTPUT -p tcp --dport 21 -j CT --helper ftp; iptables -t mangle -A OUTPUT -p tcp --dport 21 "
       "--syn -j NFQUEUE --queue-num 5");
  struct sockaddr_storage addr;
  socklen_t length = address(&addr, "127.0.0.1", SOURCE_PORT + 3);
  int one = 1, ftp = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  setsockopt(ftp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  bind(ftp, (void *)&addr, length);
  length = address(&addr, "127.0.0.1", 21);
  connect(ftp, (void *)&addr, length);
  traffic("connect TCP 127.0.0.1:40003 > 127.0.0.1:21");
  id = packet(port, glue ? "packet-ct-helper" : NULL, "NFQA_CT with CTA_HELP");
  nlh = verdict(id, NF_ACCEPT);
  nest = mnl_attr_nest_start(nlh, NFQA_CT);
  mnl_attr_put_u32(nlh, CTA_MARK, htonl(0x15));
  mnl_attr_nest_end(nlh, nest);
  nest = mnl_attr_nest_start(nlh, NFQA_EXP);
  for (int part = 0; part < 2; part++) {
    struct nlattr *tuple = mnl_attr_nest_start(nlh, part ? CTA_EXPECT_MASK : CTA_EXPECT_TUPLE);
    struct nlattr *ip = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
    mnl_attr_put_u32(nlh, CTA_IP_V4_SRC, htonl(part ? 0xffffffff : 0x7f000001));
    mnl_attr_put_u32(nlh, CTA_IP_V4_DST, htonl(part ? 0xffffffff : 0x7f000001));
    mnl_attr_nest_end(nlh, ip);
    struct nlattr *proto = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
    mnl_attr_put_u8(nlh, CTA_PROTO_NUM, IPPROTO_TCP);
    mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(part ? 0 : 0));
    mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(part ? 0xffff : 40100));
    mnl_attr_nest_end(nlh, proto);
    mnl_attr_nest_end(nlh, tuple);
  }
  mnl_attr_put_u32(nlh, CTA_EXPECT_TIMEOUT, htonl(30));
  mnl_attr_put_u32(nlh, CTA_EXPECT_FLAGS, htonl(0));
  mnl_attr_nest_end(nlh, nest);
  request(port, nlh, "verdict-accept-exp",
          "accept with NFQA_CT { CTA_MARK } and NFQA_EXP { TUPLE, MASK, TIMEOUT 30, FLAGS 0 }", LIB_BOTH,
          effect ? effect : "an expectation for 127.0.0.1:40100 is attached to the FTP control connection");
  show("/proc/net/nf_conntrack_expect", "");
  close(ftp);
  unrule();
  flags_quietly(port, QUEUE, 0);

  // Refused verdicts.
  rule("iptables -t mangle -A OUTPUT -p udp --dport 5000 -j NFQUEUE --queue-num 5");
  FRESH("refused");
  request(port, verdict(id, NF_STOLEN), "verdict-stolen", "nfq_nlmsg_verdict_put(nlh, id, NF_STOLEN)", LIB_QUEUE,
          "user space may not steal");
  request(port, verdict(id, 6), "verdict-unknown", "nfq_nlmsg_verdict_put(nlh, id, 6)", LIB_QUEUE, NULL);
  nlh = begin(NFQNL_MSG_VERDICT, QUEUE, NLM_F_ACK);
  request(port, nlh, "verdict-without-header", "NFQNL_MSG_VERDICT without NFQA_VERDICT_HDR", LIB_QUEUE, NULL);
  nlh = verdict(id, NF_ACCEPT);
  request(other, nlh, "verdict-other-owner", "a verdict from a socket that does not own the queue", LIB_QUEUE, NULL);
  nlh = config(QUEUE);
  nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
  request(other, nlh, "config-bind-other-owner", "BIND of a queue that another socket has bound", LIB_QUEUE, NULL);
  nlh = begin(NFQNL_MSG_VERDICT, UNBOUND_QUEUE, 0);
  nfq_nlmsg_verdict_put(nlh, 1, NF_ACCEPT);
  request(port, nlh, "verdict-unbound-queue", "a verdict for a queue that is not bound, without NLM_F_ACK", LIB_QUEUE,
          NULL);
  nlh = verdict(0xfffffff0, NF_ACCEPT);
  nlh->nlmsg_flags &= ~NLM_F_ACK;
  send_request(port, nlh, "verdict-unknown-id", NULL, "a verdict for an id that is not queued, without NLM_F_ACK",
               LIB_QUEUE, NULL, "the error comes although no ack was asked; the whole request is repeated");
  nlh = begin(NFQNL_MSG_VERDICT_BATCH, QUEUE, 0);
  nfq_nlmsg_verdict_put(nlh, id - 1, NF_ACCEPT);
  request(port, nlh, "verdict-batch-below-oldest", "NFQNL_MSG_VERDICT_BATCH with an id below the oldest one queued",
          LIB_QUEUE, NULL);
  nlh = begin(7, QUEUE, NLM_F_ACK);
  request(port, nlh, "message-type-unknown", "nfnetlink_queue message 7 does not exist", LIB_QUEUE, NULL);
  // (this send and everything below leaves `id` queued on purpose)

  struct port capped = open_port(NETLINK_NETFILTER, "netfilter", 5353);
  option(&capped, NETLINK_CAP_ACK);
  nlh = config(8);
  nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
  send_request(&capped, nlh, NULL, "control-ack-capped", "BIND of queue 8 from a socket with NETLINK_CAP_ACK", NULL,
               NULL, "an ack is CAPPED with and without NETLINK_CAP_ACK");
  nlh = begin(NFQNL_MSG_VERDICT, 8, 0);
  nfq_nlmsg_verdict_put(nlh, 0xfffffff0, NF_ACCEPT);
  send_request(&capped, nlh, NULL, "control-error-capped",
               "a verdict for an id that is not queued, from a socket with NETLINK_CAP_ACK", NULL, NULL,
               "only the header of the request is repeated");
  mnl_socket_close(capped.nl);

  accept_quietly(port, id);
  unrule();
  close(sink);
}

static unsigned int genl_family(struct port *port, const char *name) {
  memset(out, 0, sizeof out);
  struct nlmsghdr *nlh = mnl_nlmsg_put_header(out);
  nlh->nlmsg_type = GENL_ID_CTRL;
  nlh->nlmsg_flags = NLM_F_REQUEST;
  nlh->nlmsg_seq = ++port->seq;
  struct genlmsghdr *g = mnl_nlmsg_put_extra_header(nlh, sizeof *g);
  g->cmd = CTRL_CMD_GETFAMILY;
  g->version = 2;
  mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, name);
  mnl_socket_sendto(port->nl, nlh, nlh->nlmsg_len);
  if (receive(port, 1000) <= 0) return 0;
  struct nlattr *attr;
  if (((struct nlmsghdr *)in)->nlmsg_type != GENL_ID_CTRL) return 0;
  mnl_attr_for_each(attr, (struct nlmsghdr *)in,
                    sizeof *g) if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID) return mnl_attr_get_u16(attr);
  return 0;
}

static struct nlmsghdr *genl_begin(unsigned int family, int cmd) {
  memset(out, 0, sizeof out);
  struct nlmsghdr *nlh = mnl_nlmsg_put_header(out);
  nlh->nlmsg_type = family;
  nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  struct genlmsghdr *g = mnl_nlmsg_put_extra_header(nlh, sizeof *g);
  g->cmd = cmd;
  g->version = 1;
  return nlh;
}

static void dump_until_done(struct port *port, struct nlmsghdr *nlh, const char *name, const char *command,
                            const char *note) {
  nlh->nlmsg_seq = ++port->seq;
  mnl_socket_sendto(port->nl, nlh, nlh->nlmsg_len);
  for (;;) {
    ssize_t length = receive(port, 1000);
    if (length <= 0) die("dump %s did not end", name);
    int left = length;
    for (struct nlmsghdr *m = (void *)in; NLMSG_OK(m, (unsigned)left); m = NLMSG_NEXT(m, left)) {
      if (m->nlmsg_type == NLMSG_DONE) {
        record(name, "kernel", port->protocol, command, NULL, note, m, m->nlmsg_len);
        fprintf(stderr, "%-44s -> done %d\n", name, *(int *)NLMSG_DATA(m));
        return;
      }
      if (m->nlmsg_type == NLMSG_ERROR) {
        record(name, "kernel", port->protocol, command, NULL, note, m, m->nlmsg_len);
        fprintf(stderr, "%-44s -> ERROR instead of done %d\n", name, ((struct nlmsgerr *)NLMSG_DATA(m))->error);
        return;
      }
    }
  }
}

static void chapter_control(void) {
  struct nlmsghdr *nlh;
  struct nlattr *nest;
  struct nfgenmsg *g;

  for (int capped = 0; capped < 2; capped++) {
    struct port nf = open_port(NETLINK_NETFILTER, "netfilter", capped ? 5555 : 5454);
    option(&nf, NETLINK_EXT_ACK);
    if (capped) option(&nf, NETLINK_CAP_ACK);
    nlh = config(9);
    mnl_attr_put_u16(nlh, NFQA_CFG_QUEUE_MAXLEN, htons(1));
    send_request(&nf, nlh, capped ? NULL : "config-maxlen-short",
                 capped ? "control-extack-policy-capped" : "control-extack-policy",
                 "NFQA_CFG_QUEUE_MAXLEN with 2 bytes instead of 4, NETLINK_EXT_ACK on", LIB_BOTH, NULL,
                 capped ? "NETLINK_CAP_ACK too: the attributes follow the request's header directly"
                        : "MSG, OFFS and POLICY, after the repeated request");
    if (capped) {
      mnl_socket_close(nf.nl);
      continue;
    }
    nlh = config(9);
    nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_META, 0);
    send_request(&nf, nlh, NULL, "control-extack-none", "params for an unbound queue, NETLINK_EXT_ACK on", NULL, NULL,
                 "nfnetlink_queue adds nothing of its own to the error");
    nlh = config(9);
    nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
    send_request(&nf, nlh, NULL, "control-extack-ack", "BIND of queue 9, NETLINK_EXT_ACK on", NULL, NULL,
                 "success: no attributes, flag ACK_TLVS not set");
    nlh = begin(NFQNL_MSG_VERDICT, 9, 0);
    mnl_attr_put_u32(nlh, NFQA_VERDICT_HDR, htonl(1));
    send_request(&nf, nlh, "verdict-header-short", "control-extack-message-offset",
                 "NFQA_VERDICT_HDR with 4 bytes instead of 8, NETLINK_EXT_ACK on", LIB_BOTH, NULL,
                 "MSG and OFFS; no POLICY, the policy of a plain struct has no type to tell");

    memset(out, 0, sizeof out);
    nlh = mnl_nlmsg_put_header(out);
    nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE;
    nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    g = mnl_nlmsg_put_extra_header(nlh, sizeof *g);
    g->nfgen_family = NFPROTO_IPV4;
    mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, "no such table");
    send_request(&nf, nlh, NULL, "control-extack-offset",
                 "nftables: GETTABLE of a table that is not there, NETLINK_EXT_ACK on", NULL, NULL, "OFFS only");

    memset(out, 0, sizeof out);
    nlh = mnl_nlmsg_put_header(out);
    nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
    nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    g = mnl_nlmsg_put_extra_header(nlh, sizeof *g);
    g->nfgen_family = AF_INET;
    dump_until_done(&nf, nlh, "control-done", "dump of the connection tracking table (IPCTNL_MSG_CT_GET)",
                    "protocol NETLINK_NETFILTER");
    mnl_socket_close(nf.nl);
  }

  struct port rt = open_port(NETLINK_ROUTE, "route", 5656);
  option(&rt, NETLINK_EXT_ACK);
  memset(out, 0, sizeof out);
  nlh = mnl_nlmsg_put_header(out);
  nlh->nlmsg_type = RTM_NEWLINK;
  nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
  mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
  mnl_attr_put_strz(nlh, IFLA_IFNAME, "never");
  nest = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
  mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "nosuchkind");
  mnl_attr_nest_end(nlh, nest);
  send_request(&rt, nlh, NULL, "control-extack-message",
               "rtnetlink: RTM_NEWLINK of an unknown kind, NETLINK_EXT_ACK on", NULL, NULL,
               "protocol NETLINK_ROUTE; MSG only");

  memset(out, 0, sizeof out);
  nlh = mnl_nlmsg_put_header(out);
  nlh->nlmsg_type = RTM_GETADDR;
  nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  ((struct ifaddrmsg *)mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifaddrmsg)))->ifa_family = AF_INET;
  dump_until_done(&rt, nlh, "control-done-route", "rtnetlink: dump of the IPv4 addresses (RTM_GETADDR)",
                  "protocol NETLINK_ROUTE");

  option(&rt, NETLINK_GET_STRICT_CHK);
  memset(out, 0, sizeof out);
  nlh = mnl_nlmsg_put_header(out);
  nlh->nlmsg_type = RTM_GETADDR;
  nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof *ifa);
  ifa->ifa_family = AF_INET;
  ifa->ifa_prefixlen = 24;
  dump_until_done(&rt, nlh, "control-done-extack",
                  "rtnetlink: RTM_GETADDR dump with ifa_prefixlen 24, NETLINK_GET_STRICT_CHK and NETLINK_EXT_ACK on",
                  "protocol NETLINK_ROUTE; the refusal of a dump comes as DONE with an errno and MSG");
  mnl_socket_close(rt.nl);

  struct port ge = open_port(NETLINK_GENERIC, "generic", 5757);
  option(&ge, NETLINK_EXT_ACK);
  unsigned int netdev = genl_family(&ge, "netdev"), ethtool = genl_family(&ge, "ethtool");
  if (netdev) {
    nlh = genl_begin(netdev, 1); // NETDEV_CMD_DEV_GET
    send_request(&ge, nlh, NULL, "control-extack-missing-type",
                 "generic netlink: family netdev, DEV_GET without ifindex, NETLINK_EXT_ACK on", NULL, NULL,
                 "protocol NETLINK_GENERIC; MISS_TYPE");
  }
  if (ethtool) {
    nlh = genl_begin(ethtool, ETHTOOL_MSG_TSINFO_GET);
    nest = mnl_attr_nest_start(nlh, 1); // ETHTOOL_A_TSINFO_HEADER
    mnl_attr_put_strz(nlh, ETHTOOL_A_HEADER_DEV_NAME, "va");
    mnl_attr_nest_end(nlh, nest);
    nest = mnl_attr_nest_start(nlh, 7); // ETHTOOL_A_TSINFO_HWTSTAMP_PROVIDER
    mnl_attr_put_u32(nlh, 2, 0);        // ETHTOOL_A_TS_HWTSTAMP_PROVIDER_QUALIFIER, and no _INDEX
    mnl_attr_nest_end(nlh, nest);
    send_request(
        &ge, nlh, NULL, "control-extack-missing-nest",
        "generic netlink: family ethtool, TSINFO_GET with a hwtstamp provider without index, NETLINK_EXT_ACK on", NULL,
        NULL, "protocol NETLINK_GENERIC; MISS_TYPE and MISS_NEST");

    nlh = genl_begin(ethtool, ETHTOOL_MSG_LINKINFO_GET);
    nest = mnl_attr_nest_start(nlh, 1);
    mnl_attr_put_strz(nlh, ETHTOOL_A_HEADER_DEV_NAME, "va");
    mnl_attr_put_u32(nlh, ETHTOOL_A_HEADER_FLAGS, 0x80000000);
    mnl_attr_nest_end(nlh, nest);
    send_request(&ge, nlh, NULL, "control-extack-offset-nested",
                 "generic netlink: family ethtool, LINKINFO_GET with an unknown header flag, NETLINK_EXT_ACK on", NULL,
                 NULL, "protocol NETLINK_GENERIC; MSG, and OFFS of an attribute inside a nest");
  }
  nlh = genl_begin(GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
  mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, "a name longer than sixteen bytes");
  send_request(&ge, nlh, NULL, "control-extack-policy-string",
               "generic netlink: GETFAMILY with a name that is too long, NETLINK_EXT_ACK on", NULL, NULL,
               "protocol NETLINK_GENERIC; POLICY of a string with MAX_LENGTH");
  mnl_socket_close(ge.nl);
}

// What NFQA_CT would hold, as ctnetlink itself sends it: one IPCTNL_MSG_CT_NEW of a dump, found by its original
// destination port.
static void conntrack_entry(const char *name, int family, int dport, const char *note) {
  struct port nf = open_port(NETLINK_NETFILTER, "netfilter", 5858);
  memset(out, 0, sizeof out);
  struct nlmsghdr *nlh = mnl_nlmsg_put_header(out);
  nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
  nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  nlh->nlmsg_seq = ++nf.seq;
  ((struct nfgenmsg *)mnl_nlmsg_put_extra_header(nlh, sizeof(struct nfgenmsg)))->nfgen_family = family;
  mnl_socket_sendto(nf.nl, nlh, nlh->nlmsg_len);
  bool found = false;
  for (bool more = true; more;) {
    ssize_t length = receive(&nf, 1000);
    if (length <= 0) break;
    int left = length;
    for (struct nlmsghdr *m = (void *)in; NLMSG_OK(m, (unsigned)left); m = NLMSG_NEXT(m, left)) {
      if (m->nlmsg_type == NLMSG_DONE) {
        more = false;
        break;
      }
      struct nlattr *a, *b, *c;
      mnl_attr_for_each(a, m, sizeof(struct nfgenmsg)) if (mnl_attr_get_type(a) == CTA_TUPLE_ORIG)
          mnl_attr_for_each_nested(b, a) if (mnl_attr_get_type(b) == CTA_TUPLE_PROTO) mnl_attr_for_each_nested(
              c, b) if (!found && mnl_attr_get_type(c) == (dport ? CTA_PROTO_DST_PORT : CTA_PROTO_ICMP_ID) &&
                        (!dport || ntohs(mnl_attr_get_u16(c)) == dport)) {
        found = true;
        record(name, "kernel", "netfilter", cause(), NULL, note, m, m->nlmsg_len);
      }
    }
  }
  fprintf(stderr, "%-44s -> %s\n", name, found ? "found" : "NOT FOUND");
  mnl_socket_close(nf.nl);
}

static void chapter_ctnetlink(void) {
  // Connection tracking runs only while some rule asks for it.
  shell("iptables -t mangle -A INPUT -m conntrack --ctstate INVALID");
  shell("ip6tables -t mangle -A INPUT -m conntrack --ctstate INVALID");
  rule("iptables -t mangle -A OUTPUT -p udp --dport 5030 -m conntrack --ctstate NEW -j CONNMARK --set-mark 0xabc; "
       "iptables -t mangle -A OUTPUT -p udp --dport 5030 -m connlabel --label 3 --set 2>/dev/null");
  udp("127.0.0.1", "127.0.0.1", 5030, "mark and label");
  conntrack_entry("conntrack-udp-mark-labels", AF_INET, 5030,
                  "a ctnetlink message: the attributes are those that NFQA_CT nests");
  unrule();
  int server, client = tcp_pair("127.0.0.1", 5031, &server);
  traffic("connect TCP 127.0.0.1:40001 > 127.0.0.1:5031");
  conntrack_entry("conntrack-tcp", AF_INET, 5031, "a ctnetlink message with CTA_PROTOINFO");
  close(client);
  close(server);
  udp("::1", "::1", 5032, "conntrack v6");
  conntrack_entry("conntrack-udp-ipv6", AF_INET6, 5032, "a ctnetlink message: IPv6 tuples");
  ping(AF_INET, "127.0.0.1", "127.0.0.1", "ping ct");
  conntrack_entry("conntrack-icmp", AF_INET, 0, "a ctnetlink message: tuples with ICMP id, type, code");
  rule("iptables -t raw -A OUTPUT -p tcp --dport 21 -j CT --helper ftp");
  client = tcp_pair("127.0.0.1", 21, &server);
  traffic("connect TCP 127.0.0.1:40001 > 127.0.0.1:21");
  conntrack_entry("conntrack-helper", AF_INET, 21, "a ctnetlink message with CTA_HELP");
  close(client);
  close(server);
  unrule();
}

int main(void) {
  ns_a = getenv("NS_A");
  ns_b = getenv("NS_B");
  net_cls = getenv("NET_CLS");
  if (!ns_a || !ns_b) die("run me through capture.sh");
  alarm(90); // never outlive the capture

  struct port port = open_port(NETLINK_NETFILTER, "netfilter", 5151);
  struct port other = open_port(NETLINK_NETFILTER, "netfilter", 5050);
  chapter_config(&port);
  chapter_packets(&port);
  chapter_tcp(&port);
  chapter_conntrack(&port);
  chapter_devices(&port);
  chapter_verdicts(&port, &other);
  chapter_bridge(&port);
  chapter_ctnetlink();
  chapter_control();
  if (waiting_count) fprintf(stderr, "%d packets were left waiting\n", waiting_count);
  return 0;
}
