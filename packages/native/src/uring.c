/*
 * io_uring: the system calls of a receive ring (uring-binding.ts). Everything in between happens in mapped memory, in
 * JavaScript. uring-end.c ends it.
 */
#include "uring.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int uring_begin(napi_env env, napi_callback_info info, struct call *call) {
  int error = call_begin(env, info, call);
  if (error != 0) return error;
  return call->handle->uring == NULL ? -EBADF : 0;
}

int uring_enter(const struct uring *uring, uint32_t submit, uint32_t complete, uint32_t flags,
                const struct uring_wait *wait) {
  if (wait != NULL) flags |= URING_ENTER_EXT_ARG;
  if ((uring->parameters.flags & URING_SETUP_SQPOLL) != 0) flags |= URING_ENTER_SQ_WAKEUP;
  long result = syscall(SYS_io_uring_enter, uring->fd, submit, complete, flags | URING_ENTER_GETEVENTS, wait,
                        wait != NULL ? sizeof *wait : 0);
  return result < 0 ? -errno : (int)result;
}

static int map(struct area *area, size_t length, int fd, int64_t offset) {
  /* Frames that are never filled take no memory. */
  int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED | MAP_POPULATE;
  void *address = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, fd, offset);
  if (address == MAP_FAILED) return -errno;
  /* A child process would share the queues, and copy the frames page by page. */
  madvise(address, length, MADV_DONTFORK);
  area->address = address;
  area->length = length;
  return 0;
}

static void finalize_buffer(napi_env env, void *data, void *hint) {
  (void)env;
  (void)data;
  uring_release(hint);
}

/* Makes an ArrayBuffer over the first `length` bytes of a mapping; 0 or a negative errno. */
static int show(napi_env env, struct uring *uring, int which, size_t length, napi_value *buffer) {
  struct area *area = &uring->area[which];
  uring->references++;
  napi_status status = napi_create_external_arraybuffer(env, area->address, length, finalize_buffer, uring, buffer);
  if (status != napi_ok) {
    uring->references--;
    return status == napi_no_external_buffers_allowed ? -EOPNOTSUPP : -ENOMEM;
  }
  if (napi_create_reference(env, *buffer, 0, &area->buffer) == napi_ok) return 0;
  napi_detach_arraybuffer(env, *buffer);
  return -ENOMEM;
}

/*
 * Selects the descriptor that the event loop polls (docs/decisions/wake-ups.md). Deferred work runs only when the ring
 * is entered: until then messages stay in the socket, which is readable, and the ring wakes nobody. Otherwise the
 * kernel has taken them out of the socket and left completions, which make the ring readable. Both are states, not
 * signals, so a missed one is seen later.
 */
static int watch(struct handle *handle, const struct uring *uring) {
  if ((uring->parameters.flags & URING_SETUP_DEFER_TASKRUN) != 0) return 0; /* the handle polls its socket already */
  return handle_watch(handle, uring->fd);
}

napi_value ringlink_uring_set_up(napi_env env, napi_callback_info info) {
  struct call call;
  uint32_t submissions, completions, flags, idle;
  int error = call_begin(env, info, &call);
  if (error != 0) return number(env, error);
  if (!read_unsigned(&call, 1, &submissions) || !read_unsigned(&call, 2, &completions) ||
      !read_unsigned(&call, 3, &flags) || !read_unsigned(&call, 4, &idle)) {
    return number(env, -EINVAL);
  }
  struct handle *handle = call.handle;
  if (handle->uring != NULL) return number(env, -EBUSY);
  struct uring *uring = calloc(1, sizeof *uring);
  if (uring == NULL) return number(env, -ENOMEM);
  uring->references = 1;
  uring->socket = handle->fd;
  uring->parameters = (struct uring_parameters){.completion_entries = completions, .flags = flags, .thread_idle = idle};
  uring->fd = (int)syscall(SYS_io_uring_setup, submissions, &uring->parameters); /* close-on-exec by itself */
  error = uring->fd < 0 ? -errno : 0;
  uint32_t needed = URING_FEATURE_SINGLE_MAPPING | URING_FEATURE_EXT_ARG;
  if (error == 0 && (uring->parameters.features & needed) != needed) error = -EINVAL;
  if (error == 0) error = watch(handle, uring);
  if (error == 0) {
    handle->uring = uring;
    return number(env, 0);
  }
  if (uring->fd >= 0) close(uring->fd);
  free(uring);
  return number(env, error);
}

/* Fills the whole submission queue once: JavaScript only moves its tail. */
static void write_entries(struct uring *uring) {
  const struct uring_submission_offsets *at = &uring->parameters.submission;
  uring->message = (struct msghdr){.msg_namelen = sizeof(struct sockaddr_nl)};
  struct uring_entry *entries = uring->area[ENTRIES].address;
  uint32_t *order = uring_word(uring, at->array);
  for (uint32_t i = 0; i < uring->parameters.submission_entries; i++) {
    entries[i] = (struct uring_entry){
        .operation = URING_OPERATION_RECVMSG,
        .flags = URING_SQE_BUFFER_SELECT,
        .priority = URING_RECEIVE_MULTISHOT,
        .descriptor = uring->socket,
        .address = (uintptr_t)&uring->message,
        .length = 1,
        .message_flags = MSG_TRUNC,
        .user_data = REQUEST,
    };
    order[i] = i;
  }
}

static bool set_number(napi_env env, napi_value object, const char *name, uint32_t value) {
  napi_value result = NULL;
  return napi_create_uint32(env, value, &result) == napi_ok &&
         napi_set_named_property(env, object, name, result) == napi_ok;
}

static bool describe_queues(napi_env env, const struct uring *uring, napi_value object) {
  const struct uring_submission_offsets *submission = &uring->parameters.submission;
  const struct uring_completion_offsets *completion = &uring->parameters.completion;
  return set_number(env, object, "submissionHead", submission->head) &&
         set_number(env, object, "submissionTail", submission->tail) &&
         set_number(env, object, "submissionFlags", submission->flags) &&
         set_number(env, object, "completionHead", completion->head) &&
         set_number(env, object, "completionTail", completion->tail) &&
         set_number(env, object, "completions", completion->completions) &&
         set_number(env, object, "completionCount", uring->parameters.completion_entries) &&
         set_number(env, object, "completionOverflow", completion->overflow);
}

static int map_queues(struct uring *uring) {
  const struct uring_parameters *has = &uring->parameters;
  size_t submissions = has->submission.array + has->submission_entries * sizeof(uint32_t);
  size_t completions = has->completion.completions + has->completion_entries * sizeof(struct uring_completion);
  size_t length = submissions > completions ? submissions : completions;
  int error = map(&uring->area[RINGS], length, uring->fd, URING_OFFSET_RINGS);
  if (error != 0) return error;
  return map(&uring->area[ENTRIES], has->submission_entries * sizeof(struct uring_entry), uring->fd,
             URING_OFFSET_ENTRIES);
}

napi_value ringlink_uring_map(napi_env env, napi_callback_info info) {
  struct call call;
  int error = uring_begin(env, info, &call);
  if (error != 0) return number(env, error);
  struct uring *uring = call.handle->uring;
  if (uring->area[RINGS].address != NULL) return number(env, -EBUSY);
  error = map_queues(uring);
  if (error != 0) return number(env, error);
  write_entries(uring);
  napi_value queues, rings;
  error = show(env, uring, RINGS, uring->area[RINGS].length & ~(size_t)3, &rings);
  if (error != 0) return number(env, error);
  if (napi_create_object(env, &queues) != napi_ok || napi_set_named_property(env, queues, "rings", rings) != napi_ok ||
      !describe_queues(env, uring, queues)) {
    return number(env, -ENOMEM);
  }
  return queues;
}

static int provide(struct uring *uring, uint32_t count, uint32_t stride, uint32_t entries) {
  int error = map(&uring->area[FRAMES], (size_t)count * stride, -1, 0);
  if (error == 0) error = map(&uring->area[BUFFERS], (size_t)entries * sizeof(struct uring_buffer), -1, 0);
  if (error != 0) return error;
  struct uring_buffer *buffers = uring->area[BUFFERS].address;
  for (uint32_t i = 0; i < entries; i++) buffers[i].length = stride;
  struct uring_buffer_registration registration = {.ring_address = (uintptr_t)buffers, .entries = entries};
  long result = syscall(SYS_io_uring_register, uring->fd, URING_REGISTER_BUFFER_RING, &registration, 1);
  return result < 0 ? -errno : 0;
}

napi_value ringlink_uring_provide(napi_env env, napi_callback_info info) {
  struct call call;
  uint32_t count, stride, entries;
  int error = uring_begin(env, info, &call);
  if (error != 0) return number(env, error);
  if (!read_unsigned(&call, 1, &count) || !read_unsigned(&call, 2, &stride) || !read_unsigned(&call, 3, &entries)) {
    return number(env, -EINVAL);
  }
  struct uring *uring = call.handle->uring;
  if (uring->area[FRAMES].address != NULL) return number(env, -EBUSY);
  if (count == 0 || stride == 0 || entries == 0 || (uint64_t)count * stride > INT32_MAX ||
      (uint64_t)entries * sizeof(struct uring_buffer) > INT32_MAX) {
    return number(env, -EFAULT);
  }
  error = provide(uring, count, stride, entries);
  napi_value result, frames, buffers;
  if (error == 0) error = show(env, uring, FRAMES, (size_t)count * stride, &frames);
  if (error == 0) error = show(env, uring, BUFFERS, uring->area[BUFFERS].length, &buffers);
  if (error != 0) return number(env, error);
  uint64_t address = (uintptr_t)uring->area[FRAMES].address;
  if (napi_create_object(env, &result) != napi_ok ||
      napi_set_named_property(env, result, "frames", frames) != napi_ok ||
      napi_set_named_property(env, result, "bufferRing", buffers) != napi_ok ||
      !set_number(env, result, "addressLow", (uint32_t)address) ||
      !set_number(env, result, "addressHigh", (uint32_t)(address >> 32))) {
    return number(env, -ENOMEM);
  }
  return result;
}

/* 0 also after the timeout. */
static int enter_blocking(const struct uring *uring, uint32_t submit, int64_t deadline) {
  for (;;) {
    const int64_t left = time_left(deadline);
    struct uring_time rest = {left / 1000000000, left % 1000000000};
    struct uring_wait wait = {.timeout = deadline == NO_DEADLINE ? 0 : (uintptr_t)&rest};
    int result = uring_enter(uring, submit, 1, 0, &wait);
    if (result == -ETIME) return 0;
    if (result != -EINTR) return result;
  }
}

napi_value ringlink_uring_enter(napi_env env, napi_callback_info info) {
  struct call call;
  uint32_t submit;
  double timeout;
  int result = uring_begin(env, info, &call);
  if (result != 0) return number(env, result);
  if (!read_unsigned(&call, 1, &submit) || !read_timeout(&call, 2, &timeout)) return number(env, -EINVAL);
  const struct uring *uring = call.handle->uring;
  if (timeout == 0) {
    do result = uring_enter(uring, submit, 0, 0, NULL);
    while (result == -EINTR);
    return number(env, result);
  }
  return number(env, enter_blocking(uring, submit, deadline_after(timeout)));
}
