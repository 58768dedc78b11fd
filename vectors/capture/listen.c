// SPDX-License-Identifier: MIT
//
// Listens to what a program says to netlink: loaded into nft, iptables and conntrack with LD_PRELOAD, it writes every
// datagram that is sent or received on a netlink socket to the file RINGLINK_RECORD, one a line: "user" or "kernel",
// and hex. It changes nothing. recorder.mjs makes records of these lines.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>

static int is_netlink(int fd) {
  int domain = 0;
  socklen_t length = sizeof domain;
  return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_NETLINK;
}

static void write_line(int fd, const char *from, const struct iovec *parts, size_t count, size_t length) {
  const char *path = getenv("RINGLINK_RECORD");
  if (!path || length == 0 || !is_netlink(fd)) return;
  FILE *file = fopen(path, "a");
  if (!file) return;
  fprintf(file, "%s ", from);
  for (size_t i = 0; i < count && length > 0; i++) {
    const unsigned char *bytes = parts[i].iov_base;
    for (size_t at = 0; at < parts[i].iov_len && length > 0; at++, length--) fprintf(file, "%02x", bytes[at]);
  }
  fprintf(file, "\n");
  fclose(file);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  ssize_t (*next)(int, const struct msghdr *, int) = dlsym(RTLD_NEXT, "sendmsg");
  ssize_t sent = next(fd, message, flags);
  if (sent > 0) write_line(fd, "user", message->msg_iov, message->msg_iovlen, sent);
  return sent;
}

ssize_t sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *address,
               socklen_t address_length) {
  ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "sendto");
  ssize_t sent = next(fd, bytes, length, flags, address, address_length);
  struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
  if (sent > 0) write_line(fd, "user", &part, 1, sent);
  return sent;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  ssize_t (*next)(int, struct msghdr *, int) = dlsym(RTLD_NEXT, "recvmsg");
  ssize_t received = next(fd, message, flags);
  if (received > 0 && !(flags & (MSG_PEEK | MSG_TRUNC)))
    write_line(fd, "kernel", message->msg_iov, message->msg_iovlen, received);
  return received;
}

ssize_t recvfrom(int fd, void *bytes, size_t length, int flags, struct sockaddr *address, socklen_t *address_length) {
  ssize_t (*next)(int, void *, size_t, int, struct sockaddr *, socklen_t *) = dlsym(RTLD_NEXT, "recvfrom");
  ssize_t received = next(fd, bytes, length, flags, address, address_length);
  struct iovec part = {.iov_base = bytes, .iov_len = length};
  if (received > 0 && !(flags & (MSG_PEEK | MSG_TRUNC))) write_line(fd, "kernel", &part, 1, received);
  return received;
}
