/* The work of every handler on a packet, and its verdict. */
#ifndef RINGLINK_BENCH_WORK_H
#define RINGLINK_BENCH_WORK_H
#include <stdint.h>
#include <string.h>
#include "arguments.h"

enum answer { ANSWER_ACCEPT, ANSWER_DROP, ANSWER_MARK, ANSWER_PAYLOAD };

/* The mark that `verdict=mark` sets. */
enum { MARK = 7 };

static inline enum answer answer_wanted(void) {
  const char *verdict = argument("verdict", "accept");
  if (strcmp(verdict, "drop") == 0) return ANSWER_DROP;
  if (strcmp(verdict, "mark") == 0) return ANSWER_MARK;
  return strcmp(verdict, "payload") == 0 ? ANSWER_PAYLOAD : ANSWER_ACCEPT;
}

/* Protocol and destination port of an IPv4 packet. */
static inline uint64_t look_at(const unsigned char *payload, unsigned length) {
  return length < 28 ? 0 : payload[9] + payload[22] + payload[23];
}

/* Another first byte of the UDP payload, and no checksum, which UDP over IPv4 allows. */
static inline void change(unsigned char *payload, unsigned length) {
  if (length < 29) return;
  payload[26] = payload[27] = 0;
  payload[28]++;
}
#endif
