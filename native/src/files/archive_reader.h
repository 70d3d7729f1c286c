// Byte ranges of a file as storages: copied, or mapped.
#pragma once

#include <memory>
#include <string>

#include "files/file_descriptor.h"
#include "torch_setup.h"

namespace noether {

class Mapping;

class ArchiveReader {
 public:
  explicit ArchiveReader(const std::string& path);

  int64_t size() const { return size_; }

  // Refuses what is not inside the file, before anything is allocated for it.
  void check(int64_t offset, int64_t length) const;

  // Reads and returns the checksum.
  uint32_t read(uint8_t* target, int64_t offset, int64_t length) const;

  // A storage over the mapped file, copy-on-write.
  c10::Storage map(int64_t offset, int64_t length);

 private:
  std::string path_;
  FileDescriptor fd_;
  int64_t size_ = 0;
  std::shared_ptr<Mapping> mapping_;
};

}  // namespace noether
