// Copies and fills: done at once, and counted by direction. In a capture they are recorded only (see streams.cpp).
#include <cstring>

#include "runtime.h"

namespace {

std::string direction(const void* to, const void* from) {
  const bool to_device = fake::on_device(to), from_device = fake::on_device(from);
  if (to_device && from_device) return "copy D2D";
  if (to_device) return fake::is_pinned(from) ? "copy H2D pinned" : "copy H2D pageable";
  if (from_device) return fake::is_pinned(to) ? "copy D2H pinned" : "copy D2H pageable";
  return "copy H2H";
}

cudaError_t copy(void* to, const void* from, size_t size, cudaStream_t stream) {
  const std::string what = direction(to, from);
  // CUDA captures no copy of memory that may be paged out
  if (fake::capturing(stream) && what.ends_with("pageable")) return fake::fail(cudaErrorStreamCaptureUnsupported);
  fake::enqueue(stream, what);
  if (!fake::capturing(stream)) std::memmove(fake::host(to), fake::host(from), size);
  return cudaSuccess;
}

}  // namespace

FAKE_API cudaError_t cudaMemcpy(void* to, const void* from, size_t size, cudaMemcpyKind) {
  if (fake::breaks_capture()) return fake::fail(cudaErrorStreamCaptureUnsupported);
  fake::count("synchronize cudaMemcpy");
  return copy(to, from, size, nullptr);
}

FAKE_API cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t size, cudaMemcpyKind, cudaStream_t stream) {
  return copy(to, from, size, stream);
}

FAKE_API cudaError_t cudaMemcpyPeerAsync(void* to, int, const void* from, int, size_t size, cudaStream_t stream) {
  return copy(to, from, size, stream);
}

FAKE_API cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width,
                                       size_t height, cudaMemcpyKind, cudaStream_t stream) {
  fake::enqueue(stream, direction(to, from));
  if (fake::capturing(stream)) return cudaSuccess;
  auto* out = static_cast<char*>(fake::host(to));
  const auto* in = static_cast<const char*>(fake::host(from));
  for (size_t row = 0; row < height; ++row) std::memcpy(out + row * to_pitch, in + row * from_pitch, width);
  return cudaSuccess;
}

FAKE_API cudaError_t cudaMemset(void* to, int value, size_t size) {
  fake::count("memset");
  std::memset(fake::host(to), value, size);
  return cudaSuccess;
}

FAKE_API cudaError_t cudaMemsetAsync(void* to, int value, size_t size, cudaStream_t stream) {
  fake::enqueue(stream, "memset");
  if (!fake::capturing(stream)) std::memset(fake::host(to), value, size);
  return cudaSuccess;
}
