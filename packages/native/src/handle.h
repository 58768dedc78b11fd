/* Shared by the C files: one `struct addon` per environment (thread), one `struct handle` per socket. */
#ifndef RINGLINK_HANDLE_H
#define RINGLINK_HANDLE_H

#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uv-abi.h"

/* Maximum messages per recvmmsg. */
enum { RINGLINK_BATCH = 64 };

/* Environments share only the count of openHandles(), so nothing here needs a lock. */
struct addon {
  napi_env env;
  uv_loop_t *loop;
  struct handle *open;                     /* every handle with a descriptor, to close at teardown */
  struct handle *recent;                   /* the last handle whose type tag was checked; see call_begin */
  unsigned closing;                        /* uv_close calls whose callback has not run yet */
  unsigned references;                     /* instance data, and every struct handle */
  napi_async_cleanup_hook_handle teardown; /* the environment is ending and waits until `closing` is 0 */
};

/*
 * Memory of an ArrayBuffer. The reference is weak. A property of the handle object keeps the buffer alive, which the
 * garbage collector sees, so that no cycle through C can keep a forgotten socket open.
 */
struct region {
  napi_ref buffer; /* NULL: nothing attached */
  uint8_t *data;
  size_t length; /* bytes in use, from its start */
};

struct inbox;   /* transfer.c: the arrays that recvmmsg takes */
struct uring;   /* uring.h */
struct mapping; /* mapping.c */

struct handle {
  struct addon *addon;
  struct handle *next, *previous; /* in addon->open */
  unsigned references;            /* the JS object until it is finalized, and the watcher until it is closed */
  int fd;                         /* -1: closed */
  int watched;                    /* what `watcher` polls: fd, or the ring that receives from it */
  bool foreign;                   /* opened in a namespace that may not be the thread's */
  bool polling;                   /* registered with the event loop */
  bool waiting;                   /* a call of onReadable is due; the JS object is referenced strongly */
  uv_poll_t *watcher;
  napi_async_context context;
  napi_ref object;      /* weak, except during a wait */
  napi_ref on_readable; /* weak, as the regions are */
  struct region frames, words, outbox;
  struct inbox *inbox;
  struct uring *uring;
  struct mapping *mapping;
};

/* Arguments that a function of binding.ts takes at most. */
enum { RINGLINK_ARGUMENTS = 5 };

/* One call from JavaScript. */
struct call {
  napi_env env;
  struct addon *addon;
  struct handle *handle;
  napi_value argument[RINGLINK_ARGUMENTS];
};

/* addon.c */
void call_arguments(napi_env env, napi_callback_info info, struct call *call);
/* As call_arguments, but the first one must be an open handle: 0 or -EBADF. */
int call_begin(napi_env env, napi_callback_info info, struct call *call);
bool read_int(const struct call *call, int index, int32_t *value);
bool read_unsigned(const struct call *call, int index, uint32_t *value);
/* The text in allocated memory, or NULL with errno set (EINVAL: not a string, or it holds a NUL). */
char *read_text(const struct call *call, int index);
napi_value number(napi_env env, int32_t value);
napi_value large_number(napi_env env, int64_t value);
void addon_release(struct addon *addon);

/* clock.c */
enum { NO_DEADLINE = -1 };
/* An argument in milliseconds; negative: no limit. */
bool read_timeout(const struct call *call, int index, double *milliseconds);
/* The deadline after that time, or NO_DEADLINE. */
int64_t deadline_after(double milliseconds);
/* Nanoseconds until the deadline: 0 when it has passed, INT64_MAX for NO_DEADLINE. */
int64_t time_left(int64_t deadline);

/* namespace.c */
/* Moves this thread to a namespace; `*home` leads back. 0 or a negative errno. */
int namespace_enter(int target, int *home);
/* Moves the thread back. Aborts the process if that fails. */
void namespace_leave(int home);

/* readiness.c */
extern const napi_type_tag handle_tag;
/* Wraps `fd`, which it owns from here on, even on failure: 0 or a negative errno. */
int handle_create(const struct call *call, int fd, bool foreign, napi_value on_readable, napi_value *object);
void handle_close(struct handle *handle);
/*
 * Everything of a close but the ring and the descriptor, in the thread of the environment. Returns the descriptor, for
 * handle_close_descriptor.
 */
int handle_detach(struct handle *handle);
/* In any thread. */
void handle_close_descriptor(int fd);
/* Empties the properties of a closed handle. */
void handle_empty(napi_env env, napi_value object);
/* Takes readiness from another descriptor, which must stay open until handle_close: 0 or a negative errno. */
int handle_watch(struct handle *handle, int fd);
void addon_teardown(napi_async_cleanup_hook_handle hook, void *data);
int32_t handles_open(void);

/* transfer.c */
void inbox_free(struct inbox *inbox);

/* uring-end.c */
void uring_detach(napi_env env, struct uring *uring);
void uring_close(napi_env env, struct uring *uring);

/* mapping.c */
/* Detaches and unmaps. Does nothing without a mapping. */
void mapping_close(struct handle *handle);

/* The functions of binding.ts. */
napi_value ringlink_open(napi_env env, napi_callback_info info);
napi_value ringlink_bind(napi_env env, napi_callback_info info);
napi_value ringlink_set_option(napi_env env, napi_callback_info info);
napi_value ringlink_get_option(napi_env env, napi_callback_info info);
napi_value ringlink_attach_filter(napi_env env, napi_callback_info info);
napi_value ringlink_set_receive_buffer(napi_env env, napi_callback_info info);
napi_value ringlink_set_send_buffer(napi_env env, napi_callback_info info);
napi_value ringlink_drops(napi_env env, napi_callback_info info);
napi_value ringlink_attach_frames(napi_env env, napi_callback_info info);
napi_value ringlink_receive(napi_env env, napi_callback_info info);
napi_value ringlink_receive_blocking(napi_env env, napi_callback_info info);
napi_value ringlink_attach_outbox(napi_env env, napi_callback_info info);
napi_value ringlink_send(napi_env env, napi_callback_info info);
napi_value ringlink_wait(napi_env env, napi_callback_info info);
napi_value ringlink_unwait(napi_env env, napi_callback_info info);
napi_value ringlink_read_proc_net(napi_env env, napi_callback_info info);
napi_value ringlink_close(napi_env env, napi_callback_info info);
napi_value ringlink_open_handles(napi_env env, napi_callback_info info);

/* The functions of uring-binding.ts. */
napi_value ringlink_uring_set_up(napi_env env, napi_callback_info info);
napi_value ringlink_uring_map(napi_env env, napi_callback_info info);
napi_value ringlink_uring_provide(napi_env env, napi_callback_info info);
napi_value ringlink_uring_enter(napi_env env, napi_callback_info info);
napi_value ringlink_uring_close(napi_env env, napi_callback_info info);

/* The functions of mapping-binding.ts. */
napi_value ringlink_page_size(napi_env env, napi_callback_info info);
napi_value ringlink_set_ring(napi_env env, napi_callback_info info);
napi_value ringlink_map(napi_env env, napi_callback_info info);
napi_value ringlink_unmap(napi_env env, napi_callback_info info);
napi_value ringlink_trigger(napi_env env, napi_callback_info info);
napi_value ringlink_receive_mapped(napi_env env, napi_callback_info info);
napi_value ringlink_poll(napi_env env, napi_callback_info info);
napi_value ringlink_take_error(napi_env env, napi_callback_info info);

#endif
