/* The arguments of every program here: name=value, in any order. */
#ifndef RINGLINK_BENCH_WORDS_H
#define RINGLINK_BENCH_WORDS_H
#include <stdlib.h>
#include <string.h>

static int word_count;
static char **words;

static inline void words_of(int argc, char **argv) {
  word_count = argc;
  words = argv;
}

static inline const char *word(const char *name, const char *otherwise) {
  size_t length = strlen(name);
  for (int i = 1; i < word_count; i++)
    if (strncmp(words[i], name, length) == 0 && words[i][length] == '=') return words[i] + length + 1;
  return otherwise;
}

static inline double number(const char *name, double otherwise) {
  const char *value = word(name, NULL);
  return value == NULL ? otherwise : atof(value);
}
#endif
