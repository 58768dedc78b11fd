/*
 * Receiving and sending. Everything that a system call needs is prepared when memory is attached, so that a call
 * allocates nothing.
 */
#include "frame.h"
#include "handle.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <linux/netlink.h>

struct inbox {
  uint32_t frame_size, frame_count;
  uint32_t *words;
  struct mmsghdr messages[RINGLINK_BATCH];
  struct iovec vectors[RINGLINK_BATCH];
  struct sockaddr_nl senders[RINGLINK_BATCH];
  bool blocks;      /* the descriptor is in blocking mode */
  int64_t patience; /* milliseconds of SO_RCVTIMEO; 0: no limit */
};

void inbox_free(struct inbox *inbox) { free(inbox); }

/* A buffer may have been transferred or shrunk since it was attached; our pointer would then be stale. */
static bool region_valid(napi_env env, const struct region *region) {
  napi_value buffer = NULL;
  void *data = NULL;
  size_t length = 0;
  return region->buffer != NULL && napi_get_reference_value(env, region->buffer, &buffer) == napi_ok &&
         buffer != NULL && napi_get_arraybuffer_info(env, buffer, &data, &length) == napi_ok && data == region->data &&
         length >= region->length;
}

/* Newer runtimes also describe a SharedArrayBuffer, to which an ArrayBuffer reference cannot be made. */
static bool get_buffer(napi_env env, napi_value value, void **data, size_t *length) {
  bool plain = false;
  return napi_is_arraybuffer(env, value, &plain) == napi_ok && plain &&
         napi_get_arraybuffer_info(env, value, data, length) == napi_ok;
}

/* Keeps `buffer` with the handle object, as the property `name`. */
static bool region_attach(const struct call *call, const char *name, napi_value buffer, void *data, size_t length,
                          struct region *region) {
  if (napi_set_named_property(call->env, call->argument[0], name, buffer) != napi_ok ||
      napi_create_reference(call->env, buffer, 0, &region->buffer) != napi_ok) {
    return false;
  }
  region->data = data;
  region->length = length;
  return true;
}

static struct inbox *inbox_create(uint32_t frame_size, uint32_t frame_count, void *words) {
  struct inbox *inbox = calloc(1, sizeof *inbox);
  if (inbox == NULL) return NULL;
  inbox->frame_size = frame_size;
  inbox->frame_count = frame_count;
  inbox->words = words;
  for (int i = 0; i < RINGLINK_BATCH; i++) {
    inbox->vectors[i].iov_len = frame_size;
    inbox->messages[i].msg_hdr = (struct msghdr){
        .msg_name = &inbox->senders[i],
        .msg_namelen = sizeof inbox->senders[i],
        .msg_iov = &inbox->vectors[i],
        .msg_iovlen = 1,
    };
  }
  return inbox;
}

napi_value ringlink_attach_frames(napi_env env, napi_callback_info info) {
  struct call call;
  int error = call_begin(env, info, &call);
  if (error != 0) return number(env, error);
  struct handle *handle = call.handle;
  if (handle->inbox != NULL) return number(env, -EBUSY);
  uint32_t frame_size, frame_count;
  void *frames = NULL, *words = NULL;
  size_t frames_length = 0, words_count = 0, words_offset = 0;
  napi_typedarray_type type;
  napi_value words_buffer;
  if (!get_buffer(env, call.argument[1], &frames, &frames_length) || !read_unsigned(&call, 2, &frame_size) ||
      !read_unsigned(&call, 3, &frame_count) ||
      napi_get_typedarray_info(env, call.argument[4], &type, &words_count, &words, &words_buffer, &words_offset) !=
          napi_ok ||
      type != napi_uint32_array || !get_buffer(env, words_buffer, NULL, NULL)) {
    return number(env, -EINVAL);
  }
  uint64_t bytes = (uint64_t)frame_size * frame_count;
  uint64_t word_bytes = (uint64_t)frame_count * FRAME_WORDS * sizeof(uint32_t);
  if (bytes == 0 || bytes > frames_length || word_bytes > words_count * sizeof(uint32_t)) return number(env, -EFAULT);

  void *words_start = (uint8_t *)words - words_offset;
  handle->inbox = inbox_create(frame_size, frame_count, words);
  if (handle->inbox == NULL) return number(env, -ENOMEM);
  if (!region_attach(&call, "frames", call.argument[1], frames, bytes, &handle->frames) ||
      !region_attach(&call, "words", words_buffer, words_start, words_offset + word_bytes, &handle->words)) {
    return number(env, -ECANCELED);
  }
  return number(env, 0);
}

/* `how`: MSG_DONTWAIT, or MSG_WAITFORONE, which waits for the first message and returns -EINTR at a signal. */
static int receive_into(const struct handle *handle, uint32_t first, uint32_t count, int how) {
  struct inbox *inbox = handle->inbox;
  uint8_t *frame = handle->frames.data + (size_t)first * inbox->frame_size;
  for (uint32_t i = 0; i < count; i++, frame += inbox->frame_size) inbox->vectors[i].iov_base = frame;
  int filled;
  do filled = recvmmsg(handle->fd, inbox->messages, count, how | MSG_TRUNC, NULL);
  while (filled < 0 && errno == EINTR && how == MSG_DONTWAIT);
  if (filled < 0) return -errno;
  uint32_t *words = inbox->words + (size_t)first * FRAME_WORDS;
  for (int i = 0; i < filled; i++, words += FRAME_WORDS) {
    const struct sockaddr_nl *sender = &inbox->senders[i];
    /* msg_len is the length of the message, as MSG_TRUNC asks. */
    describe_frame(words, inbox->frame_size, inbox->messages[i].msg_len, sender->nl_pid, sender->nl_groups);
  }
  return filled;
}

/* 0 or a negative errno; `count` is limited to one batch. */
static int receive_arguments(const struct call *call, uint32_t *first, uint32_t *count) {
  if (!read_unsigned(call, 1, first) || !read_unsigned(call, 2, count)) return -EINVAL;
  const struct handle *handle = call->handle;
  if (!region_valid(call->env, &handle->frames) || !region_valid(call->env, &handle->words)) return -EFAULT;
  if (*count == 0 || (uint64_t)*first + *count > handle->inbox->frame_count) return -EFAULT;
  if (*count > RINGLINK_BATCH) *count = RINGLINK_BATCH;
  return 0;
}

napi_value ringlink_receive(napi_env env, napi_callback_info info) {
  struct call call;
  uint32_t first, count;
  int error = call_begin(env, info, &call);
  if (error == 0) error = receive_arguments(&call, &first, &count);
  return number(env, error != 0 ? error : receive_into(call.handle, first, count, MSG_DONTWAIT));
}

/*
 * Makes the next blocking receive wait until `deadline`: 0 or a negative errno. The handle remembers the timeout, so
 * that a loop of equal waits costs only its receives.
 */
static int set_patience(const struct handle *handle, int64_t deadline) {
  struct inbox *inbox = handle->inbox;
  /* The kernel takes 0 as no limit; a receive that must not wait uses MSG_DONTWAIT. */
  int64_t left = deadline == NO_DEADLINE ? 0 : (time_left(deadline) + 999999) / 1000000;
  int64_t milliseconds = deadline == NO_DEADLINE || left > 0 ? left : 1;
  if (!inbox->blocks) {
    /* libuv made it non-blocking. All other calls use MSG_DONTWAIT, so blocking mode does not affect them. */
    int off = 0;
    if (ioctl(handle->fd, FIONBIO, &off) != 0) return -errno;
    inbox->blocks = true;
  }
  if (milliseconds == inbox->patience) return 0;
  struct timeval time = {milliseconds / 1000, milliseconds % 1000 * 1000};
  if (setsockopt(handle->fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) != 0) return -errno;
  inbox->patience = milliseconds;
  return 0;
}

napi_value ringlink_receive_blocking(napi_env env, napi_callback_info info) {
  struct call call;
  uint32_t first, count;
  double timeout;
  int result = call_begin(env, info, &call);
  if (result == 0) result = receive_arguments(&call, &first, &count);
  if (result != 0) return number(env, result);
  if (!read_timeout(&call, 3, &timeout)) return number(env, -EINVAL);
  if (timeout == 0) return number(env, receive_into(call.handle, first, count, MSG_DONTWAIT));
  const int64_t deadline = deadline_after(timeout);
  do {
    result = set_patience(call.handle, deadline);
    if (result == 0) result = receive_into(call.handle, first, count, MSG_WAITFORONE);
  } while ((result == -EAGAIN || result == -EINTR) && time_left(deadline) > 0);
  return number(env, result == -EINTR ? -EAGAIN : result);
}

napi_value ringlink_attach_outbox(napi_env env, napi_callback_info info) {
  struct call call;
  int error = call_begin(env, info, &call);
  if (error != 0) return number(env, error);
  if (call.handle->outbox.buffer != NULL) return number(env, -EBUSY);
  void *data = NULL;
  size_t length = 0;
  if (!get_buffer(env, call.argument[1], &data, &length)) return number(env, -EINVAL);
  if (!region_attach(&call, "outbox", call.argument[1], data, length, &call.handle->outbox)) {
    return number(env, -ECANCELED);
  }
  return number(env, 0);
}

napi_value ringlink_send(napi_env env, napi_callback_info info) {
  static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  struct call call;
  uint32_t offset, length;
  int error = call_begin(env, info, &call);
  if (error != 0) return number(env, error);
  if (!read_unsigned(&call, 1, &offset) || !read_unsigned(&call, 2, &length)) return number(env, -EINVAL);
  const struct region *outbox = &call.handle->outbox;
  if (!region_valid(env, outbox) || (uint64_t)offset + length > outbox->length) return number(env, -EFAULT);
  ssize_t sent;
  do
    sent = sendto(call.handle->fd, outbox->data + offset, length, MSG_DONTWAIT, (const struct sockaddr *)&kernel,
                  sizeof kernel);
  while (sent < 0 && errno == EINTR);
  return number(env, sent < 0 ? -errno : (int32_t)sent);
}
