/* The messages of a handler to the runner, and its measurements of itself; bench/README.md has the protocol. READY
 * the queue is bound WARM `warm` packets were answered; it reads no further until a line comes on standard input {...}
 * one line: what was measured from the first packet after that, for `window` seconds or `count` packets Then it
 * continues to answer until it is killed. Several threads may share one meter. */
#ifndef RINGLINK_BENCH_METER_H
#define RINGLINK_BENCH_METER_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "arguments.h"

enum meter_phase { WARMING, PAUSED, ARMED, RUNNING, DONE };

static struct {
  _Atomic int phase;
  _Atomic long seen, receive_calls, send_calls, errors, lost;
  _Atomic uint64_t checksum;
  long warm, count, checked;
  double window, start, user, system;
  long calls_before;
  pthread_mutex_t lock;
  pthread_cond_t go;
} meter = {.lock = PTHREAD_MUTEX_INITIALIZER, .go = PTHREAD_COND_INITIALIZER};

/* Packets between two looks at the clock. */
enum { CLOCK_INTERVAL = 16 };

static inline double meter_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static inline void meter_cpu(double *user, double *system) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  *user = usage.ru_utime.tv_sec + usage.ru_utime.tv_usec / 1e6;
  *system = usage.ru_stime.tv_sec + usage.ru_stime.tv_usec / 1e6;
}

static inline void meter_pause(void) {
  char line;
  int warming = WARMING;
  if (!atomic_compare_exchange_strong(&meter.phase, &warming, PAUSED)) return;
  printf("WARM\n");
  fflush(stdout);
  while (read(0, &line, 1) == 1 && line != '\n') {}
  meter.seen = 0;
  pthread_mutex_lock(&meter.lock);
  meter.phase = ARMED;
  pthread_cond_broadcast(&meter.go);
  pthread_mutex_unlock(&meter.lock);
}

static inline void meter_ready(void) {
  meter.warm = (long)number("warm", 0);
  meter.count = (long)number("count", 0);
  meter.window = number("window", 1.2);
  printf("READY\n");
  fflush(stdout);
  if (meter.warm == 0) meter_pause();
}

/* Packets after which it pauses or ends, as far as that is a number of packets. */
static inline long meter_until(void) {
  int phase = meter.phase;
  if (phase == WARMING) return meter.warm;
  if (phase == DONE) return 0;
  return meter.count > 0 ? meter.count : __LONG_MAX__;
}

/* Before the packets of one receive are looked at. */
static inline void meter_received(void) {
  int phase = meter.phase;
  if (phase == RUNNING || phase == WARMING || phase == DONE) return;
  pthread_mutex_lock(&meter.lock);
  while (meter.phase == PAUSED) pthread_cond_wait(&meter.go, &meter.lock);
  if (meter.phase == ARMED) {
    meter.start = meter_now();
    meter_cpu(&meter.user, &meter.system);
    meter.calls_before = meter.receive_calls + meter.send_calls;
    meter.checked = 0;
    meter.phase = RUNNING;
  }
  pthread_mutex_unlock(&meter.lock);
}

static inline void meter_report(long packets, double end) {
  double user, system;
  int running = RUNNING;
  meter_cpu(&user, &system);
  if (!atomic_compare_exchange_strong(&meter.phase, &running, DONE)) return;
  printf("{\"packets\":%ld,\"seconds\":%.6f,\"user\":%.6f,\"system\":%.6f,\"systemCalls\":%ld,"
         "\"errors\":%ld,\"lost\":%ld,\"checksum\":%llu}\n",
         packets, end - meter.start, user - meter.user, system - meter.system,
         meter.receive_calls + meter.send_calls - meter.calls_before, (long)meter.errors, (long)meter.lost,
         (unsigned long long)meter.checksum);
  fflush(stdout);
}

/* After the verdicts of `packets` have been sent. */
static inline void meter_answered(long packets) {
  long seen = atomic_fetch_add_explicit(&meter.seen, packets, memory_order_relaxed) + packets;
  int phase = meter.phase;
  if (phase == RUNNING) {
    int complete = meter.count > 0 && seen >= meter.count;
    if (!complete && seen - meter.checked < CLOCK_INTERVAL) return;
    meter.checked = seen;
    double now = meter_now();
    if (complete || (meter.count == 0 && now - meter.start >= meter.window)) meter_report(seen, now);
  } else if (phase == WARMING && seen >= meter.warm) {
    meter_pause();
  }
}
#endif
