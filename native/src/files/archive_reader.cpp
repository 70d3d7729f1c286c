#include "files/archive_reader.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "files/crc32.h"
#include "napi/errors.h"

namespace noether {

// The whole file, writable copy-on-write. Every storage over it holds a share.
class Mapping {
 public:
  Mapping(int fd, size_t length, const std::string& path) : length_(length) {
    // Without MAP_NORESERVE the kernel would count the file's size against the memory limit.
    address_ = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
    if (address_ == MAP_FAILED) fail_errno("map", path);
  }
  ~Mapping() { ::munmap(address_, length_); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  uint8_t* data() const { return static_cast<uint8_t*>(address_); }

 private:
  void* address_;
  size_t length_;
};

ArchiveReader::ArchiveReader(const std::string& path) : path_(path), fd_(path, O_RDONLY | O_NONBLOCK, "read") {
  struct stat status;
  if (::fstat(fd_, &status) != 0) fail_errno("read", path);
  if (!S_ISREG(status.st_mode)) fail("ERR_FILE", "expected a regular file, got " + path);
  size_ = status.st_size;
}

void ArchiveReader::check(int64_t offset, int64_t length) const {
  if (offset < 0 || length < 0 || offset > size_ || length > size_ - offset) {
    fail("ERR_FILE_FORMAT", "expected bytes " + std::to_string(offset) + " to " + std::to_string(offset) + " + " +
                                std::to_string(length) + " in " + path_ + ", which has " + std::to_string(size_));
  }
}

uint32_t ArchiveReader::read(uint8_t* target, int64_t offset, int64_t length) const {
  uint32_t crc = 0;
  while (length > 0) {
    const ssize_t count = ::pread(fd_, target, std::min<size_t>(kChunk, length), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_errno("read", path_);
    if (count == 0)
      fail("ERR_FILE_FORMAT", "expected more bytes in " + path_ + ", which became shorter while it was read");
    crc = crc32(crc, target, count);
    target += count;
    offset += count;
    length -= count;
  }
  return crc;
}

c10::Storage ArchiveReader::map(int64_t offset, int64_t length) {
  if (length == 0) return at::empty({0}, at::kByte).storage();
  if (!mapping_) mapping_ = std::make_shared<Mapping>(fd_, size_, path_);
  auto* share = new std::shared_ptr<Mapping>(mapping_);
  at::DataPtr data(
      mapping_->data() + offset, share, [](void* context) { delete static_cast<std::shared_ptr<Mapping>*>(context); },
      at::kCPU);
  return c10::Storage(c10::Storage::use_byte_size_t(), length, std::move(data), nullptr, false);
}

}  // namespace noether
