// Bytes and storages into a new file, which gets its name when all is written.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "files/file_descriptor.h"
#include "torch_setup.h"

namespace noether {

class ArchiveWriter {
 public:
  // Creates the file, which must not exist; it is removed again unless it is committed.
  explicit ArchiveWriter(const std::string& path);
  ~ArchiveWriter();
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;

  // Held while one call writes: jobs may run on other threads.
  std::mutex mutex;

  // Appends and returns the checksum of what was appended, continuing `crc`.
  uint32_t append(const uint8_t* data, size_t length, uint32_t crc = 0);
  uint32_t append(const c10::Storage& storage, int64_t offset, int64_t length);

  // Brings the file to disk and then under its name, in this order: a crash leaves the old content or the new.
  void commit(const std::string& target);

 private:
  void put(const uint8_t* data, size_t length);
  void flush();
  void write(const uint8_t* data, size_t length);

  std::string path_;
  FileDescriptor fd_;
  std::vector<uint8_t> buffer_;
  bool committed_ = false;
};

}  // namespace noether
