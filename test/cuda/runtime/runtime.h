// What the files of the fake CUDA runtime share.
#pragma once
#include <cuda_runtime_api.h>

#include <cstddef>
#include <string>

#define FAKE_API extern "C" __attribute__((visibility("default")))

namespace fake {

// ---- counts.cpp

// Counts one event under a name such as "launch cublasGemmEx"; the first word is its category (see README.md).
void count(const std::string& what);

// ---- devices.cpp

int device_count();
int current_device();
// Bytes of memory of each device.
size_t memory_limit();
// Keeps an error for cudaGetLastError, as every function of the runtime that fails does.
cudaError_t fail(cudaError_t error);

// ---- memory.cpp

// The host memory behind a device address, whatever address inside an allocation it is; host addresses stay as they are.
void* host(const void* address);
bool on_device(const void* address);
bool is_pinned(const void* address);

// ---- streams.cpp

// The graph that a stream's work is recorded into; null where it is not being captured.
struct Graph;
Graph* capturing(cudaStream_t stream);
// Counts work that a stream is given, or records it where the stream is being captured.
void enqueue(cudaStream_t stream, const std::string& what);
// True where a capture forbids what waits for the device or allocates: then the capture has failed, as with CUDA.
bool breaks_capture();

}  // namespace fake
