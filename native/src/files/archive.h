// Files of tensors: byte ranges of a file as storages, and storages as bytes of a new file, without a copy through
// JavaScript. What the bytes mean (zip, pickle, safetensors) is the business of lib/torch/serialization.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "instance_data.h"

namespace noether {

class ArchiveReader;
class ArchiveWriter;

// The open archives of one environment. Whatever is still in here at the end is closed; a file that was not committed
// is removed.
struct ArchiveTable {
  std::unordered_map<int64_t, std::shared_ptr<ArchiveReader>> readers;
  std::unordered_map<int64_t, std::shared_ptr<ArchiveWriter>> writers;
  int64_t next_id = 1;
};

}  // namespace noether
