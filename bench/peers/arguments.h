/* The arguments of every program here: name=value, in any order. */
#ifndef RINGLINK_BENCH_ARGUMENTS_H
#define RINGLINK_BENCH_ARGUMENTS_H
#include <stdlib.h>
#include <string.h>

static int argument_count;
static char **args;

static inline void arguments_of(int argc, char **argv) {
  argument_count = argc;
  args = argv;
}

static inline const char *argument(const char *name, const char *otherwise) {
  size_t length = strlen(name);
  for (int i = 1; i < argument_count; i++)
    if (strncmp(args[i], name, length) == 0 && args[i][length] == '=') return args[i] + length + 1;
  return otherwise;
}

static inline double number(const char *name, double otherwise) {
  const char *value = argument(name, NULL);
  return value == NULL ? otherwise : atof(value);
}
#endif
