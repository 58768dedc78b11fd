/*
 * One TCP connection over loopback as fast as it goes for `seconds`, after `skip` seconds that are not measured. Prints
 * one line of JSON; stays until its standard input ends.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "arguments.h"

enum { CHUNK = 1 << 17 };

static struct sockaddr_in address;
static volatile int stopped;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void *blast(void *unused) {
  static char chunk[CHUNK];
  int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  (void)unused;
  if (connect(descriptor, (struct sockaddr *)&address, sizeof address) != 0) {
    perror("tcp: connect");
    exit(1);
  }
  while (!stopped && send(descriptor, chunk, sizeof chunk, MSG_NOSIGNAL) > 0) {}
  return NULL;
}

int main(int argc, char **argv) {
  static char chunk[2 * CHUNK];
  arguments_of(argc, argv);
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)number("port", 9100));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1) != 0) {
    perror("tcp: listen");
    return 1;
  }
  printf("READY\n");
  fflush(stdout);
  pthread_t thread;
  pthread_create(&thread, NULL, blast, NULL);
  int descriptor = accept(listener, NULL, NULL);
  double begin = now() + number("skip", 0.5), end = begin + number("seconds", 1.5), first = 0, last = 0;
  long bytes = 0;
  struct timeval patience = {2, 0};
  setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  for (;;) {
    ssize_t received = recv(descriptor, chunk, sizeof chunk, 0);
    double time = now();
    if (received <= 0 || time >= end) break;
    if (time < begin) continue;
    if (first == 0) first = time;
    else bytes += received;
    last = time;
  }
  stopped = 1;
  printf("{\"bytes\":%ld,\"seconds\":%.6f}\n", bytes, last - first);
  fflush(stdout);
  char byte;
  while (read(0, &byte, 1) == 1 && byte != '\n') {}
  return 0;
}
