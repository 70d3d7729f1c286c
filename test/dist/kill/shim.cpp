// Preloaded into a process to stop it, or to copy what it has on disk, right before and right after the system calls that
// change a folder: as exact as a kill can be placed.
//
//   SHIM_BELOW      only calls on paths below this folder count
//   SHIM_SNAPSHOTS  copies the folder to <this>/<number>, before and after each call that renames, links, removes or syncs
//   SHIM_KILL_AT    kills the process at this point; the points before and after each call (also those that write) count from 1
//   SHIM_COUNT      file that gets the number of points
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>

extern char** environ;

namespace {

std::mutex mutex;
long points = 0;
long snapshots = 0;

template <typename Function>
Function original(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

bool is_below(const std::string& path) {
  const char* folder = getenv("SHIM_BELOW");
  return folder != nullptr && path.compare(0, strlen(folder), folder) == 0;
}

std::string path_of(int fd) {
  char link[64];
  char path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path);
  return length < 0 ? "" : std::string(path, length);
}

std::string path_at(int folder, const char* path) {
  return path[0] == '/' || folder == AT_FDCWD ? path : path_of(folder) + "/" + path;
}

void copy_folder() {
  const char* to = getenv("SHIM_SNAPSHOTS");
  if (to == nullptr) return;
  char target[4096];
  snprintf(target, sizeof target, "%s/%06ld", to, ++snapshots);
  char command[] = "cp", all[] = "-a";
  char* arguments[] = {command, all, getenv("SHIM_BELOW"), target, nullptr};
  char* environment[] = {nullptr};
  pid_t child;
  if (posix_spawn(&child, "/bin/cp", nullptr, nullptr, arguments, environment) != 0) abort();
  int status;
  while (waitpid(child, &status, 0) < 0) {
  }
}

void point(bool copies) {
  const char* kill_at = getenv("SHIM_KILL_AT");
  ++points;
  if (const char* file = getenv("SHIM_COUNT")) {
    if (FILE* count = fopen(file, "w")) {
      fprintf(count, "%ld", points);
      fclose(count);
    }
  }
  if (kill_at != nullptr && points == atol(kill_at)) kill(getpid(), SIGKILL);
  if (copies) copy_folder();
}

// The points around a call.
template <typename Call>
auto around(const std::string& path, bool copies, Call call) {
  if (!is_below(path)) return call();
  const std::lock_guard lock(mutex);
  point(copies);
  const auto result = call();
  const int error = errno;
  point(copies);
  errno = error;
  return result;
}

}  // namespace

extern "C" {

int rename(const char* from, const char* to) {
  return around(from, true, [&] { return original<int (*)(const char*, const char*)>("rename")(from, to); });
}
int renameat(int a, const char* from, int b, const char* to) {
  return around(path_at(a, from), true,
                [&] { return original<int (*)(int, const char*, int, const char*)>("renameat")(a, from, b, to); });
}
int renameat2(int a, const char* from, int b, const char* to, unsigned flags) {
  return around(path_at(a, from), true, [&] {
    return original<int (*)(int, const char*, int, const char*, unsigned)>("renameat2")(a, from, b, to, flags);
  });
}
int link(const char* from, const char* to) {
  return around(from, true, [&] { return original<int (*)(const char*, const char*)>("link")(from, to); });
}
int unlink(const char* path) {
  return around(path, true, [&] { return original<int (*)(const char*)>("unlink")(path); });
}
int unlinkat(int folder, const char* path, int flags) {
  return around(path_at(folder, path), true,
                [&] { return original<int (*)(int, const char*, int)>("unlinkat")(folder, path, flags); });
}
int rmdir(const char* path) {
  return around(path, true, [&] { return original<int (*)(const char*)>("rmdir")(path); });
}
int mkdir(const char* path, mode_t mode) {
  return around(path, true, [&] { return original<int (*)(const char*, mode_t)>("mkdir")(path, mode); });
}
int fsync(int fd) {
  return around(path_of(fd), true, [&] { return original<int (*)(int)>("fsync")(fd); });
}
int fdatasync(int fd) {
  return around(path_of(fd), true, [&] { return original<int (*)(int)>("fdatasync")(fd); });
}
ssize_t write(int fd, const void* data, size_t length) {
  return around(path_of(fd), false, [&] { return original<ssize_t (*)(int, const void*, size_t)>("write")(fd, data, length); });
}
ssize_t pwrite64(int fd, const void* data, size_t length, off64_t offset) {
  return around(path_of(fd), false, [&] {
    return original<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64")(fd, data, length, offset);
  });
}

}  // extern "C"
