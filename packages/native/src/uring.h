/* A receive ring of io_uring, for the two files that make and end it (uring.c, uring-end.c). */
#ifndef RINGLINK_URING_H
#define RINGLINK_URING_H
#include "handle.h"
#include "uring-uapi.h"

#include <sys/socket.h>

/* Mapped memory that an ArrayBuffer shows. */
struct area {
  void *address; /* NULL: not mapped */
  size_t length;
  napi_ref buffer; /* weak; NULL: no ArrayBuffer was made, or it is detached */
};

enum { RINGS, ENTRIES, FRAMES, BUFFERS, AREAS };

/* The user data of the only request. */
enum { REQUEST = 1 };

struct uring {
  unsigned references; /* references: the handle until it is closed, every ArrayBuffer until it is finalized */
  int fd;
  int socket;
  struct uring_parameters parameters;
  struct area area[AREAS];
  /* The parameters of the only request; the kernel reads them when the request is submitted. */
  struct msghdr message;
};

/* As call_begin, for a handle with a ring. */
int uring_begin(napi_env env, napi_callback_info info, struct call *call);
int uring_enter(const struct uring *uring, uint32_t submit, uint32_t complete, uint32_t flags,
                const struct uring_wait *wait);
/* Gives a reference back; the last one unmaps what is mapped. */
void uring_release(struct uring *uring);

static inline uint32_t *uring_word(const struct uring *uring, uint32_t offset) {
  return (uint32_t *)((uint8_t *)uring->area[RINGS].address + offset);
}
#endif
