/*
 * Sends argv[2] datagrams of argv[3] bytes to 127.0.0.1, port argv[1]. Its send buffer is large enough for all of them
 * to be queued at the same time, which needs CAP_NET_ADMIN.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1]))};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_DGRAM, 0), buffer = 1 << 30;
  static char payload[65000];
  size_t size = (size_t)atoi(argv[3]);
  if (fd < 0 || size > sizeof payload || setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) != 0) {
    perror("fill");
    return 1;
  }
  for (long left = atol(argv[2]); left > 0; left--) {
    if (sendto(fd, payload, size, 0, (struct sockaddr *)&to, sizeof to) < 0) perror("sendto");
  }
  return 0;
}
