#include "files/archive.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "files/crc32.h"
#include "napi/arguments.h"
#include "napi/convert.h"

namespace noether {

namespace {

// Bytes of one read or write. The checksum is taken right after, while they are still in the cache; and larger writes
// make the kernel look for large pages, which on a machine that has run for a while takes longer than the writing.
constexpr size_t kChunk = size_t{256} << 10;
// Bytes of a storage on another device that are brought over at a time.
constexpr int64_t kDeviceChunk = int64_t{64} << 20;
// The most that becomes a JavaScript buffer: headers and pickles are far smaller.
constexpr int64_t kMaxBuffer = int64_t{2} << 30;

[[noreturn]] void fail_errno(const std::string& what, const std::string& path) {
  const int error = errno;
  const char* code = error == ENOENT   ? "ERR_FILE_NOT_FOUND"
                     : error == ENOSPC ? "ERR_DISK_FULL"
                     : error == EDQUOT ? "ERR_DISK_FULL"
                                       : "ERR_FILE";
  fail(code, "expected to " + what + " " + path + ", got: " + std::strerror(error));
}

class FileDescriptor {
 public:
  FileDescriptor(const std::string& path, int flags, const char* purpose)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {
    if (fd_ < 0) fail_errno(purpose, path);
  }
  ~FileDescriptor() { close(); }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  operator int() const { return fd_; }
  int close() {
    const int result = fd_ < 0 ? 0 : ::close(fd_);
    fd_ = -1;
    return result;
  }

 private:
  int fd_;
};

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

// A 1-D uint8 tensor over a storage of any device.
at::Tensor bytes_of(const c10::Storage& storage, int64_t offset, int64_t length) {
  at::Tensor bytes = at::empty({0}, at::TensorOptions().dtype(at::kByte).device(storage.device()));
  return bytes.set_(storage, offset, {length}, {1});
}

// Fresh memory is touched for the first time by the read: with huge pages that costs a fraction.
void advise_huge_pages(void* data, size_t length) {
#ifdef MADV_HUGEPAGE
  constexpr uintptr_t kHugePage = uintptr_t{2} << 20;
  const uintptr_t from = (reinterpret_cast<uintptr_t>(data) + kHugePage - 1) & ~(kHugePage - 1);
  const uintptr_t to = (reinterpret_cast<uintptr_t>(data) + length) & ~(kHugePage - 1);
  if (to > from) ::madvise(reinterpret_cast<void*>(from), to - from, MADV_HUGEPAGE);
#else
  (void)data;
  (void)length;
#endif
}

bool is_storable(at::ScalarType type) {
  switch (type) {
    case at::ScalarType::Byte:
    case at::ScalarType::Char:
    case at::ScalarType::Short:
    case at::ScalarType::Int:
    case at::ScalarType::Long:
    case at::ScalarType::UInt16:
    case at::ScalarType::UInt32:
    case at::ScalarType::UInt64:
    case at::ScalarType::Half:
    case at::ScalarType::BFloat16:
    case at::ScalarType::Float:
    case at::ScalarType::Double:
    case at::ScalarType::ComplexHalf:
    case at::ScalarType::ComplexFloat:
    case at::ScalarType::ComplexDouble:
    case at::ScalarType::Bool:
    case at::ScalarType::Float8_e4m3fn:
    case at::ScalarType::Float8_e4m3fnuz:
    case at::ScalarType::Float8_e5m2:
    case at::ScalarType::Float8_e5m2fnuz:
    case at::ScalarType::Float8_e8m0fnu:
    case at::ScalarType::Float4_e2m1fn_x2:
      return true;
    default:
      return false;
  }
}

// The storage's address, for tensors that have memory at all (dense, not "meta", not quantized).
const c10::Storage& storage_of(const at::Tensor& tensor) {
  if (tensor.layout() != at::kStrided || tensor.is_meta() || !tensor.has_storage() ||
      !is_storable(tensor.scalar_type())) {
    fail("ERR_ARGUMENT", "expected a dense tensor with data to store, got " + describe(tensor));
  }
  return tensor.storage();
}

// Result of C++ work that a worker thread may do: made into a JavaScript value on the environment's own thread.
using Finish = std::function<Napi::Value(Addon&, Napi::Env)>;
using Work = std::function<Finish()>;

class Job : public Napi::AsyncWorker {
 public:
  Job(Napi::Env env, Work work)
      : Napi::AsyncWorker(env), work_(std::move(work)), deferred_(Napi::Promise::Deferred::New(env)) {}
  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      finish_ = work_();
    } catch (...) {
      failure_ = describe_current_exception();
    }
    work_ = nullptr;
  }

  void OnOK() override {
    try {
      if (!failure_) return settle();
    } catch (...) {
      failure_ = describe_current_exception();
    }
    try {
      Napi::Error error = Napi::Error::New(Env(), failure_->message);
      error.Set("code", failure_->code);
      deferred_.Reject(error.Value());
    } catch (const Napi::Error&) {
      // The environment is ending: nobody is left to be told.
    }
  }

 private:
  void settle() { deferred_.Resolve(finish_(Addon::of(Env()), Env())); }

  Work work_;
  Finish finish_;
  std::optional<Described> failure_;
  Napi::Promise::Deferred deferred_;
};

Napi::Value run_now(Addon& addon, Napi::Env env, const Work& work) {
  return work()(addon, env);
}

Napi::Value run_later(Napi::Env env, Work work) {
  auto* job = new Job(env, std::move(work));
  const Napi::Promise promise = job->promise();
  job->Queue();
  return promise;
}

}  // namespace

class ArchiveReader {
 public:
  explicit ArchiveReader(const std::string& path) : path_(path), fd_(path, O_RDONLY | O_NONBLOCK, "read") {
    struct stat status;
    if (::fstat(fd_, &status) != 0) fail_errno("read", path);
    if (!S_ISREG(status.st_mode)) fail("ERR_FILE", "expected a regular file, got " + path);
    size_ = status.st_size;
  }

  int64_t size() const { return size_; }

  // Refuses what is not inside the file, before anything is allocated for it.
  void check(int64_t offset, int64_t length) const {
    if (offset < 0 || length < 0 || offset > size_ || length > size_ - offset) {
      fail("ERR_FILE_FORMAT", "expected bytes " + std::to_string(offset) + " to " + std::to_string(offset) + " + " +
                                  std::to_string(length) + " in " + path_ + ", which has " + std::to_string(size_));
    }
  }

  // Reads and returns the checksum.
  uint32_t read(uint8_t* target, int64_t offset, int64_t length) const {
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

  c10::Storage map(int64_t offset, int64_t length) {
    if (length == 0) return at::empty({0}, at::kByte).storage();
    if (!mapping_) mapping_ = std::make_shared<Mapping>(fd_, size_, path_);
    auto* share = new std::shared_ptr<Mapping>(mapping_);
    at::DataPtr data(
        mapping_->data() + offset, share, [](void* context) { delete static_cast<std::shared_ptr<Mapping>*>(context); },
        at::kCPU);
    return c10::Storage(c10::Storage::use_byte_size_t(), length, std::move(data), nullptr, false);
  }

 private:
  std::string path_;
  FileDescriptor fd_;
  int64_t size_ = 0;
  std::shared_ptr<Mapping> mapping_;
};

class ArchiveWriter {
 public:
  explicit ArchiveWriter(const std::string& path) : path_(path), fd_(path, O_WRONLY | O_CREAT | O_EXCL, "write") {
    buffer_.reserve(kChunk);
  }
  ~ArchiveWriter() {
    if (!committed_) ::unlink(path_.c_str());
  }
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;

  // Held while one call writes: jobs may run on other threads.
  std::mutex mutex;

  // Appends and returns the checksum of what was appended, continuing `crc`.
  uint32_t append(const uint8_t* data, size_t length, uint32_t crc = 0) {
    while (length > 0) {
      const size_t count = std::min(length, kChunk);
      put(data, count);
      crc = crc32(crc, data, count);
      data += count;
      length -= count;
    }
    return crc;
  }

  uint32_t append(const c10::Storage& storage, int64_t offset, int64_t length) {
    if (storage.device().is_cpu()) return append(static_cast<const uint8_t*>(storage.data()) + offset, length);
    uint32_t crc = 0;
    for (int64_t done = 0; done < length; done += kDeviceChunk) {
      const int64_t count = std::min(kDeviceChunk, length - done);
      const at::Tensor bytes = bytes_of(storage, offset + done, count).to(at::kCPU);
      crc = append(static_cast<const uint8_t*>(bytes.const_data_ptr()), count, crc);
    }
    return crc;
  }

  // Brings the file to disk and then under its name, in this order: a crash leaves the old content or the new.
  void commit(const std::string& target) {
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

 private:
  void put(const uint8_t* data, size_t length) {
    const bool is_large = length >= kChunk / 2;
    if (is_large || buffer_.size() + length > kChunk) flush();
    if (is_large) {
      write(data, length);
    } else {
      buffer_.insert(buffer_.end(), data, data + length);
    }
  }

  void flush() {
    write(buffer_.data(), buffer_.size());
    buffer_.clear();
  }

  void write(const uint8_t* data, size_t length) {
    while (length > 0) {
      const ssize_t count = ::write(fd_, data, length);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail_errno("write", path_);
      data += count;
      length -= count;
    }
  }

  std::string path_;
  FileDescriptor fd_;
  std::vector<uint8_t> buffer_;
  bool committed_ = false;
};

namespace {

template <typename Archive>
std::shared_ptr<Archive> find(const std::unordered_map<int64_t, std::shared_ptr<Archive>>& archives, int64_t id) {
  const auto found = archives.find(id);
  if (found == archives.end())
    fail("ERR_ARGUMENT", "expected an open archive, got the closed or unknown id " + std::to_string(id));
  return found->second;
}

std::shared_ptr<ArchiveReader> reader(Addon& addon, const Arguments& arguments) {
  return find(addon.archives->readers, arguments.integer(0, "archive"));
}

std::shared_ptr<ArchiveWriter> writer(Addon& addon, const Arguments& arguments) {
  return find(addon.archives->writers, arguments.integer(0, "archive"));
}

// archiveOpen(path) -> id
Napi::Value archive_open(Addon& addon, const Arguments& arguments) {
  auto opened = std::make_shared<ArchiveReader>(arguments.string(0, "path"));
  const int64_t id = addon.archives->next_id++;
  addon.archives->readers.emplace(id, std::move(opened));
  return Napi::Number::New(arguments.env(), static_cast<double>(id));
}

// archiveSize(id) -> bytes
Napi::Value archive_size(Addon& addon, const Arguments& arguments) {
  return Napi::Number::New(arguments.env(), static_cast<double>(reader(addon, arguments)->size()));
}

// archiveBytes(id, offset, length) -> ArrayBuffer
Napi::Value archive_bytes(Addon& addon, const Arguments& arguments) {
  const auto archive = reader(addon, arguments);
  const int64_t offset = arguments.integer(1, "offset");
  const int64_t length = arguments.integer(2, "length");
  archive->check(offset, length);
  // V8 ends the process when it cannot allocate.
  if (length > kMaxBuffer) fail("ERR_FILE_FORMAT", "expected at most 2 GiB at once, got " + std::to_string(length));
  auto buffer = Napi::ArrayBuffer::New(arguments.env(), static_cast<size_t>(length));
  archive->read(static_cast<uint8_t*>(buffer.Data()), offset, length);
  return buffer;
}

Work read_storage(Addon& addon, const Arguments& arguments) {
  const auto archive = reader(addon, arguments);
  const int64_t offset = arguments.integer(1, "offset");
  const int64_t length = arguments.integer(2, "length");
  archive->check(offset, length);
  return [archive, offset, length]() -> Finish {
    const at::Tensor bytes = at::empty({length}, at::kByte);
    advise_huge_pages(bytes.data_ptr(), length);
    const uint32_t crc = archive->read(static_cast<uint8_t*>(bytes.data_ptr()), offset, length);
    return [bytes, crc](Addon& addon, Napi::Env env) -> Napi::Value {
      const auto result = Napi::Object::New(env);
      result.Set("crc32", Napi::Number::New(env, crc));
      result.Set("storage", Napi::Number::New(env, addon.tensors.put(bytes)));
      return result;
    };
  };
}

// archiveRead(id, offset, length) -> { storage, crc32 }
Napi::Value archive_read(Addon& addon, const Arguments& arguments) {
  return run_now(addon, arguments.env(), read_storage(addon, arguments));
}

Napi::Value archive_read_async(Addon& addon, const Arguments& arguments) {
  return run_later(arguments.env(), read_storage(addon, arguments));
}

// archiveMap(id, offset, length) -> storage
Napi::Value archive_map(Addon& addon, const Arguments& arguments) {
  const auto archive = reader(addon, arguments);
  const int64_t offset = arguments.integer(1, "offset");
  const int64_t length = arguments.integer(2, "length");
  archive->check(offset, length);
  const at::Tensor bytes = bytes_of(archive->map(offset, length), 0, length);
  return Napi::Number::New(arguments.env(), addon.tensors.put(bytes));
}

// archiveTensor(storage, dtype, offset, shape, strides) -> tensor: offset and strides in elements
Napi::Value archive_tensor(Addon& addon, const Arguments& arguments) {
  const at::Tensor bytes = arguments.tensor(0, "storage");
  const at::ScalarType type = arguments.scalar_type(1, "dtype");
  const int64_t offset = arguments.integer(2, "offset");
  const std::vector<int64_t> shape = arguments.integers(3, "shape");
  const std::vector<int64_t> strides = arguments.integers(4, "strides");
  if (!is_storable(type))
    fail("ERR_ARGUMENT", std::string("expected a dtype of dense data, got ") + c10::toString(type));
  if (shape.size() != strides.size() || shape.size() > 64 || offset < 0) {
    fail("ERR_FILE_FORMAT", "expected as many strides as sizes (at most 64) and an offset of at least 0");
  }
  // The last element must lie in the storage; every product is checked.
  int64_t elements = 1;
  int64_t last = offset;
  for (size_t i = 0; i < shape.size(); ++i) {
    int64_t reach = 0;
    if (shape[i] < 0 || strides[i] < 0 || __builtin_mul_overflow(elements, shape[i], &elements) ||
        __builtin_mul_overflow(shape[i] == 0 ? 0 : shape[i] - 1, strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last) || elements > (int64_t{1} << 53)) {
      fail("ERR_FILE_FORMAT", "expected sizes and strides of at least 0 and at most 2^53 elements");
    }
  }
  const c10::Storage& storage = storage_of(bytes);
  const auto item = static_cast<int64_t>(c10::elementSize(type));
  const int64_t available = static_cast<int64_t>(storage.nbytes()) / item;
  if (elements > 0 ? last >= available : offset > available) {
    fail("ERR_FILE_FORMAT", "expected a storage of more than " + std::to_string(last) + " elements of " +
                                c10::toString(type) + ", got " + std::to_string(available));
  }
  at::Tensor tensor = at::empty({0}, at::TensorOptions().dtype(type).device(storage.device()));
  tensor.set_(storage, offset, shape, strides);
  return Napi::Number::New(arguments.env(), addon.tensors.put(std::move(tensor)));
}

// archiveIsLazy(tensor) -> whether the memory is still to be conjugated or negated. (The operators is_conj and is_neg
// cannot tell: the dispatcher resolves the tensor before it calls them.)
Napi::Value archive_is_lazy(Addon&, const Arguments& arguments) {
  const at::Tensor tensor = arguments.tensor(0, "tensor");
  return Napi::Boolean::New(arguments.env(), tensor.is_conj() || tensor.is_neg());
}

// archiveCreate(path) -> id: a new file, which must not exist; gone again unless committed
Napi::Value archive_create(Addon& addon, const Arguments& arguments) {
  auto created = std::make_shared<ArchiveWriter>(arguments.string(0, "path"));
  const int64_t id = addon.archives->next_id++;
  addon.archives->writers.emplace(id, std::move(created));
  return Napi::Number::New(arguments.env(), static_cast<double>(id));
}

// archiveAppend(id, bytes) -> crc32
Napi::Value archive_append(Addon& addon, const Arguments& arguments) {
  const auto archive = writer(addon, arguments);
  const auto bytes = arguments.bytes(1, "bytes");
  const std::lock_guard lock(archive->mutex);
  return Napi::Number::New(arguments.env(), archive->append(bytes.data, bytes.length));
}

Work append_storage(Addon& addon, const Arguments& arguments) {
  const auto archive = writer(addon, arguments);
  const at::Tensor tensor = arguments.tensor(1, "tensor");
  const int64_t offset = arguments.integer(2, "offset");
  const int64_t length = arguments.integer(3, "length");
  const auto available = static_cast<int64_t>(storage_of(tensor).nbytes());
  if (offset < 0 || length < 0 || offset > available || length > available - offset) {
    fail("ERR_ARGUMENT", "expected a range within the storage's " + std::to_string(available) + " bytes, got " +
                             std::to_string(offset) + " + " + std::to_string(length));
  }
  return [archive, tensor, offset, length]() -> Finish {
    const std::lock_guard lock(archive->mutex);
    const uint32_t crc = archive->append(tensor.storage(), offset, length);
    return [crc](Addon&, Napi::Env env) -> Napi::Value { return Napi::Number::New(env, crc); };
  };
}

// archiveAppendStorage(id, tensor, offset, length) -> crc32: bytes of the tensor's storage
Napi::Value archive_append_storage(Addon& addon, const Arguments& arguments) {
  return run_now(addon, arguments.env(), append_storage(addon, arguments));
}

Napi::Value archive_append_storage_async(Addon& addon, const Arguments& arguments) {
  return run_later(arguments.env(), append_storage(addon, arguments));
}

Work commit(Addon& addon, const Arguments& arguments) {
  const auto archive = writer(addon, arguments);
  const std::string target = arguments.string(1, "target");
  return [archive, target]() -> Finish {
    const std::lock_guard lock(archive->mutex);
    archive->commit(target);
    return [](Addon&, Napi::Env env) -> Napi::Value { return env.Undefined(); };
  };
}

// archiveCommit(id, target): to disk, then renamed to `target`
Napi::Value archive_commit(Addon& addon, const Arguments& arguments) {
  return run_now(addon, arguments.env(), commit(addon, arguments));
}

Napi::Value archive_commit_async(Addon& addon, const Arguments& arguments) {
  return run_later(arguments.env(), commit(addon, arguments));
}

// archiveClose(id): of either kind; closing twice is no mistake
Napi::Value archive_close(Addon& addon, const Arguments& arguments) {
  const int64_t id = arguments.integer(0, "archive");
  addon.archives->readers.erase(id);
  addon.archives->writers.erase(id);
  return arguments.env().Undefined();
}

// archiveCrc32(bytes) -> crc32
Napi::Value archive_crc32(Addon&, const Arguments& arguments) {
  const auto bytes = arguments.bytes(0, "bytes");
  return Napi::Number::New(arguments.env(), crc32(0, bytes.data, bytes.length));
}

}  // namespace

void export_archive(Napi::Env env, Napi::Object exports) {
  Addon::of(env).archives = std::make_unique<ArchiveTable>();
  define<archive_open>(exports, "archiveOpen");
  define<archive_size>(exports, "archiveSize");
  define<archive_bytes>(exports, "archiveBytes");
  define<archive_read>(exports, "archiveRead");
  define<archive_read_async>(exports, "archiveReadAsync");
  define<archive_map>(exports, "archiveMap");
  define<archive_tensor>(exports, "archiveTensor");
  define<archive_is_lazy>(exports, "archiveIsLazy");
  define<archive_create>(exports, "archiveCreate");
  define<archive_append>(exports, "archiveAppend");
  define<archive_append_storage>(exports, "archiveAppendStorage");
  define<archive_append_storage_async>(exports, "archiveAppendStorageAsync");
  define<archive_commit>(exports, "archiveCommit");
  define<archive_commit_async>(exports, "archiveCommitAsync");
  define<archive_close>(exports, "archiveClose");
  define<archive_crc32>(exports, "archiveCrc32");
}

}  // namespace noether
