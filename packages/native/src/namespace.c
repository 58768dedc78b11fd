/* Network namespaces: this thread enters one, does one thing, and returns before JavaScript runs again. */
#include "handle.h"
#include "uapi.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int namespace_enter(int target, int *home) {
  /* The thread's, not the process's: /proc/self belongs to the main thread. */
  int back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  if (back < 0) return -errno;
  /*
   * A thread that may not enter its own namespace, as in a user namespace with the network of another, could not
   * return.
   */
  if (setns(back, CLONE_NEWNET) != 0 || setns(target, CLONE_NEWNET) != 0) {
    int error = errno;
    close(back);
    return -error;
  }
  *home = back;
  return 0;
}

void namespace_leave(int home) {
  /* A thread that stays there would open all later sockets of the program in the wrong network. */
  if (setns(home, CLONE_NEWNET) != 0) {
    napi_fatal_error("ringlink", NAPI_AUTO_LENGTH, "cannot return to the network namespace of this thread",
                     NAPI_AUTO_LENGTH);
  }
  close(home);
}

/* The name comes from our own TypeScript; this only keeps a mistake there from reading outside /proc/net. */
static bool stays_below(const char *name) {
  return name[0] != '\0' && name[0] != '/' && strncmp(name, "..", 2) != 0 && strstr(name, "/..") == NULL;
}

/* The open file keeps showing the namespace in which the path was resolved, so it can be read after we are back. */
static int open_in_namespace_of(const struct handle *handle, const char *path) {
  if (!handle->foreign) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    return file < 0 ? -errno : file;
  }
  int target = ioctl(handle->fd, SIOCGSKNS);
  if (target < 0) return -errno;
  int home = -1;
  int file = namespace_enter(target, &home);
  if (file == 0) {
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) file = -errno;
    namespace_leave(home);
  }
  close(target);
  return file;
}

/* The size of files in /proc is not known in advance. */
static int read_all(int file, char **text, size_t *length) {
  size_t size = 4096, used = 0;
  char *bytes = malloc(size);
  while (bytes != NULL) {
    ssize_t count = read(file, bytes + used, size - used);
    if (count == 0) {
      *text = bytes;
      *length = used;
      return 0;
    }
    if (count < 0 && errno != EINTR) {
      int error = errno;
      free(bytes);
      return -error;
    }
    if (count > 0) used += (size_t)count;
    if (used == size) {
      char *larger = realloc(bytes, size *= 2);
      if (larger == NULL) free(bytes);
      bytes = larger;
    }
  }
  return -ENOMEM;
}

napi_value ringlink_read_proc_net(napi_env env, napi_callback_info info) {
  struct call call;
  int error = call_begin(env, info, &call);
  if (error != 0) return number(env, error);
  char *name = read_text(&call, 1);
  if (name == NULL) return number(env, -errno);
  if (!stays_below(name)) {
    free(name);
    return number(env, -EINVAL);
  }
  char *path = NULL;
  int printed = asprintf(&path, "/proc/thread-self/net/%s", name);
  free(name);
  if (printed < 0) return number(env, -ENOMEM);
  int file = open_in_namespace_of(call.handle, path);
  free(path);
  if (file < 0) return number(env, file);

  char *text = NULL;
  size_t length = 0;
  error = read_all(file, &text, &length);
  close(file);
  if (error != 0) return number(env, error);
  napi_value result = NULL;
  napi_create_string_utf8(env, text, length, &result);
  free(text);
  return result;
}
