/* The lifetime of a handle, and its readiness on the event loop. */
#include "handle.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

const napi_type_tag handle_tag = {0x8f3b6c1e52a94d07, 0xa1c47e90d35b2f68};

/* The only state that environments share. */
static atomic_int open_count;

int32_t handles_open(void) { return atomic_load_explicit(&open_count, memory_order_relaxed); }

static void handle_release(struct handle *handle) {
  if (--handle->references > 0) return;
  struct addon *addon = handle->addon;
  if (addon->recent == handle) addon->recent = NULL;
  inbox_free(handle->inbox);
  free(handle);
  addon_release(addon);
}

static void drop_reference(napi_env env, napi_ref *reference) {
  if (*reference != NULL) napi_delete_reference(env, *reference);
  *reference = NULL;
}

/* The last callback on the event loop; libuv's memory may be freed only now. */
static void on_closed(uv_handle_t *watcher) {
  struct handle *handle = uv_handle_get_data(watcher);
  struct addon *addon = handle->addon;
  /* Not if only the descriptor was exchanged. */
  bool last = handle->watcher == NULL;
  free(watcher);
  if (last && handle->context != NULL) {
    napi_async_destroy(addon->env, handle->context);
    handle->context = NULL;
  }
  addon->references++;
  handle_release(handle);
  addon->closing--;
  /* This may free the environment and its instance data. */
  if (addon->closing == 0 && addon->teardown != NULL) napi_remove_async_cleanup_hook(addon->teardown);
  addon_release(addon);
}

static void stop_waiting(struct handle *handle) {
  if (!handle->waiting) return;
  handle->waiting = false;
  uv_unref((uv_handle_t *)handle->watcher);
  napi_reference_unref(handle->addon->env, handle->object, NULL);
}

static uv_poll_t *watcher_create(const struct addon *addon, int fd, int *error) {
  uv_poll_t *watcher = calloc(1, uv_handle_size(RINGLINK_UV_POLL));
  *error = watcher == NULL ? -ENOMEM : uv_poll_init(addon->loop, watcher, fd);
  if (*error == 0) {
    uv_unref((uv_handle_t *)watcher);
    return watcher;
  }
  free(watcher);
  return NULL;
}

int handle_watch(struct handle *handle, int fd) {
  int error;
  if (handle->waiting) return -EBUSY;
  uv_poll_t *watcher = watcher_create(handle->addon, fd, &error);
  if (watcher == NULL) return error;
  uv_handle_set_data((uv_handle_t *)watcher, handle);
  /* The old one lives until its callback, and so does the handle. */
  handle->references++;
  handle->addon->closing++;
  uv_close((uv_handle_t *)handle->watcher, on_closed);
  handle->watcher = watcher;
  handle->watched = fd;
  handle->polling = false;
  return 0;
}

int handle_detach(struct handle *handle) {
  struct addon *addon = handle->addon;
  stop_waiting(handle);
  drop_reference(addon->env, &handle->on_readable);
  drop_reference(addon->env, &handle->frames.buffer);
  drop_reference(addon->env, &handle->words.buffer);
  drop_reference(addon->env, &handle->outbox.buffer);
  /* Before the descriptor: a mapping keeps the socket alive. */
  mapping_close(handle);
  if (handle->previous != NULL) handle->previous->next = handle->next;
  else addon->open = handle->next;
  if (handle->next != NULL) handle->next->previous = handle->previous;
  /* libuv must forget the descriptor before its number can be reused. */
  addon->closing++;
  uv_close((uv_handle_t *)handle->watcher, on_closed);
  handle->watcher = NULL;
  int fd = handle->fd;
  handle->fd = -1;
  return fd;
}

void handle_close_descriptor(int fd) {
  close(fd);
  atomic_fetch_sub_explicit(&open_count, 1, memory_order_relaxed);
}

/* Runs no JavaScript: finalizers and the end of the environment call it as well. */
void handle_close(struct handle *handle) {
  if (handle->fd < 0) return;
  int fd = handle_detach(handle);
  if (handle->uring != NULL) uring_close(handle->addon->env, handle->uring);
  handle->uring = NULL;
  handle_close_descriptor(fd);
}

/* The environment and its event loop live until the hook is removed, so that the close callbacks can run. */
void addon_teardown(napi_async_cleanup_hook_handle hook, void *data) {
  struct addon *addon = data;
  while (addon->open != NULL) handle_close(addon->open);
  if (addon->closing == 0) napi_remove_async_cleanup_hook(hook);
  else addon->teardown = hook;
}

static void finalize_handle(napi_env env, void *data, void *hint) {
  (void)hint;
  struct handle *handle = data;
  handle_close(handle);
  drop_reference(env, &handle->object);
  handle_release(handle);
}

/* Not enumerable; writable only so that close can empty them. */
static napi_property_descriptor hidden(const char *name, napi_value value) {
  return (napi_property_descriptor){.utf8name = name, .value = value, .attributes = napi_writable};
}

static napi_status make_object(struct handle *handle, napi_env env, napi_value on_readable, napi_value *object) {
  napi_value nothing, name;
  napi_status status = napi_create_object(env, object);
  if (status == napi_ok) status = napi_get_undefined(env, &nothing);
  if (status == napi_ok) {
    const napi_property_descriptor properties[] = {hidden("onReadable", on_readable), hidden("frames", nothing),
                                                   hidden("words", nothing), hidden("outbox", nothing)};
    status = napi_define_properties(env, *object, sizeof properties / sizeof *properties, properties);
  }
  if (status == napi_ok) status = napi_type_tag_object(env, *object, &handle_tag);
  if (status == napi_ok) status = napi_create_reference(env, on_readable, 0, &handle->on_readable);
  if (status == napi_ok) status = napi_create_string_utf8(env, "ringlink", NAPI_AUTO_LENGTH, &name);
  /* With a separate resource: the context references it strongly, and must not reference the handle. */
  if (status == napi_ok) status = napi_async_init(env, NULL, name, &handle->context);
  /* Last, so that an object that failed has no finalizer. */
  if (status == napi_ok) status = napi_wrap(env, *object, handle, finalize_handle, NULL, &handle->object);
  return status;
}

int handle_create(const struct call *call, int fd, bool foreign, napi_value on_readable, napi_value *object) {
  struct handle *handle = calloc(1, sizeof *handle);
  int error = -ENOMEM;
  uv_poll_t *watcher = handle == NULL ? NULL : watcher_create(call->addon, fd, &error);
  if (watcher == NULL) {
    free(handle);
    close(fd);
    return error;
  }
  uv_handle_set_data((uv_handle_t *)watcher, handle);
  handle->addon = call->addon;
  handle->fd = fd;
  handle->watched = fd;
  handle->foreign = foreign;
  handle->watcher = watcher;
  handle->references = 2;
  handle->next = call->addon->open;
  if (handle->next != NULL) handle->next->previous = handle;
  call->addon->open = handle;
  call->addon->references++;
  atomic_fetch_add_explicit(&open_count, 1, memory_order_relaxed);
  if (make_object(handle, call->env, on_readable, object) == napi_ok) return 0;
  handle_close(handle);
  handle_release(handle);
  return -ECANCELED;
}

/*
 * libuv reports POLLERR as a bad descriptor and stops. On a netlink socket it only means that an error can be received
 * (ENOBUFS after an overrun), which counts as readable.
 */
static int failure_of(int fd) {
  struct pollfd state = {.fd = fd, .events = POLLIN};
  if (poll(&state, 1, 0) < 0 && errno != EINTR) return -errno;
  return (state.revents & POLLNVAL) != 0 ? -EBADF : 0;
}

static void on_ready(uv_poll_t *watcher, int status, int events) {
  (void)events;
  struct handle *handle = uv_handle_get_data((uv_handle_t *)watcher);
  napi_env env = handle->addon->env;
  if (status < 0) handle->polling = false;
  if (!handle->waiting) {
    /* Level-triggered: if it stayed registered, it would wake every turn of the loop until it is read. */
    if (handle->polling) uv_poll_stop(watcher);
    handle->polling = false;
    return;
  }
  napi_handle_scope scope;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value object = NULL, function = NULL, argument, result;
  napi_get_reference_value(env, handle->object, &object);
  napi_get_reference_value(env, handle->on_readable, &function);
  stop_waiting(handle);
  if (object != NULL && function != NULL &&
      napi_create_int32(env, status < 0 ? failure_of(handle->watched) : 0, &argument) == napi_ok) {
    napi_status called = napi_make_callback(env, handle->context, object, function, 1, &argument, &result);
    /*
     * From here on the handle may be closed. An environment that ends reports a pending exception without having one.
     */
    bool thrown = false;
    napi_value exception;
    if (called != napi_ok && napi_is_exception_pending(env, &thrown) == napi_ok && thrown &&
        napi_get_and_clear_last_exception(env, &exception) == napi_ok) {
      napi_fatal_exception(env, exception);
    }
  }
  napi_close_handle_scope(env, scope);
}

napi_value ringlink_wait(napi_env env, napi_callback_info info) {
  struct call call;
  int error = call_begin(env, info, &call);
  if (error != 0) return number(env, error);
  struct handle *handle = call.handle;
  if (handle->waiting) return number(env, 0);
  if (!handle->polling) {
    error = uv_poll_start(handle->watcher, RINGLINK_UV_READABLE, on_ready);
    if (error != 0) return number(env, error);
    handle->polling = true;
  }
  napi_reference_ref(env, handle->object, NULL);
  uv_ref((uv_handle_t *)handle->watcher);
  handle->waiting = true;
  return number(env, 0);
}

napi_value ringlink_unwait(napi_env env, napi_callback_info info) {
  struct call call;
  int error = call_begin(env, info, &call);
  if (error == 0) stop_waiting(call.handle);
  return number(env, error);
}

void handle_empty(napi_env env, napi_value object) {
  const char *names[] = {"onReadable", "frames", "words", "outbox"};
  napi_value nothing;
  napi_get_undefined(env, &nothing);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) napi_set_named_property(env, object, names[i], nothing);
}

napi_value ringlink_close(napi_env env, napi_callback_info info) {
  struct call call;
  int error = call_begin(env, info, &call);
  if (call.handle == NULL) return number(env, error);
  if (call.handle->fd >= 0) {
    if (call.handle->uring != NULL) uring_detach(env, call.handle->uring);
    handle_close(call.handle);
    handle_empty(env, call.argument[0]);
  }
  return number(env, 0);
}

napi_value ringlink_open_handles(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, handles_open());
}
