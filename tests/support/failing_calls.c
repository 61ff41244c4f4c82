/* Preloaded: makes the n-th call that opens, reads, writes, syncs, closes or renames a file below a folder fail.
   KRONSOLVE_FAIL=folder:n:errno:once|ever; when a call has failed, the file KRONSOLVE_FAIL_MARK exists. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static char folder[PATH_MAX];
static long wanted, calls;
static int number, for_ever;

__attribute__((constructor)) static void begin(void) {
  const char* text = getenv("KRONSOLVE_FAIL");
  char how[8] = "";
  if (text == NULL || sscanf(text, "%4095[^:]:%ld:%d:%7s", folder, &wanted, &number, how) != 4) wanted = 0;
  for_ever = strcmp(how, "ever") == 0;
}

static int below(const char* path) {
  return wanted > 0 && strncmp(path, folder, strlen(folder)) == 0;
}

static int is_ours(int fd) {
  char link[64], path[PATH_MAX];
  const int before = errno;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  errno = before;
  if (length < 0) return 0;
  path[length] = '\0';
  return below(path);
}

static int is_ours_at(int at, const char* path) {
  return path[0] == '/' || at == AT_FDCWD ? below(path) : is_ours(at);
}

/* Whether this call, which is about a file of the folder, is to fail. */
static int fails(void) {
  const long n = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
  if (n != wanted && !(for_ever && n > wanted)) return 0;
  const char* mark = getenv("KRONSOLVE_FAIL_MARK");
  if (mark != NULL) {
    const int fd = (int)syscall(SYS_openat, AT_FDCWD, mark, O_WRONLY | O_CREAT, 0666);
    if (fd >= 0) syscall(SYS_close, fd);
  }
  errno = number;
  return 1;
}

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

static int do_open(const char* name, int at, const char* path, int flags, mode_t mode) {
  if (is_ours_at(at, path) && fails()) return -1;
  return REAL(int, name, int, const char*, int, ...)(at, path, flags, mode);
}

static mode_t mode_of(int flags, va_list more) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
}

#define OPEN(name)                                        \
  int name(const char* path, int flags, ...) {            \
    va_list more;                                         \
    va_start(more, flags);                                \
    const mode_t mode = mode_of(flags, more);             \
    va_end(more);                                         \
    return do_open("openat", AT_FDCWD, path, flags, mode); \
  }
OPEN(open)
OPEN(open64)
#define OPENAT(name)                                 \
  int name(int at, const char* path, int flags, ...) { \
    va_list more;                                    \
    va_start(more, flags);                           \
    const mode_t mode = mode_of(flags, more);        \
    va_end(more);                                    \
    return do_open("openat", at, path, flags, mode); \
  }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int fd, const void* bytes, size_t size) {
  if (is_ours(fd) && fails()) return -1;
  return REAL(ssize_t, "write", int, const void*, size_t)(fd, bytes, size);
}
#define MOVE(name, constness)                                                                    \
  ssize_t name(int fd, constness void* bytes, size_t size, off_t offset) {                       \
    if (is_ours(fd) && fails()) return -1;                                                       \
    return REAL(ssize_t, #name, int, constness void*, size_t, off_t)(fd, bytes, size, offset);   \
  }
MOVE(pwrite, const)
MOVE(pwrite64, const)
MOVE(pread, )
MOVE(pread64, )

int fsync(int fd) {
  if (is_ours(fd) && fails()) return -1;
  return REAL(int, "fsync", int)(fd);
}
int close(int fd) {
  const int ours = is_ours(fd); /* a close that fails has closed all the same */
  const int done = REAL(int, "close", int)(fd);
  return ours && fails() ? -1 : done;
}
int rename(const char* from, const char* to) {
  if (below(to) && fails()) return -1;
  return REAL(int, "rename", const char*, const char*)(from, to);
}
int linkat(int from_at, const char* from, int to_at, const char* to, int flags) {
  if (is_ours_at(to_at, to) && fails()) return -1;
  return REAL(int, "linkat", int, const char*, int, const char*, int)(from_at, from, to_at, to, flags);
}
int renameat(int from_at, const char* from, int to_at, const char* to) {
  if (is_ours_at(to_at, to) && fails()) return -1;
  return REAL(int, "renameat", int, const char*, int, const char*)(from_at, from, to_at, to);
}
