/*
 * The end of a ring. The kernel writes to the frames by their address, so that address must be ours until the kernel
 * has stopped, and no ArrayBuffer may show it afterwards.
 */
#include "uring.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static void unmap(struct uring *uring) {
  for (int i = 0; i < AREAS; i++) {
    if (uring->area[i].address != NULL) munmap(uring->area[i].address, uring->area[i].length);
    uring->area[i].address = NULL;
  }
}

void uring_release(struct uring *uring) {
  if (--uring->references > 0) return;
  unmap(uring);
  free(uring);
}

static bool submissions_taken(const struct uring *uring) {
  const struct uring_submission_offsets *at = &uring->parameters.submission;
  return __atomic_load_n(uring_word(uring, at->head), __ATOMIC_ACQUIRE) ==
         __atomic_load_n(uring_word(uring, at->tail), __ATOMIC_ACQUIRE);
}

/*
 * Most attempts take 50 microseconds or more: the kernel thread is scheduled in that time on any working machine. With
 * a core of its own it needs only a few attempts.
 */
enum { STOP_ATTEMPTS = 20000, STOP_SPINS = 20 };

/* Submits a request without an effect. */
static void submit_nothing(const struct uring *uring) {
  const struct uring_submission_offsets *at = &uring->parameters.submission;
  struct uring_entry *entries = uring->area[ENTRIES].address;
  uint32_t tail = *uring_word(uring, at->tail);
  entries[tail & (uring->parameters.submission_entries - 1)] = (struct uring_entry){.operation = URING_OPERATION_NOP};
  __atomic_store_n(uring_word(uring, at->tail), tail + 1, __ATOMIC_RELEASE);
}

/* Cancels the kernel's work for this ring and waits for its end. Returns false if it did not stop. */
static bool stop(const struct uring *uring) {
  if (uring->area[ENTRIES].address == NULL) return true;
  const struct timespec pause = {.tv_nsec = 50000};
  struct uring_cancel cancel = {.user_data = REQUEST, .descriptor = -1, .timeout = {.nanoseconds = 1000000}};
  bool threaded = (uring->parameters.flags & URING_SETUP_SQPOLL) != 0;
  bool ended = false;
  for (int i = 0; i < STOP_ATTEMPTS; i++) {
    /* The kernel thread could still begin a request that it has not taken yet. */
    if (threaded && !submissions_taken(uring)) {
      uring_enter(uring, 0, 0, 0, NULL);
      if (i > STOP_SPINS) nanosleep(&pause, NULL);
    } else if (syscall(SYS_io_uring_register, uring->fd, URING_REGISTER_SYNC_CANCEL, &cancel, 1) < 0 &&
               errno == ENOENT) {
      /*
       * The request has ended. But the thread releases the request's socket only in its next round, and an open socket
       * keeps its port id and its queues. The thread has done a round when it takes another request.
       */
      if (!threaded || ended) return true;
      ended = true;
      submit_nothing(uring);
    } else {
      uring_enter(uring, 0, 0, 0, NULL); /* the end of the cancelled request is among the pending work */
      if (threaded && i > STOP_SPINS) nanosleep(&pause, NULL);
    }
  }
  return false;
}

/* Called by close(), not by a finalizer: from here on the ArrayBuffers have length 0. */
void uring_detach(napi_env env, struct uring *uring) {
  for (int i = 0; i < AREAS; i++) {
    struct area *area = &uring->area[i];
    napi_value buffer = NULL;
    if (area->buffer == NULL || napi_get_reference_value(env, area->buffer, &buffer) != napi_ok) continue;
    if (buffer != NULL && napi_detach_arraybuffer(env, buffer) != napi_ok) continue;
    napi_delete_reference(env, area->buffer);
    area->buffer = NULL;
  }
}

/* Before end(), in the thread of the environment. Returns whether an ArrayBuffer still shows memory of the ring. */
static bool forget_buffers(napi_env env, struct uring *uring) {
  bool shown = false;
  for (int i = 0; i < AREAS; i++) {
    if (uring->area[i].buffer == NULL) continue;
    shown = true;
    napi_delete_reference(env, uring->area[i].buffer);
    uring->area[i].buffer = NULL;
  }
  return shown;
}

/*
 * Stops the kernel and closes the ring, in the thread that opened it or, with a kernel thread, in any. Returns false if
 * the kernel did not stop: it may still write to the memory.
 */
static bool end(struct uring *uring, bool shown) {
  bool stopped = stop(uring);
  /* Memory that an ArrayBuffer still shows is unmapped when that buffer is finalized. */
  if (stopped && !shown) unmap(uring);
  close(uring->fd);
  return stopped;
}

/* After end(), in the thread of the environment. */
static void release_ended(struct uring *uring, bool stopped) {
  /* A kernel that does not stop keeps the memory, because nothing else may ever be at the address that it writes to. */
  if (!stopped) uring->references++;
  uring_release(uring);
}

/* Runs no JavaScript. */
void uring_close(napi_env env, struct uring *uring) {
  bool shown = forget_buffers(env, uring);
  release_ended(uring, end(uring, shown));
}

/* A ring and its socket that a thread of the pool closes. */
struct ending {
  struct uring *uring;
  struct addon *addon;
  int socket;
  bool shown, ended, stopped;
  napi_async_work work;
  napi_deferred deferred;
};

static void end_in_pool(napi_env env, void *data) {
  (void)env;
  struct ending *ending = data;
  ending->stopped = end(ending->uring, ending->shown);
  handle_close_descriptor(ending->socket);
  ending->ended = true;
}

static void ended_in_pool(napi_env env, napi_status status, void *data) {
  (void)status;
  struct ending *ending = data;
  napi_value nothing = NULL;
  /* An environment that ends may have cancelled the work. */
  if (!ending->ended) end_in_pool(env, ending);
  release_ended(ending->uring, ending->stopped);
  if (napi_get_undefined(env, &nothing) == napi_ok) napi_resolve_deferred(env, ending->deferred, nothing);
  napi_delete_async_work(env, ending->work);
  addon_release(ending->addon);
  free(ending);
}

static struct ending *make_ending(napi_env env, napi_value *promise) {
  napi_value name = NULL;
  struct ending *ending = calloc(1, sizeof *ending);
  if (ending == NULL) return NULL;
  if (napi_create_string_utf8(env, "ringlink", NAPI_AUTO_LENGTH, &name) == napi_ok &&
      napi_create_async_work(env, NULL, name, end_in_pool, ended_in_pool, ending, &ending->work) == napi_ok) {
    if (napi_create_promise(env, &ending->deferred, promise) == napi_ok) return ending;
    napi_delete_async_work(env, ending->work);
  }
  free(ending);
  return NULL;
}

napi_value ringlink_uring_close(napi_env env, napi_callback_info info) {
  struct call call;
  int error = uring_begin(env, info, &call);
  if (error != 0) return number(env, error);
  struct handle *handle = call.handle;
  /* Other rings belong to this thread. */
  if ((handle->uring->parameters.flags & (URING_SETUP_SQPOLL | URING_SETUP_SINGLE_ISSUER)) != URING_SETUP_SQPOLL) {
    return number(env, -EINVAL);
  }
  napi_value promise = NULL;
  struct ending *ending = make_ending(env, &promise);
  if (ending == NULL) return number(env, -ENOMEM);
  uring_detach(env, handle->uring);
  ending->uring = handle->uring;
  ending->shown = forget_buffers(env, handle->uring);
  ending->addon = handle->addon;
  ending->addon->references++;
  handle->uring = NULL;
  ending->socket = handle_detach(handle);
  handle_empty(env, call.argument[0]);
  if (napi_queue_async_work(env, ending->work) != napi_ok) ended_in_pool(env, napi_cancelled, ending);
  return promise;
}
