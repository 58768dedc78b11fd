/*
 * The part of libuv 1.x that this addon calls. Node exports these functions from its own binary, but a machine that
 * compiles the addon need not have libuv's headers, so they are declared here over opaque handles: sizes are queried at
 * run time, and uv_abi_matches() checks the one assumed number before it is used.
 */
#ifndef RINGLINK_UV_ABI_H
#define RINGLINK_UV_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef struct uv_loop_s uv_loop_t;
typedef struct uv_handle_s uv_handle_t;
typedef struct uv_poll_s uv_poll_t;

typedef void (*uv_close_cb)(uv_handle_t *handle);
typedef void (*uv_poll_cb)(uv_poll_t *handle, int status, int events);

enum { RINGLINK_UV_POLL = 8, RINGLINK_UV_READABLE = 1 };

extern unsigned int uv_version(void);
extern size_t uv_handle_size(int type);
extern const char *uv_handle_type_name(int type);
extern void *uv_handle_get_data(const uv_handle_t *handle);
extern void uv_handle_set_data(uv_handle_t *handle, void *data);
extern void uv_ref(uv_handle_t *handle);
extern void uv_unref(uv_handle_t *handle);
extern void uv_close(uv_handle_t *handle, uv_close_cb closed);
extern int uv_poll_init(uv_loop_t *loop, uv_poll_t *handle, int fd);
extern int uv_poll_start(uv_poll_t *handle, int events, uv_poll_cb ready);
extern int uv_poll_stop(uv_poll_t *handle);

static inline bool uv_abi_matches(void) {
  const char *name = uv_handle_type_name(RINGLINK_UV_POLL);
  return uv_version() >> 16 == 1 && name != NULL && strcmp(name, "poll") == 0;
}

#endif
