/* Shared by the programs that write netlink messages by hand. */
#ifndef RINGLINK_BENCH_NETLINK_H
#define RINGLINK_BENCH_NETLINK_H
#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

/* Writes an attribute; where the next one goes. */
static inline char *put_attribute(char *at, uint16_t type, const void *data, size_t length) {
  struct nlattr header = {(uint16_t)(NLA_HDRLEN + length), type};
  memcpy(at, &header, sizeof header);
  memcpy(at + NLA_HDRLEN, data, length);
  return at + NLA_ALIGN(NLA_HDRLEN + length);
}

/* Sets a receive buffer of that many bytes in the kernel's accounting, which is twice the requested size. */
static inline void receive_buffer(int descriptor, double bytes) {
  int size = (int)(bytes / 2);
  if (setsockopt(descriptor, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}
#endif
