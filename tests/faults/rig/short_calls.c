/* Loaded before libc: reads and writes of files do less than they were asked to, or are interrupted, as POSIX lets them. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* SQLite takes a short read for the end of the file, so only writes are cut short; both are interrupted. */
enum { kLargest = 4000, kInterruptEvery = 3 };

static atomic_uint calls;

static int interrupted(void) {
  if (atomic_fetch_add(&calls, 1) % kInterruptEvery != 0) return 0;
  errno = EINTR;
  return 1;
}

/* What a direct write takes has to stay whole blocks. */
static size_t shortened(size_t count) {
  if (count <= kLargest) return count > 1 ? count / 2 : count;
  return count % 4096 == 0 && count > 4096 ? 4096 : kLargest;
}

static int is_file(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) *(void **)&real = dlsym(RTLD_NEXT, #name)

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
  REAL(pwrite);
  if (!is_file(file)) return real(file, bytes, count, offset);
  return interrupted() ? -1 : real(file, bytes, shortened(count), offset);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t offset) {
  REAL(pwrite64);
  if (!is_file(file)) return real(file, bytes, count, offset);
  return interrupted() ? -1 : real(file, bytes, shortened(count), offset);
}

ssize_t write(int file, const void *bytes, size_t count) {
  REAL(write);
  if (!is_file(file)) return real(file, bytes, count);
  return interrupted() ? -1 : real(file, bytes, shortened(count));
}

ssize_t pread(int file, void *bytes, size_t count, off_t offset) {
  REAL(pread);
  return is_file(file) && interrupted() ? -1 : real(file, bytes, count, offset);
}

ssize_t pread64(int file, void *bytes, size_t count, off64_t offset) {
  REAL(pread64);
  return is_file(file) && interrupted() ? -1 : real(file, bytes, count, offset);
}

/* Counts what was done, for the test to see that this library was there at all. */
__attribute__((destructor)) static void tell(void) {
  static const char text[] = "short calls were made\n";
  if (atomic_load(&calls) > 0) (void)!write(STDERR_FILENO, text, sizeof text - 1);
}
