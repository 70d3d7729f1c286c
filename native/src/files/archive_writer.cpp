#include "files/archive_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "files/crc32.h"
#include "files/storage.h"

namespace noether {

namespace {

// Bytes of a storage on another device that are brought over at a time.
constexpr int64_t kDeviceChunk = int64_t{64} << 20;

}  // namespace

ArchiveWriter::ArchiveWriter(const std::string& path) : path_(path), fd_(path, O_WRONLY | O_CREAT | O_EXCL, "write") {
  buffer_.reserve(kChunk);
}

ArchiveWriter::~ArchiveWriter() {
  if (!committed_) ::unlink(path_.c_str());
}

uint32_t ArchiveWriter::append(const uint8_t* data, size_t length, uint32_t crc) {
  while (length > 0) {
    const size_t count = std::min(length, kChunk);
    put(data, count);
    crc = crc32(crc, data, count);
    data += count;
    length -= count;
  }
  return crc;
}

uint32_t ArchiveWriter::append(const c10::Storage& storage, int64_t offset, int64_t length) {
  if (storage.device().is_cpu()) return append(static_cast<const uint8_t*>(storage.data()) + offset, length);
  uint32_t crc = 0;
  for (int64_t done = 0; done < length; done += kDeviceChunk) {
    const int64_t count = std::min(kDeviceChunk, length - done);
    const at::Tensor bytes = bytes_of(storage, offset + done, count).to(at::kCPU);
    crc = append(static_cast<const uint8_t*>(bytes.const_data_ptr()), count, crc);
  }
  return crc;
}

void ArchiveWriter::commit(const std::string& target) {
  flush();
  if (::fsync(fd_) != 0) fail_errno("write", path_);
  if (fd_.close() != 0) fail_errno("write", path_);
  if (::rename(path_.c_str(), target.c_str()) != 0) fail_errno("rename the finished file to", target);
  committed_ = true;
  // Not every file system can sync a folder; the rename itself is done.
  const std::string folder = std::filesystem::path(target).parent_path().string();
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    ::fsync(fd);
    ::close(fd);
  }
}

void ArchiveWriter::put(const uint8_t* data, size_t length) {
  const bool is_large = length >= kChunk / 2;
  if (is_large || buffer_.size() + length > kChunk) flush();
  if (is_large) {
    write(data, length);
  } else {
    buffer_.insert(buffer_.end(), data, data + length);
  }
}

void ArchiveWriter::flush() {
  write(buffer_.data(), buffer_.size());
  buffer_.clear();
}

void ArchiveWriter::write(const uint8_t* data, size_t length) {
  while (length > 0) {
    const ssize_t count = ::write(fd_, data, length);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_errno("write", path_);
    data += count;
    length -= count;
  }
}

}  // namespace noether
