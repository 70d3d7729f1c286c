// Open files.
#pragma once

#include <cstddef>
#include <string>

namespace noether {

// Bytes of one read or write. The checksum is taken right after, while they are still in the cache; and larger writes
// make the kernel look for large pages, which on a machine that has run for a while takes longer than the writing.
constexpr size_t kChunk = size_t{256} << 10;

// Throws what `errno` says: "expected to read <path>, got: No such file or directory".
[[noreturn]] void fail_errno(const std::string& what, const std::string& path);

// Closed with the object.
class FileDescriptor {
 public:
  FileDescriptor(const std::string& path, int flags, const char* purpose);
  ~FileDescriptor() { close(); }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  operator int() const { return fd_; }
  int close();

 private:
  int fd_;
};

}  // namespace noether
