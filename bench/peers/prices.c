/*
 * The prices of this machine on which the results depend: an empty system call and a wake-up of another thread, on
 * another processor and on the same one. Prints one line of JSON, in nanoseconds, medians of several rounds.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 9, CALLS = 200000, WAKE_UPS = 10000 };

struct pair {
  int ping;
  int pong;
  int processor;
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return difference < 0 ? -1 : difference > 0;
}

static double median(double *values) {
  qsort(values, ROUNDS, sizeof *values, ascending);
  return values[ROUNDS / 2];
}

static void pin(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  sched_setaffinity(0, sizeof set, &set);
}

static void wait_for(int descriptor) {
  uint64_t value;
  if (read(descriptor, &value, sizeof value) != sizeof value) abort();
}

static void wake(int descriptor) {
  uint64_t one = 1;
  if (write(descriptor, &one, sizeof one) != sizeof one) abort();
}

static void *answer(void *argument) {
  struct pair *pair = argument;
  pin(pair->processor);
  for (int i = 0; i < WAKE_UPS; i++) {
    wait_for(pair->ping);
    wake(pair->pong);
  }
  return NULL;
}

static double price_of_system_call(void) {
  double values[ROUNDS];
  for (int round = 0; round < ROUNDS; round++) {
    double start = now();
    for (int i = 0; i < CALLS; i++) syscall(SYS_getppid);
    values[round] = (now() - start) / CALLS;
  }
  return median(values);
}

static double price_of_wake_up(int processor) {
  double values[ROUNDS];
  for (int round = 0; round < ROUNDS; round++) {
    struct pair pair = {eventfd(0, 0), eventfd(0, 0), processor};
    pthread_t thread;
    if (pair.ping < 0 || pair.pong < 0 || pthread_create(&thread, NULL, answer, &pair) != 0) abort();
    double start = now();
    for (int i = 0; i < WAKE_UPS; i++) {
      wake(pair.ping);
      wait_for(pair.pong);
    }
    values[round] = (now() - start) / (2.0 * WAKE_UPS);
    pthread_join(thread, NULL);
    close(pair.ping);
    close(pair.pong);
  }
  return median(values);
}

int main(void) {
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  pin(0);
  printf("{\"systemCall\":%.0f,\"wakeUpHere\":%.0f,", price_of_system_call(), price_of_wake_up(0));
  if (processors > 1) printf("\"wakeUpElsewhere\":%.0f}\n", price_of_wake_up(1));
  else printf("\"wakeUpElsewhere\":null}\n");
  return 0;
}
