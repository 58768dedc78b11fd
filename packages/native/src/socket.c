/* Opening, binding, options and counters: everything about a socket except its data. */
#include "handle.h"
#include "uapi.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int open_socket(int protocol) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  return fd < 0 ? -errno : fd;
}

static int open_socket_in(int target, int protocol) {
  int home;
  int error = namespace_enter(target, &home);
  if (error != 0) return error;
  int fd = open_socket(protocol);
  namespace_leave(home);
  return fd;
}

static int open_socket_at(const struct call *call, int index, int protocol) {
  char *path = read_text(call, index);
  if (path == NULL) return -errno;
  /* A path that is not a namespace may be a FIFO or a terminal: opening it must neither wait nor make it ours. */
  int target = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  int error = errno;
  free(path);
  if (target < 0) return -error;
  int fd = open_socket_in(target, protocol);
  close(target);
  return fd;
}

napi_value ringlink_open(napi_env env, napi_callback_info info) {
  struct call call;
  call_arguments(env, info, &call);
  int32_t protocol, target;
  napi_valuetype where = napi_undefined, callback = napi_undefined;
  napi_typeof(env, call.argument[1], &where);
  napi_typeof(env, call.argument[2], &callback);
  if (!read_int(&call, 0, &protocol) || callback != napi_function) return number(env, -EINVAL);

  int fd = -EINVAL;
  bool foreign = where == napi_string || where == napi_number;
  if (where == napi_string) fd = open_socket_at(&call, 1, protocol);
  else if (where == napi_number && read_int(&call, 1, &target)) fd = open_socket_in(target, protocol);
  else if (where == napi_null || where == napi_undefined) fd = open_socket(protocol);
  if (fd < 0) return number(env, fd);

  napi_value object = NULL;
  int error = handle_create(&call, fd, foreign, call.argument[2], &object);
  return error != 0 ? number(env, error) : object;
}

napi_value ringlink_bind(napi_env env, napi_callback_info info) {
  struct call call;
  int error = call_begin(env, info, &call);
  if (error != 0) return number(env, error);
  struct sockaddr_nl address = {.nl_family = AF_NETLINK};
  if (!read_unsigned(&call, 1, &address.nl_pid) || !read_unsigned(&call, 2, &address.nl_groups)) {
    return number(env, -EINVAL);
  }
  socklen_t length = sizeof address;
  if (bind(call.handle->fd, (struct sockaddr *)&address, length) != 0 ||
      getsockname(call.handle->fd, (struct sockaddr *)&address, &length) != 0) {
    return number(env, -errno);
  }
  /* Port ids that the kernel chooses for further sockets use the upper half of the 32 bits. */
  return large_number(env, address.nl_pid);
}

napi_value ringlink_set_option(napi_env env, napi_callback_info info) {
  struct call call;
  int error = call_begin(env, info, &call);
  if (error != 0) return number(env, error);
  int32_t level, name, value;
  if (!read_int(&call, 1, &level) || !read_int(&call, 2, &name) || !read_int(&call, 3, &value)) {
    return number(env, -EINVAL);
  }
  return number(env, setsockopt(call.handle->fd, level, name, &value, sizeof value) != 0 ? -errno : 0);
}

static int get_int(int fd, int level, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return getsockopt(fd, level, name, &value, &length) != 0 ? -errno : value;
}

napi_value ringlink_get_option(napi_env env, napi_callback_info info) {
  struct call call;
  int error = call_begin(env, info, &call);
  if (error != 0) return number(env, error);
  int32_t level, name;
  if (!read_int(&call, 1, &level) || !read_int(&call, 2, &name)) return number(env, -EINVAL);
  return number(env, get_int(call.handle->fd, level, name));
}

napi_value ringlink_attach_filter(napi_env env, napi_callback_info info) {
  struct call call;
  int error = call_begin(env, info, &call);
  if (error != 0) return number(env, error);
  napi_typedarray_type type;
  size_t length = 0;
  void *data = NULL;
  if (napi_get_typedarray_info(env, call.argument[1], &type, &length, &data, NULL, NULL) != napi_ok ||
      type != napi_uint8_array || length == 0 || length % sizeof(struct sock_filter) != 0 ||
      length / sizeof(struct sock_filter) > BPF_MAXINSNS) {
    return number(env, -EINVAL);
  }
  /* An array may begin at any address. */
  struct sock_filter *program = malloc(length);
  if (program == NULL) return number(env, -ENOMEM);
  memcpy(program, data, length);
  struct sock_fprog filter = {.len = (unsigned short)(length / sizeof *program), .filter = program};
  int result = setsockopt(call.handle->fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0 ? -errno : 0;
  free(program);
  return number(env, result);
}

/* The forced option may exceed the limit of net.core and needs CAP_NET_ADMIN; the plain one is limited by it. */
static napi_value set_buffer(napi_env env, napi_callback_info info, int forced, int plain) {
  struct call call;
  int error = call_begin(env, info, &call);
  if (error != 0) return number(env, error);
  int32_t bytes;
  if (!read_int(&call, 1, &bytes)) return number(env, -EINVAL);
  int fd = call.handle->fd;
  int result = setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes);
  if (result != 0 && errno == EPERM) result = setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof bytes);
  return number(env, result != 0 ? -errno : get_int(fd, SOL_SOCKET, plain));
}

napi_value ringlink_set_receive_buffer(napi_env env, napi_callback_info info) {
  return set_buffer(env, info, SO_RCVBUFFORCE, SO_RCVBUF);
}

napi_value ringlink_set_send_buffer(napi_env env, napi_callback_info info) {
  return set_buffer(env, info, SO_SNDBUFFORCE, SO_SNDBUF);
}

napi_value ringlink_drops(napi_env env, napi_callback_info info) {
  struct call call;
  int error = call_begin(env, info, &call);
  if (error != 0) return number(env, error);
  uint32_t memory[RINGLINK_MEMINFO_WORDS];
  socklen_t length = sizeof memory;
  if (getsockopt(call.handle->fd, SOL_SOCKET, SO_MEMINFO, memory, &length) != 0) return number(env, -errno);
  if (length < sizeof memory) return number(env, -ENOPROTOOPT);
  return large_number(env, memory[RINGLINK_MEMINFO_DROPS]);
}
