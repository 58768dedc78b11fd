/* Deadlines of calls. */
#include "handle.h"

#include <math.h>
#include <time.h>

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

bool read_timeout(const struct call *call, int index, double *milliseconds) {
  return napi_get_value_double(call->env, call->argument[index], milliseconds) == napi_ok && !isnan(*milliseconds);
}

int64_t deadline_after(double milliseconds) {
  /* Limits the time to a year, which fits. */
  return milliseconds < 0 || milliseconds > 3.2e10 ? NO_DEADLINE : now() + (int64_t)(milliseconds * 1e6);
}

int64_t time_left(int64_t deadline) {
  if (deadline == NO_DEADLINE) return INT64_MAX;
  int64_t left = deadline - now();
  return left > 0 ? left : 0;
}
