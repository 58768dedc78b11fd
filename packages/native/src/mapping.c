/*
 * Memory-mapped rings of a netlink socket (Linux 3.10 to 4.5): the mapping, and the system calls that go with it. Only
 * TypeScript reads and writes the memory.
 *
 * JavaScript sees the mapping as an external ArrayBuffer, which can live longer than the handle. Its pages may be
 * unmapped only when no ArrayBuffer shows them any more: once we have detached it, or once its finalizer has run. A
 * buffer that was moved (ArrayBuffer.prototype.transfer) is out of our reach; then plain memory replaces the pages
 * until the finalizer runs, so that the socket is released anyway.
 */
#include "frame.h"
#include "handle.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <linux/netlink.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

struct mapping {
  uint8_t *address;
  size_t length;
  napi_ref buffer;     /* weak */
  bool finalized;      /* no ArrayBuffer shows it any more */
  bool orphaned;       /* unmapped while one did: the finalizer unmaps what replaced it */
  unsigned references; /* references: the handle until it is unmapped, the ArrayBuffer until it is finalized */
};

static const struct sockaddr_nl kernel_address = {.nl_family = AF_NETLINK};

static void mapping_release(struct mapping *mapping) {
  if (--mapping->references == 0) free(mapping);
}

static void finalize_buffer(napi_env env, void *data, void *hint) {
  (void)env;
  (void)data;
  struct mapping *mapping = hint;
  mapping->finalized = true;
  if (mapping->orphaned) munmap(mapping->address, mapping->length);
  mapping_release(mapping);
}

/* Detaches the buffer. Returns whether it is empty from here on. */
static bool detach(napi_env env, const struct mapping *mapping) {
  napi_value buffer = NULL;
  void *data = NULL;
  size_t length = 0;
  return napi_get_reference_value(env, mapping->buffer, &buffer) == napi_ok && buffer != NULL &&
         napi_get_arraybuffer_info(env, buffer, &data, &length) == napi_ok && data == mapping->address &&
         napi_detach_arraybuffer(env, buffer) == napi_ok;
}

/* Runs no JavaScript, as handle_close. */
void mapping_close(struct handle *handle) {
  struct mapping *mapping = handle->mapping;
  if (mapping == NULL) return;
  handle->mapping = NULL;
  napi_env env = handle->addon->env;
  napi_handle_scope scope = NULL;
  bool detached = false;
  if (napi_open_handle_scope(env, &scope) == napi_ok) {
    detached = detach(env, mapping);
    napi_close_handle_scope(env, scope);
  }
  napi_delete_reference(env, mapping->buffer);
  if (detached || mapping->finalized) {
    munmap(mapping->address, mapping->length);
  } else {
    mapping->orphaned = true;
    /* Where even that fails, the pages stay until the finalizer comes, and the socket with them. */
    (void)mmap(mapping->address, mapping->length, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
  }
  mapping_release(mapping);
}

/*
 * By the system call: the function fstat came with glibc 2.33, and the prebuilt binaries are for 2.17. On machines of
 * 64 bits the kernel's structure is the C library's.
 */
static int file_status(int fd, struct stat *status) {
#if defined(__LP64__) && defined(SYS_fstat)
  return (int)syscall(SYS_fstat, fd, status);
#else
  return fstat(fd, status);
#endif
}

/*
 * A page beyond the end of a file ends the process (SIGBUS) when it is touched; a socket knows its rings' length
 * itself.
 */
static int check_length(int fd, size_t length) {
  struct stat status;
  if (file_status(fd, &status) != 0) return -errno;
  return S_ISREG(status.st_mode) && (uint64_t)status.st_size < length ? -ENXIO : 0;
}

/* 0 or a negative errno. A child that inherited the mapping would keep the socket alive and prevent setting rings. */
static int map_shared(int fd, size_t length, uint8_t **address) {
  void *mapped = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) return -errno;
  if (madvise(mapped, length, MADV_DONTFORK) != 0) {
    int error = errno;
    munmap(mapped, length);
    return -error;
  }
  *address = mapped;
  return 0;
}

/* Shows the mapping to JavaScript: 0, or a negative errno with everything undone. */
static int expose(const struct call *call, uint8_t *address, size_t length, napi_value *buffer) {
  struct mapping *mapping = calloc(1, sizeof *mapping);
  if (mapping == NULL) {
    munmap(address, length);
    return -ENOMEM;
  }
  mapping->address = address;
  mapping->length = length;
  mapping->references = 2;
  napi_status status = napi_create_external_arraybuffer(call->env, address, length, finalize_buffer, mapping, buffer);
  if (status != napi_ok) {
    munmap(address, length);
    free(mapping);
    return status == napi_no_external_buffers_allowed ? -ENOTSUP : -ECANCELED;
  }
  if (napi_create_reference(call->env, *buffer, 0, &mapping->buffer) != napi_ok) {
    napi_detach_arraybuffer(call->env, *buffer);
    munmap(address, length);
    mapping_release(mapping);
    return -ECANCELED;
  }
  call->handle->mapping = mapping;
  return 0;
}

napi_value ringlink_map(napi_env env, napi_callback_info info) {
  struct call call;
  int error = call_begin(env, info, &call);
  if (error != 0) return number(env, error);
  int64_t length;
  int32_t fd = call.handle->fd;
  napi_valuetype other = napi_undefined;
  napi_typeof(env, call.argument[2], &other);
  if (napi_get_value_int64(env, call.argument[1], &length) != napi_ok || length <= 0 || (uint64_t)length > SIZE_MAX ||
      (other != napi_undefined && !read_int(&call, 2, &fd))) {
    return number(env, -EINVAL);
  }
  if (call.handle->mapping != NULL) return number(env, -EBUSY);
  uint8_t *address = NULL;
  napi_value buffer = NULL;
  error = check_length(fd, (size_t)length);
  if (error == 0) error = map_shared(fd, (size_t)length, &address);
  if (error == 0) error = expose(&call, address, (size_t)length, &buffer);
  return error != 0 ? number(env, error) : buffer;
}

napi_value ringlink_unmap(napi_env env, napi_callback_info info) {
  struct call call;
  int error = call_begin(env, info, &call);
  if (error == 0) mapping_close(call.handle);
  return number(env, error);
}

/* The `count` words at `index` of a Uint32Array, or NULL. */
static uint32_t *words_at(const struct call *call, int argument, uint32_t index, uint32_t count) {
  napi_typedarray_type type;
  size_t length = 0;
  void *data = NULL;
  if (napi_get_typedarray_info(call->env, call->argument[argument], &type, &length, &data, NULL, NULL) != napi_ok ||
      type != napi_uint32_array || data == NULL || (uint64_t)index + count > length) {
    return NULL;
  }
  return (uint32_t *)data + index;
}

napi_value ringlink_set_ring(napi_env env, napi_callback_info info) {
  enum { REQUEST_WORDS = 4 }; /* struct nl_mmap_req, which newer headers lack */
  struct call call;
  int error = call_begin(env, info, &call);
  if (error != 0) return number(env, error);
  int32_t option;
  if (!read_int(&call, 1, &option)) return number(env, -EINVAL);
  const uint32_t *request = words_at(&call, 2, 0, REQUEST_WORDS);
  if (request == NULL) return number(env, -EFAULT);
  const socklen_t length = REQUEST_WORDS * sizeof *request;
  return number(env, setsockopt(call.handle->fd, SOL_NETLINK, option, request, length) != 0 ? -errno : 0);
}

napi_value ringlink_trigger(napi_env env, napi_callback_info info) {
  struct call call;
  int error = call_begin(env, info, &call);
  if (error != 0) return number(env, error);
  ssize_t sent;
  do
    sent =
        sendto(call.handle->fd, NULL, 0, MSG_DONTWAIT, (const struct sockaddr *)&kernel_address, sizeof kernel_address);
  while (sent < 0 && errno == EINTR);
  return number(env, sent < 0 ? -errno : (int32_t)sent);
}

napi_value ringlink_receive_mapped(napi_env env, napi_callback_info info) {
  struct call call;
  int error = call_begin(env, info, &call);
  if (error != 0) return number(env, error);
  uint32_t offset, capacity, index;
  if (!read_unsigned(&call, 1, &offset) || !read_unsigned(&call, 2, &capacity) || !read_unsigned(&call, 4, &index)) {
    return number(env, -EINVAL);
  }
  const struct mapping *mapping = call.handle->mapping;
  uint32_t *words = words_at(&call, 3, index, FRAME_WORDS);
  if (mapping == NULL || words == NULL || (uint64_t)offset + capacity > mapping->length) return number(env, -EFAULT);
  struct sockaddr_nl sender = {0};
  struct iovec vector = {.iov_base = mapping->address + offset, .iov_len = capacity};
  struct msghdr message = {.msg_name = &sender, .msg_namelen = sizeof sender, .msg_iov = &vector, .msg_iovlen = 1};
  ssize_t length;
  do length = recvmsg(call.handle->fd, &message, MSG_DONTWAIT | MSG_TRUNC);
  while (length < 0 && errno == EINTR);
  if (length < 0) return number(env, -errno);
  describe_frame(words, capacity, (size_t)length, sender.nl_pid, sender.nl_groups);
  return number(env, 0);
}

napi_value ringlink_poll(napi_env env, napi_callback_info info) {
  struct call call;
  double timeout;
  int error = call_begin(env, info, &call);
  if (error != 0) return number(env, error);
  if (!read_timeout(&call, 1, &timeout)) return number(env, -EINVAL);
  const int64_t deadline = deadline_after(timeout);
  for (;;) {
    struct pollfd state = {.fd = call.handle->fd, .events = POLLIN};
    const int64_t left = timeout == 0 ? 0 : time_left(deadline);
    const struct timespec rest = {left / 1000000000, left % 1000000000};
    const int ready = ppoll(&state, 1, deadline == NO_DEADLINE ? NULL : &rest, NULL);
    if (ready >= 0) return number(env, ready == 0 ? 0 : state.revents);
    if (errno != EINTR) return number(env, -errno);
  }
}

napi_value ringlink_take_error(napi_env env, napi_callback_info info) {
  struct call call;
  int error = call_begin(env, info, &call);
  if (error != 0) return number(env, error);
  int value = 0;
  socklen_t length = sizeof value;
  if (getsockopt(call.handle->fd, SOL_SOCKET, SO_ERROR, &value, &length) != 0) return number(env, -errno);
  /* 3.10 stores the error of a dump with the wrong sign. */
  return number(env, value < 0 ? -value : value);
}

napi_value ringlink_page_size(napi_env env, napi_callback_info info) {
  (void)info;
  return number(env, (int32_t)sysconf(_SC_PAGESIZE));
}
