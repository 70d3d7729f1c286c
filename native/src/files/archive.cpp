#include "files/archive.h"

#include <mutex>
#include <sstream>

#include "exports.h"
#include "files/archive_reader.h"
#include "files/archive_writer.h"
#include "files/crc32.h"
#include "files/storage.h"
#include "napi/arguments.h"
#include "napi/job.h"

namespace noether {

namespace {

// The most that becomes a JavaScript buffer: headers and pickles are far smaller.
constexpr int64_t kMaxBuffer = int64_t{2} << 30;

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
  if (length > kMaxBuffer) fail("ERR_FILE_FORMAT", "expected at most 2 GiB at once, got " + std::to_string(length));
  auto buffer = addon.array_buffers.create(static_cast<size_t>(length));
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

// archiveSlice(storage, offset, length) -> storage: a part of it, which shares its memory
Napi::Value archive_slice(Addon& addon, const Arguments& arguments) {
  const c10::Storage base = storage_of(arguments.tensor(0, "storage"));
  const int64_t offset = arguments.integer(1, "offset");
  const int64_t length = arguments.integer(2, "length");
  const auto available = static_cast<int64_t>(base.nbytes());
  if (offset < 0 || length < 0 || offset > available || length > available - offset) {
    fail("ERR_FILE_FORMAT", "expected a part of a storage of " + std::to_string(available) + " bytes, got " +
                                std::to_string(offset) + " + " + std::to_string(length));
  }
  auto* share = new c10::Storage(base);
  at::DataPtr data(
      static_cast<uint8_t*>(base.mutable_data()) + offset, share,
      [](void* context) { delete static_cast<c10::Storage*>(context); }, base.device());
  const c10::Storage part(c10::Storage::use_byte_size_t(), length, std::move(data), nullptr, false);
  return Napi::Number::New(arguments.env(), addon.tensors.put(bytes_of(part, 0, length)));
}

// Lays `tensor` over a storage, with offset and strides in elements. Its last element must lie in the storage; every
// product is checked.
void lay_over(const at::Tensor& tensor, const c10::Storage& storage, int64_t offset, const std::vector<int64_t>& shape,
              const std::vector<int64_t>& strides) {
  if (shape.size() != strides.size() || shape.size() > 64 || offset < 0) {
    fail("ERR_FILE_FORMAT", "expected as many strides as sizes (at most 64) and an offset of at least 0");
  }
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
  const auto item = static_cast<int64_t>(tensor.itemsize());
  const int64_t available = static_cast<int64_t>(storage.nbytes()) / item;
  if (elements > 0 ? last >= available : offset > available) {
    fail("ERR_FILE_FORMAT", "expected a storage of more than " + std::to_string(last) + " elements of " +
                                c10::toString(tensor.scalar_type()) + ", got " + std::to_string(available));
  }
  tensor.set_(storage, offset, shape, strides);
}

// archiveTensor(storage, dtype, offset, shape, strides) -> tensor: offset and strides in elements
Napi::Value archive_tensor(Addon& addon, const Arguments& arguments) {
  const c10::Storage storage = storage_of(arguments.tensor(0, "storage"));
  const at::ScalarType type = arguments.scalar_type(1, "dtype");
  if (!is_storable(type) || c10::isQIntType(type))
    fail("ERR_ARGUMENT", std::string("expected a dtype of dense data, got ") + c10::toString(type));
  at::Tensor tensor = at::empty({0}, at::TensorOptions().dtype(type).device(storage.device()));
  lay_over(tensor, storage, arguments.integer(2, "offset"), arguments.integers(3, "shape"),
           arguments.integers(4, "strides"));
  return Napi::Number::New(arguments.env(), addon.tensors.put(std::move(tensor)));
}

// archiveSetStorage(tensor, storage, offset, shape, strides): for a tensor that has more than its dtype (a quantizer)
Napi::Value archive_set_storage(Addon&, const Arguments& arguments) {
  const at::Tensor tensor = arguments.tensor(0, "tensor");
  const c10::Storage storage = storage_of(arguments.tensor(1, "storage"));
  storage_of(tensor);
  if (tensor.device() != storage.device()) fail("ERR_ARGUMENT", "expected a tensor and a storage on the same device");
  lay_over(tensor, storage, arguments.integer(2, "offset"), arguments.integers(3, "shape"),
           arguments.integers(4, "strides"));
  return arguments.env().Undefined();
}

// archiveKind(tensor) -> in which of the ways that files tell apart the tensor holds its data
Napi::Value archive_kind(Addon&, const Arguments& arguments) {
  const at::Tensor tensor = arguments.tensor(0, "tensor");
  const auto kind = [&]() -> std::string {
    if (tensor.is_nested()) return "nested";
    if (tensor.layout() != at::kStrided) {
      std::ostringstream name;
      name << tensor.layout();
      return name.str();
    }
    if (tensor.is_meta()) return "meta";
    return tensor.is_quantized() ? "quantized" : "dense";
  };
  return Napi::String::New(arguments.env(), kind());
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

// `later`: while JavaScript goes on.
Work append_storage(Addon& addon, const Arguments& arguments, bool later) {
  const auto archive = writer(addon, arguments);
  const at::Tensor tensor = arguments.tensor(1, "tensor");
  const int64_t offset = arguments.integer(2, "offset");
  const int64_t length = arguments.integer(3, "length");
  const auto available = static_cast<int64_t>(storage_of(tensor).nbytes());
  if (offset < 0 || length < 0 || offset > available || length > available - offset) {
    fail("ERR_ARGUMENT", "expected a range within the storage's " + std::to_string(available) + " bytes, got " +
                             std::to_string(offset) + " + " + std::to_string(length));
  }
  c10::Storage storage = tensor.storage();
  int64_t first = offset;
  if (later && is_borrowed(tensor)) {
    // JavaScript could take this memory away meanwhile.
    storage = bytes_of(storage, offset, length).clone().storage();
    first = 0;
  }
  return [archive, storage, first, length]() -> Finish {
    const std::lock_guard lock(archive->mutex);
    const uint32_t crc = archive->append(storage, first, length);
    return [crc](Addon&, Napi::Env env) -> Napi::Value { return Napi::Number::New(env, crc); };
  };
}

// archiveAppendStorage(id, tensor, offset, length) -> crc32: bytes of the tensor's storage
Napi::Value archive_append_storage(Addon& addon, const Arguments& arguments) {
  return run_now(addon, arguments.env(), append_storage(addon, arguments, /*later=*/false));
}

Napi::Value archive_append_storage_async(Addon& addon, const Arguments& arguments) {
  return run_later(arguments.env(), append_storage(addon, arguments, /*later=*/true));
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

// archiveClose(id): of either kind; closing twice is not a mistake
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
  define<archive_slice>(exports, "archiveSlice");
  define<archive_tensor>(exports, "archiveTensor");
  define<archive_set_storage>(exports, "archiveSetStorage");
  define<archive_kind>(exports, "archiveKind");
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
