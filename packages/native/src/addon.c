/* Registers the addon, once per environment, and reads arguments. */
#include "handle.h"

#include <errno.h>
#include <stdlib.h>

void call_arguments(napi_env env, napi_callback_info info, struct call *call) {
  size_t count = RINGLINK_ARGUMENTS;
  void *addon = NULL;
  /* Missing arguments become undefined. */
  napi_get_cb_info(env, info, &count, call->argument, NULL, &addon);
  call->env = env;
  call->addon = addon;
  call->handle = NULL;
}

int call_begin(napi_env env, napi_callback_info info, struct call *call) {
  call_arguments(env, info, call);
  void *wrapped = NULL;
  if (napi_unwrap(env, call->argument[0], &wrapped) != napi_ok || wrapped == NULL) return -EBADF;
  /*
   * Any addon can wrap a pointer, so it is ours only if the object carries our tag. That check costs more than the rest
   * of a call, so a pointer that equals an already checked live handle is not checked again.
   */
  if (wrapped != call->addon->recent) {
    bool tagged = false;
    if (napi_check_object_type_tag(env, call->argument[0], &handle_tag, &tagged) != napi_ok || !tagged) return -EBADF;
    call->addon->recent = wrapped;
  }
  call->handle = wrapped;
  return call->handle->fd < 0 ? -EBADF : 0;
}

bool read_int(const struct call *call, int index, int32_t *value) {
  return napi_get_value_int32(call->env, call->argument[index], value) == napi_ok;
}

bool read_unsigned(const struct call *call, int index, uint32_t *value) {
  return napi_get_value_uint32(call->env, call->argument[index], value) == napi_ok;
}

char *read_text(const struct call *call, int index) {
  size_t length = 0;
  errno = EINVAL;
  if (napi_get_value_string_utf8(call->env, call->argument[index], NULL, 0, &length) != napi_ok) return NULL;
  char *text = malloc(length + 1);
  if (text == NULL) return NULL;
  napi_get_value_string_utf8(call->env, call->argument[index], text, length + 1, &length);
  if (strlen(text) == length) return text;
  free(text);
  errno = EINVAL;
  return NULL;
}

napi_value number(napi_env env, int32_t value) {
  napi_value result = NULL;
  napi_create_int32(env, value, &result);
  return result;
}

napi_value large_number(napi_env env, int64_t value) {
  napi_value result = NULL;
  napi_create_int64(env, value, &result);
  return result;
}

void addon_release(struct addon *addon) {
  if (--addon->references == 0) free(addon);
}

static void finalize_addon(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  addon_release(data);
}

/* Bun identifies itself in process.versions. It ends the process when an addon calls a libuv function that it lacks. */
static bool is_bun(napi_env env) {
  napi_value global, process, versions;
  bool has = false;
  return napi_get_global(env, &global) == napi_ok &&
         napi_get_named_property(env, global, "process", &process) == napi_ok &&
         napi_get_named_property(env, process, "versions", &versions) == napi_ok &&
         napi_has_named_property(env, versions, "bun", &has) == napi_ok && has;
}

NAPI_MODULE_INIT(/* env, exports */) {
  if (is_bun(env)) {
    napi_throw_error(env, "ADDON_REFUSED", "Bun has no uv_poll_init, by which ringlink waits in the event loop");
    return NULL;
  }
  if (!uv_abi_matches()) {
    napi_throw_error(env, "ADDON_REFUSED", "the event loop of this runtime is not a libuv 1.x that ringlink supports");
    return NULL;
  }
  struct addon *addon = calloc(1, sizeof *addon);
  if (addon == NULL) {
    napi_throw_error(env, "ADDON_REFUSED", "out of memory");
    return NULL;
  }
  addon->env = env;
  addon->references = 1;
  if (napi_get_uv_event_loop(env, &addon->loop) != napi_ok ||
      napi_set_instance_data(env, addon, finalize_addon, NULL) != napi_ok) {
    free(addon);
    napi_throw_error(env, "ADDON_REFUSED", "this environment has no event loop");
    return NULL;
  }
  const struct {
    const char *name;
    napi_callback function;
  } binding[] = {
      {"open", ringlink_open},
      {"bind", ringlink_bind},
      {"setOption", ringlink_set_option},
      {"getOption", ringlink_get_option},
      {"attachFilter", ringlink_attach_filter},
      {"setReceiveBuffer", ringlink_set_receive_buffer},
      {"setSendBuffer", ringlink_set_send_buffer},
      {"drops", ringlink_drops},
      {"attachFrames", ringlink_attach_frames},
      {"receive", ringlink_receive},
      {"receiveBlocking", ringlink_receive_blocking},
      {"attachOutbox", ringlink_attach_outbox},
      {"send", ringlink_send},
      {"wait", ringlink_wait},
      {"unwait", ringlink_unwait},
      {"readProcNet", ringlink_read_proc_net},
      {"close", ringlink_close},
      {"openHandles", ringlink_open_handles},
      {"uringSetUp", ringlink_uring_set_up},
      {"uringMap", ringlink_uring_map},
      {"uringProvide", ringlink_uring_provide},
      {"uringEnter", ringlink_uring_enter},
      {"uringClose", ringlink_uring_close},
      {"pageSize", ringlink_page_size},
      {"setRing", ringlink_set_ring},
      {"map", ringlink_map},
      {"unmap", ringlink_unmap},
      {"trigger", ringlink_trigger},
      {"receiveMapped", ringlink_receive_mapped},
      {"poll", ringlink_poll},
      {"takeError", ringlink_take_error},
  };
  enum { FUNCTIONS = sizeof binding / sizeof *binding };
  napi_property_descriptor properties[FUNCTIONS] = {0};
  for (int i = 0; i < FUNCTIONS; i++) {
    properties[i].utf8name = binding[i].name;
    properties[i].method = binding[i].function;
    properties[i].attributes = napi_enumerable;
    properties[i].data = addon;
  }
  if (napi_define_properties(env, exports, FUNCTIONS, properties) != napi_ok ||
      napi_add_async_cleanup_hook(env, addon_teardown, addon, NULL) != napi_ok) {
    napi_throw_error(env, "ADDON_REFUSED", "the environment is ending");
    return NULL;
  }
  return exports;
}
