#include "files/file_descriptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "napi/errors.h"

namespace noether {

void fail_errno(const std::string& what, const std::string& path) {
  const int error = errno;
  const char* code = error == ENOENT   ? "ERR_FILE_NOT_FOUND"
                     : error == ENOSPC ? "ERR_DISK_FULL"
                     : error == EDQUOT ? "ERR_DISK_FULL"
                                       : "ERR_FILE";
  fail(code, "expected to " + what + " " + path + ", got: " + std::strerror(error));
}

FileDescriptor::FileDescriptor(const std::string& path, int flags, const char* purpose)
    : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
  if (fd_ < 0) fail_errno(purpose, path);
}

int FileDescriptor::close() {
  const int result = fd_ < 0 ? 0 : ::close(fd_);
  fd_ = -1;
  return result;
}

}  // namespace noether
